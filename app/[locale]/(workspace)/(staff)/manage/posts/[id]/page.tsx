import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { PostEditor } from '@/components/posts/post-editor';
import { ViewsCard } from '@/components/posts/views-card';
import { ActionButton } from '@/components/ui/action-button';
import { Alert } from '@/components/ui/alert';
import { requireActor } from '@/lib/auth/session';
import { systemClock } from '@/lib/clock';
import { appUrl } from '@/lib/env';
import { canManagePosts } from '@/lib/policy/rules';
import { restorePostAction } from '@/lib/posts/actions';
import { findPost } from '@/lib/posts/queries';
import { toLocal } from '@/lib/recurrence/slots';
import { listViewsByDay } from '@/lib/views/queries';
import { chartDays } from '@/lib/views/schema';

type Props = {
  params: Promise<{ id: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
};

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('posts.edit');
  return { title: t('title') };
}

export default async function EditPostPage({ params, searchParams }: Props) {
  const actor = await requireActor();
  if (!canManagePosts(actor)) notFound();
  const now = systemClock.now();
  const asked = await searchParams;
  const post = await findPost(actor, { id: Number((await params).id), now });
  if (!post) notFound();
  const t = await getTranslations('posts');
  if (post.deletedAt)
    return (
      <Page title={post.title || t('untitled')} backHref="/manage/posts" backLabel={t('back')}>
        <Alert tone="warn" title={t('edit.isDeleted')}>
          <p>{t('edit.isDeletedBody')}</p>
          <div className="mt-3 flex flex-wrap gap-2">
            <ActionButton
              action={restorePostAction}
              hidden={{ id: post.id }}
              namespace="posts"
              variant="primary"
            >
              {t('restore')}
            </ActionButton>
            <LinkButton href={`/manage/posts/${post.id}/preview`}>{t('edit.preview')}</LinkButton>
          </div>
        </Alert>
      </Page>
    );
  const span = chartDays.find((days) => String(days) === asked.days) ?? chartDays[0];
  // Nobody can have read what was never published.
  const days =
    post.views > 0 || (post.publishedAt && post.publishedAt <= now)
      ? await listViewsByDay(actor, { postId: post.id, days: span, now })
      : [];
  const tomorrow = toLocal(new Date(now.getTime() + 86_400_000), actor.timeZone).slice(0, 10);
  return (
    <Page
      title={t('edit.title')}
      lead={post.authorId === actor.id ? null : t('edit.by', { author: post.author ?? t('noAuthor') })}
      backHref="/manage/posts"
      backLabel={t('back')}
    >
      <PostEditor
        key={post.id}
        post={{
          id: post.id,
          version: post.version,
          title: post.title,
          slug: post.slug,
          hasSlugOfTitle: post.hasSlugOfTitle,
          summary: post.summary,
          body: post.body,
          imageUrl: post.imageUrl ?? '',
          coverAlt: post.coverAlt,
          coverWidth: post.coverWidth,
          coverHeight: post.coverHeight,
          state: post.state,
          publishedAt: post.publishedAt?.toISOString() ?? null,
          updatedAt: post.updatedAt.toISOString(),
          editor: post.editor ?? post.author,
        }}
        writerId={actor.id}
        site={appUrl()}
        zone={actor.timeZone}
        localDate={post.publishedAt ? toLocal(post.publishedAt, actor.timeZone) : `${tomorrow}T09:00`}
      />
      {days.length > 0 ? <ViewsCard postId={post.id} total={post.views} days={days} /> : null}
    </Page>
  );
}
