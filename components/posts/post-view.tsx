import { useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import type { Post } from '@/lib/posts/queries';
import { Article } from './article';
import { Byline } from './post-cards';

/** An article as its readers see it; its preview is the same. */
export function PostView({
  post,
}: {
  post: Pick<Post, 'title' | 'body' | 'imageUrl' | 'publishedAt' | 'author'>;
}) {
  const t = useTranslations('blog');
  return (
    <article className="mx-auto max-w-[42rem] px-4 pt-10 pb-16 sm:px-6 lg:pt-14">
      <AppLink
        href="/blog"
        className="rounded-sm text-[0.875rem] text-accent underline-offset-4 hover:underline"
      >
        {t('back')}
      </AppLink>
      <h1 className="mt-4 mb-3 text-4xl font-semibold tracking-[-0.02em] [overflow-wrap:anywhere]">
        {post.title}
      </h1>
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
