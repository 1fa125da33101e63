import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { PostView } from '@/components/posts/post-view';
import { requireActor } from '@/lib/auth/session';
import { systemClock } from '@/lib/clock';
import { canManagePosts } from '@/lib/policy/rules';
import { findPost } from '@/lib/posts/queries';

type Props = { params: Promise<{ id: string }> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('posts.preview');
  return { title: t('title'), robots: { index: false, follow: false } };
}

/** An article as it would look, in the frame of the public pages; for managers only, and made anew at each visit. */
export default async function PreviewPostPage({ params }: Props) {
  const actor = await requireActor();
  if (!canManagePosts(actor)) notFound();
  const now = systemClock.now();
  const post = await findPost(actor, { id: Number((await params).id), now });
  if (!post) notFound();
  const [t, tPosts] = await Promise.all([getTranslations('posts.preview'), getTranslations('posts')]);
  return (
    <>
      <p role="note" className="border-b border-info/25 bg-info-soft px-4 py-2 text-center text-[0.875rem]">
        {t('note')}{' '}
        <AppLink href={`/manage/posts/${post.id}`} className="underline underline-offset-2">
          {t('edit')}
        </AppLink>
      </p>
      <PostView
        post={{
          ...post,
          title: post.title || tPosts('untitled'),
          publishedAt: (post.publishedAt ?? now).toISOString(),
        }}
      />
    </>
  );
}
