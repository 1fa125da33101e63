import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { DeskList } from '@/components/manage/desk-list';
import { AttemptStatusField } from '@/components/reports/attempt-filters';
import { AttemptsTable, SearchedTo } from '@/components/reports/attempts-table';
import { listAllAttempts } from '@/lib/attempts/queries';
import { asAttemptStatus } from '@/lib/attempts/schema';
import { requireActor } from '@/lib/auth/session';
import { readAsked } from '@/lib/paging';
import { canManage } from '@/lib/policy/rules';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.attempts');
  return { title: t('title') };
}

export default async function AllAttemptsPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const asked = readAsked(await searchParams);
  const status = asAttemptStatus(asked.status);
  const [t, page] = await Promise.all([
    getTranslations('reports.attempts'),
    listAllAttempts(actor, { ...asked, status }),
  ]);
  return (
    <DeskList
      place="attempts"
      asked={{ ...asked, status: status ?? undefined }}
      searchPlaceholder={t('searchPlaceholder')}
      filters={<AttemptStatusField status={status} />}
      nextPage={page.next}
      note={page.searchedTo ? <SearchedTo at={page.searchedTo} zone={actor.timeZone} /> : null}
      isEmpty={page.items.length === 0}
    >
      <AttemptsTable attempts={page.items} zone={actor.timeZone} />
    </DeskList>
  );
}
