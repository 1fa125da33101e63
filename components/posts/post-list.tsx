import { useTranslations } from 'next-intl';
import { Alone } from '@/components/layout/alone';
import { LinkButton } from '@/components/layout/link';
import { Empty } from '@/components/ui/empty';
import type { PostPage } from '@/lib/posts/queries';
import { PostCards } from './post-cards';

/** The first page has the list's own address. */
const hrefOf = (number: number) => (number === 1 ? '/blog' : `/blog/page/${number}`);

/** A page of the public articles, counted from 1. */
export function PostList({ page: { posts, pages }, number }: { page: PostPage; number: number }) {
  const t = useTranslations('blog');
  return (
    <div className="mx-auto max-w-6xl px-4 pt-10 pb-16 sm:px-6 lg:pt-14">
      <h1 className="text-4xl font-semibold tracking-[-0.02em]">{t('title')}</h1>
      <p className="mt-3 mb-9 max-w-prose text-[1.0625rem] text-pretty text-muted">
        {number === 1 ? t('lead') : t('page', { number, pages })}
      </p>
      {posts.length > 0 ? (
        <PostCards posts={posts} heading="h2" hasLead />
      ) : (
        <Empty title={t('empty')} body={t('emptyBody')} />
      )}
      {pages > 1 ? (
        <nav
          aria-label={t('pages')}
          className="mt-12 grid grid-cols-[1fr_auto_1fr] items-center gap-3 border-t border-line pt-5"
        >
          {number > 1 ? (
            <LinkButton href={hrefOf(number - 1)} rel="prev" className="justify-self-start">
              {t('newer')}
            </LinkButton>
          ) : null}
          <p className="col-start-2 text-[0.8125rem] text-muted">{t('page', { number, pages })}</p>
          {number < pages ? (
            <LinkButton href={hrefOf(number + 1)} rel="next" className="col-start-3 justify-self-end">
              {t('older')}
            </LinkButton>
          ) : null}
        </nav>
      ) : null}
      <Alone />
    </div>
  );
}
