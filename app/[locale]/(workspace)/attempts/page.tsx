import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { AttemptFilters } from '@/components/reports/attempt-filters';
import { AttemptsTable, SearchedTo } from '@/components/reports/attempts-table';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { listAttempts, readAttemptsAsked } from '@/lib/attempts/queries';
import { requireActor } from '@/lib/auth/session';
import { findMailing, listMailingNames } from '@/lib/mailings/queries';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };
const text = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined);

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('reports.attempts');
  return { title: t('title') };
}

export default async function AttemptsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const params = await searchParams;
  const { asked, filter, errors } = readAttemptsAsked(params, actor.timeZone);
  const after = text(params.after);
  const [t, names, mailing] = await Promise.all([
    getTranslations('reports.attempts'),
    listMailingNames(actor),
    filter.mailingId === null ? null : findMailing(actor, filter.mailingId),
  ]);
  if (filter.mailingId !== null && !mailing) errors.mailing = { code: 'not_found' };
  const isWrong = Object.keys(errors).length > 0;
  const page = isWrong
    ? { items: [], next: null, searchedTo: null }
    : await listAttempts(actor, { ...filter, after });
  const mailings =
    mailing && !names.some((name) => name.id === mailing.id)
      ? [{ id: mailing.id, name: mailing.name }, ...names]
      : names;
  const href = (cursor: string | null) => {
    const given = Object.entries({ ...asked, after: cursor ?? '' }).filter(([, value]) => value);
    return `/attempts${given.length > 0 ? `?${new URLSearchParams(given)}` : ''}`;
  };
  const filtered = isWrong || Object.values(asked).some(Boolean);
  const nothing = page.items.length === 0;
  return (
    <Page
      title={t('title')}
      lead={t('lead')}
      actions={
        mailing ? (
          <LinkButton href={`/api/mailings/${mailing.id}/attempts`} download>
            {t('export')}
          </LinkButton>
        ) : null
      }
    >
      {nothing && !filtered && !after ? (
        <Empty
          title={t('empty')}
          body={t('emptyBody')}
          action={<LinkButton href="/mailings/new">{t('newMailing')}</LinkButton>}
        />
      ) : (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <AttemptFilters asked={asked} errors={errors} mailings={mailings} zone={actor.timeZone} />
          {isWrong ? null : nothing ? (
            <Empty
              title={t('nothingFound')}
              body={t('nothingFoundBody')}
              action={<LinkButton href="/attempts">{t('showAll')}</LinkButton>}
            />
          ) : (
            <AttemptsTable attempts={page.items} zone={actor.timeZone} />
          )}
          <Pager
            label={t('title')}
            note={page.searchedTo ? <SearchedTo at={page.searchedTo} zone={actor.timeZone} /> : null}
            nextHref={page.next ? href(page.next) : null}
            firstHref={after ? href(null) : null}
          />
        </div>
      )}
    </Page>
  );
}
