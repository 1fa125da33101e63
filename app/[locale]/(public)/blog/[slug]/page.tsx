import type { Metadata } from 'next';
import { notFound, permanentRedirect } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { Article } from '@/components/posts/article';
import { Byline } from '@/components/posts/post-cards';
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
  const [t, post] = await Promise.all([getTranslations('blog'), cachedPost(slug)]);
  if (!post) {
    const moved = await cachedMove(slug);
    if (!moved) notFound();
    permanentRedirect(localizedPath(await getLocale(), `/blog/${moved}`, env().DEFAULT_LOCALE));
  }
  return (
    <article className="mx-auto max-w-[42rem] px-4 pt-10 pb-16 sm:px-6 lg:pt-14">
      <AppLink
        href="/blog"
        className="rounded-sm text-[0.875rem] text-accent underline-offset-4 hover:underline"
      >
        {t('back')}
      </AppLink>
      <h1 className="mt-4 mb-3 text-4xl font-semibold tracking-[-0.02em]">{post.title}</h1>
      <Byline post={post} />
      {post.imageUrl ? (
        <div
          aria-hidden
          className="mt-7 aspect-[2/1] rounded-lg border border-line bg-sunken bg-cover bg-center"
          style={{ backgroundImage: `url(${JSON.stringify(post.imageUrl)})` }}
        />
      ) : null}
      <Article html={post.body} />
    </article>
  );
}
