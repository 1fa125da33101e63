import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { ListPage, listHref } from '@/components/layout/list-page';
import { MailingStatusField } from '@/components/mailings/mailing-status-field';
import { MailingsTable } from '@/components/mailings/mailings-table';
import { Empty } from '@/components/ui/empty';
import { SearchBox } from '@/components/ui/search';
import { requireActor } from '@/lib/auth/session';
import { listMailings } from '@/lib/mailings/queries';
import { asMailingFilter } from '@/lib/mailings/schema';
import { readAsked } from '@/lib/paging';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('mailings');
  return { title: t('title') };
}

export default async function MailingsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const asked = readAsked(await searchParams);
  const { q, after, isDamaged } = asked;
  const status = asMailingFilter(asked.status);
  const [t, locale, page] = await Promise.all([
    getTranslations('mailings'),
    getLocale(),
    listMailings(actor, { q, status, after }),
  ]);
  const filtered = Boolean(q || status);
  const nothing = page.items.length === 0;
  const add = (
    <LinkButton href="/mailings/new" variant="primary">
      {t('new')}
    </LinkButton>
  );
  return (
    <ListPage
      title={t('title')}
      lead={t('lead')}
      actions={add}
      first={
        nothing && !filtered && !after ? (
          <Empty title={t('empty')} body={t('emptyBody')} action={add} />
        ) : null
      }
      search={
        <SearchBox defaultValue={q} placeholder={t('searchPlaceholder')}>
          <MailingStatusField status={status} />
        </SearchBox>
      }
      nothing={
        nothing ? { title: t('nothingFound'), body: t('nothingFoundBody'), showAll: t('showAll') } : null
      }
      next={page.next}
      after={after}
      isDamaged={isDamaged}
      href={(cursor) => listHref('/mailings', { q, status, after: cursor })}
    >
      <MailingsTable mailings={page.items} locale={locale} readerZone={actor.timeZone} />
    </ListPage>
  );
}
