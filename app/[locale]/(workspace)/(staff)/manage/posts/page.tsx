import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { DamagedPage } from '@/components/layout/list-page';
import { Page } from '@/components/layout/shell';
import { PostsTable } from '@/components/posts/posts-table';
import { ActionButton } from '@/components/ui/action-button';
import { Alert } from '@/components/ui/alert';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { Tabs } from '@/components/ui/tabs';
import { requireActor } from '@/lib/auth/session';
import { systemClock } from '@/lib/clock';
import { formatNumber } from '@/lib/format';
import { readAsked } from '@/lib/paging';
import { canManagePosts } from '@/lib/policy/rules';
import { createPostAction, restorePostAction } from '@/lib/posts/actions';
import { cachedDrafts } from '@/lib/posts/cache';
import { countPosts, findPost, listPosts } from '@/lib/posts/queries';
import { type PostState, postStates } from '@/lib/posts/schema';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('posts');
  return { title: t('title') };
}

export default async function ManagePostsPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManagePosts(actor)) notFound();
  const params = await searchParams;
  const { q, after, status, isDamaged } = readAsked(params, ['string', 'number']);
  const state = postStates.find((known) => known === status);
  const now = systemClock.now();
  const deletedId = typeof params.deleted === 'string' ? Number(params.deleted) : null;
  const [t, locale, page, counts, gone] = await Promise.all([
    getTranslations('posts'),
    getLocale(),
    state === 'draft' && !q && !after ? cachedDrafts(actor) : listPosts(actor, { q, state, after, now }),
    countPosts(actor, { q, now }),
    deletedId ? findPost(actor, { id: deletedId, now }) : null,
  ]);
  const href = (to: PostState | undefined, cursor: string | null) => {
    const query = new URLSearchParams();
    if (q) query.set('q', q);
    if (to) query.set('status', to);
    if (cursor) query.set('after', cursor);
    return query.size > 0 ? `/manage/posts?${query}` : '/manage/posts';
  };
  const nothing = page.items.length === 0;
  const add = (
    <ActionButton action={createPostAction} namespace="posts" variant="primary">
      {t('add')}
    </ActionButton>
  );
  const isBare = nothing && !q && !state && !after && counts.deleted === 0;
  return (
    <Page title={t('title')} lead={t('lead')} actions={isBare ? null : add}>
      {gone?.deletedAt ? (
        <Alert tone="good" role="status">
          <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
            <p className="min-w-0 [overflow-wrap:anywhere]">
              {t('deleted', { title: gone.title || t('untitled') })}
            </p>
            <ActionButton action={restorePostAction} hidden={{ id: gone.id }} namespace="posts" size="sm">
              {t('undo')}
            </ActionButton>
          </div>
        </Alert>
      ) : null}
      {isBare ? (
        <Empty title={t('empty')} body={t('emptyBody')} action={add} />
      ) : (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <SearchBox defaultValue={q} placeholder={t('searchPlaceholder')} hidden={{ status: state }} />
          <Tabs
            label={t('byState')}
            items={[
              {
                href: href(undefined, null),
                label: t('all'),
                current: !state,
                count: formatNumber(locale, counts.draft + counts.scheduled + counts.published),
              },
              ...postStates.map((each) => ({
                href: href(each, null),
                label: t(`tabs.${each}`),
                current: state === each,
                count: formatNumber(locale, counts[each]),
              })),
            ]}
          />
          {isDamaged ? <DamagedPage /> : null}
          {nothing ? (
            <Empty
              title={q ? t('nothingFound') : t('nothingThere')}
              body={q ? t('nothingFoundBody', { q }) : null}
              action={<LinkButton href="/manage/posts">{t('showAll')}</LinkButton>}
            />
          ) : (
            <PostsTable posts={page.items} state={state} zone={actor.timeZone} />
          )}
          {state === 'deleted' && !nothing ? (
            <p className="text-[0.8125rem] text-muted">{t('keptFor')}</p>
          ) : null}
          <Pager
            label={t('title')}
            nextHref={page.next ? href(state, page.next) : null}
            firstHref={after ? href(state, null) : null}
          />
        </div>
      )}
    </Page>
  );
}
