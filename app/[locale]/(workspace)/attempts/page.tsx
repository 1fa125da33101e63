import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { ListPage, listHref } from '@/components/layout/list-page';
import { AttemptFilters } from '@/components/reports/attempt-filters';
import { AttemptsNote, AttemptsTable, nothingFound } from '@/components/reports/attempts-table';
import { Empty } from '@/components/ui/empty';
import { countAttempts, listAttempts } from '@/lib/attempts/queries';
import { readAttemptsAsked } from '@/lib/attempts/schema';
import { requireActor } from '@/lib/auth/session';
import { findMailing, listMailingNames } from '@/lib/mailings/queries';
import { countOf } from '@/lib/paging';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('reports.attempts');
  return { title: t('title') };
}

export default async function AttemptsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const params = { ...(await searchParams), owner: undefined };
  const { asked, filter, errors, after, isDamaged } = readAttemptsAsked(params, actor.timeZone);
  const [t, names, mailing] = await Promise.all([
    getTranslations('reports.attempts'),
    listMailingNames(actor),
    filter.mailingId === null ? null : findMailing(actor, filter.mailingId),
  ]);
  if (filter.mailingId !== null && !mailing) errors.mailing = { code: 'not_found' };
  const isWrong = Object.keys(errors).length > 0;
  const [page, count] = isWrong
    ? [{ items: [], next: null, searchedTo: null }, null]
    : await Promise.all([listAttempts(actor, { ...filter, after }), countAttempts(actor, filter)]);
  const mailings =
    mailing && !names.some((name) => name.id === mailing.id)
      ? [{ id: mailing.id, name: mailing.name }, ...names]
      : names;
  const filtered = isWrong || Object.values(asked).some(Boolean);
  const nothing = page.items.length === 0;
  return (
    <ListPage
      title={t('title')}
      lead={t('lead')}
      actions={
        mailing ? (
          <LinkButton href={`/api/mailings/${mailing.id}/attempts`} download>
            {t('export')}
          </LinkButton>
        ) : null
      }
      first={
        nothing && !filtered && !after ? (
          <Empty
            title={t('empty')}
            body={t('emptyBody')}
            action={<LinkButton href="/mailings/new">{t('newMailing')}</LinkButton>}
          />
        ) : null
      }
      search={<AttemptFilters asked={asked} errors={errors} mailings={mailings} zone={actor.timeZone} />}
      nothing={nothing && !isWrong ? await nothingFound(page) : null}
      note={
        nothing && !page.searchedTo ? null : (
          <AttemptsNote
            count={countOf(page, after, count)}
            searchedTo={page.searchedTo}
            zone={actor.timeZone}
          />
        )
      }
      next={page.next}
      after={after}
      isDamaged={isDamaged}
      href={(cursor) => listHref('/attempts', { ...asked, after: cursor })}
    >
      {isWrong ? null : <AttemptsTable attempts={page.items} zone={actor.timeZone} />}
    </ListPage>
  );
}
