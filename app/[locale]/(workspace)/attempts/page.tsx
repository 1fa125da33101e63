import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { AttemptFilters } from '@/components/reports/attempt-filters';
import { AttemptsTable, SearchedTo } from '@/components/reports/attempts-table';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { listAttempts } from '@/lib/attempts/queries';
import { asAttemptStatus } from '@/lib/attempts/schema';
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
  const asked = await searchParams;
  const status = asAttemptStatus(asked.status);
  const after = text(asked.after);
  const q = text(asked.q)?.trim().slice(0, 200) || undefined;
  const named = /^\d{1,15}$/.test(text(asked.mailing) ?? '') ? Number(asked.mailing) : null;
  const [t, names, mailing] = await Promise.all([
    getTranslations('reports.attempts'),
    listMailingNames(actor),
    named === null ? null : findMailing(actor, named),
  ]);
  // A mailing that the actor may not read is no mailing: the list then is of all one's own.
  const mailingId = mailing?.id ?? null;
  const page = await listAttempts(actor, { mailingId, status, q, after });
  const mailings =
    mailing && !names.some((name) => name.id === mailing.id)
      ? [{ id: mailing.id, name: mailing.name }, ...names]
      : names;
  const href = (cursor: string | null) => {
    const search = new URLSearchParams();
    if (mailingId !== null) search.set('mailing', String(mailingId));
    if (q) search.set('q', q);
    if (status) search.set('status', status);
    if (cursor) search.set('after', cursor);
    return `/attempts${search.size > 0 ? `?${search}` : ''}`;
  };
  const filtered = mailingId !== null || status !== null || q !== undefined;
  const nothing = page.items.length === 0;
  return (
    <Page
      title={t('title')}
      lead={t('lead')}
      actions={
        mailingId !== null ? (
          <LinkButton href={`/api/mailings/${mailingId}/attempts`} download>
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
          <AttemptFilters q={q} mailings={mailings} mailingId={mailingId} status={status} />
          {nothing ? (
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
