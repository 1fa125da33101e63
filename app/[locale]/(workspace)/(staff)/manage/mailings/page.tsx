import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { MailingStatusField } from '@/components/mailings/mailing-status-field';
import { MailingsTable } from '@/components/mailings/mailings-table';
import { DeskList } from '@/components/manage/desk-list';
import { requireActor } from '@/lib/auth/session';
import { listMailings } from '@/lib/mailings/queries';
import { asMailingFilter } from '@/lib/mailings/schema';
import { readAsked } from '@/lib/paging';
import { canManage } from '@/lib/policy/rules';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.mailings');
  return { title: t('title') };
}

export default async function AllMailingsPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const asked = readAsked(await searchParams);
  const status = asMailingFilter(asked.status);
  const [t, locale, page] = await Promise.all([
    getTranslations('mailings'),
    getLocale(),
    listMailings(actor, { everyone: true, ...asked, status }),
  ]);
  return (
    <DeskList
      place="mailings"
      asked={{ ...asked, status: status ?? undefined }}
      searchPlaceholder={t('searchPlaceholder')}
      filters={<MailingStatusField status={status} />}
      nextPage={page.next}
      isEmpty={page.items.length === 0}
    >
      <MailingsTable mailings={page.items} locale={locale} readerZone={actor.timeZone} owners />
    </DeskList>
  );
}
