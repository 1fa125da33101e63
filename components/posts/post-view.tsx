import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { AppLink } from '@/components/layout/link';
import type { Post } from '@/lib/posts/queries';
import { Article } from './article';
import { Picture } from './picture';
import { Byline } from './post-cards';

type Shown = Pick<
  Post,
  | 'title'
  | 'summary'
  | 'body'
  | 'imageUrl'
  | 'coverAlt'
  | 'coverWidth'
  | 'coverHeight'
  | 'publishedAt'
  | 'author'
  | 'language'
  | 'minutes'
>;

/** An article as its readers see it; its preview is the same. `children` stand below the text. */
export function PostView({ post, children }: { post: Shown; children?: ReactNode }) {
  const t = useTranslations('blog');
  return (
    <article className="mx-auto max-w-[42rem] px-4 pt-10 pb-12 sm:px-6 lg:pt-14 print:max-w-none print:p-0">
      <AppLink
        href="/blog"
        className="rounded-sm text-[0.875rem] text-accent underline-offset-4 hover:underline print:hidden"
      >
        {t('back')}
      </AppLink>
      <h1
        lang={post.language}
        className="mt-4 mb-3 text-[2rem] leading-[1.15] font-semibold tracking-[-0.02em] [overflow-wrap:anywhere] sm:text-[2.5rem]"
      >
        {post.title}
      </h1>
      {post.summary ? (
        <p
          lang={post.language}
          className="mb-4 text-[1.1875rem] leading-relaxed text-pretty text-muted [overflow-wrap:anywhere]"
        >
          {post.summary}
        </p>
      ) : null}
      <Byline post={post} />
      {post.imageUrl ? (
        <figure className="mt-7 lg:-mx-10 print:mx-0">
          <Picture
            src={post.imageUrl}
            alt={post.coverAlt}
            width={post.coverWidth}
            height={post.coverHeight}
            sizes="(min-width: 64rem) 44.5rem, (min-width: 44rem) 39rem, calc(100vw - 2rem)"
            isFirst
            className="article-cover"
          />
        </figure>
      ) : null}
      <Article html={post.body} lang={post.language} />
      {children ? <div className="mt-8 print:hidden">{children}</div> : null}
    </article>
  );
}
