import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { ListPage, listHref } from '@/components/layout/list-page';
import { AttemptFilters } from '@/components/reports/attempt-filters';
import { AttemptsNote, AttemptsTable, nothingFound } from '@/components/reports/attempts-table';
import { Empty } from '@/components/ui/empty';
import { countAllAttempts, listAllAttempts } from '@/lib/attempts/queries';
import { readAttemptsAsked } from '@/lib/attempts/schema';
import { requireActor } from '@/lib/auth/session';
import { countOf } from '@/lib/paging';
import { canManage } from '@/lib/policy/rules';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.attempts');
  return { title: t('title') };
}

export default async function AllAttemptsPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const params = { ...(await searchParams), mailing: undefined };
  const { asked, filter, errors, after, isDamaged } = readAttemptsAsked(params, actor.timeZone);
  const isWrong = Object.keys(errors).length > 0;
  const [t, tAttempts, page, count] = await Promise.all([
    getTranslations('manage'),
    getTranslations('reports.attempts'),
    isWrong ? { items: [], next: null, searchedTo: null } : listAllAttempts(actor, { ...filter, after }),
    isWrong ? null : countAllAttempts(actor, filter),
  ]);
  const nothing = page.items.length === 0;
  return (
    <ListPage
      title={t('attempts.title')}
      lead={t('attempts.lead')}
      first={
        nothing && !after && !Object.values(asked).some(Boolean) ? (
          <Empty title={tAttempts('empty')} body={tAttempts('emptyBody')} />
        ) : null
      }
      search={<AttemptFilters asked={asked} errors={errors} zone={actor.timeZone} />}
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
      href={(cursor) => listHref('/manage/attempts', { ...asked, after: cursor })}
    >
      {isWrong ? null : <AttemptsTable attempts={page.items} zone={actor.timeZone} />}
    </ListPage>
  );
}
