import type { Metadata } from 'next';
import { notFound, permanentRedirect } from 'next/navigation';
import { getLocale } from 'next-intl/server';
import { PostView } from '@/components/posts/post-view';
import { ReadCount } from '@/components/posts/read-count';
import { env } from '@/lib/env';
import { localizedPath } from '@/lib/i18n/paths';
import { cachedMove, cachedPost } from '@/lib/posts/cache';

export const revalidate = 60;

/** None while building: each article is made at its first visit. */
export function generateStaticParams(): { slug: string }[] {
  return [];
}

type Props = { params: Promise<{ slug: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const post = await cachedPost((await params).slug);
  if (!post) return {};
  return { title: post.title, description: post.summary };
}

export default async function PostPage({ params }: Props) {
  const { slug } = await params;
  const post = await cachedPost(slug);
  if (!post) {
    const moved = await cachedMove(slug);
    if (!moved) notFound();
    permanentRedirect(localizedPath(await getLocale(), `/blog/${moved}`, env().DEFAULT_LOCALE));
  }
  return (
    <>
      <PostView post={post} />
      <div className="mx-auto -mt-10 max-w-[42rem] px-4 pb-16 sm:px-6">
        <ReadCount id={post.id} views={post.views} />
      </div>
    </>
  );
}
