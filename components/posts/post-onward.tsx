import { useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { classNames } from '@/components/ui/class-names';
import type { PostCard, Surroundings } from '@/lib/posts/queries';
import { PostCards } from './post-cards';

function Neighbour({ post, label, isNewer }: { post: PostCard | null; label: string; isNewer: boolean }) {
  if (!post) return null;
  return (
    <AppLink
      href={`/blog/${post.slug}`}
      rel={isNewer ? 'next' : 'prev'}
      className={classNames(
        'group grid content-start gap-1 rounded-md border border-line bg-surface px-4 py-3 hover:border-edge',
        isNewer && 'sm:col-start-2 sm:text-right',
      )}
    >
      <span className="text-[0.8125rem] text-muted">{label}</span>
      <span
        lang={post.language}
        className="line-clamp-3 font-medium underline-offset-4 [overflow-wrap:anywhere] group-hover:underline"
      >
        {post.title}
      </span>
    </AppLink>
  );
}

/** What a reader may go on with: the articles before and after, and those about the same. Nothing when there is no other. */
export function PostOnward({ around: { newer, older, related } }: { around: Surroundings }) {
  const t = useTranslations('blog');
  if (!newer && !older && related.length === 0) return null;
  return (
    <div className="print:hidden">
      {newer || older ? (
        <nav
          aria-label={t('neighbours')}
          className="mx-auto grid max-w-[42rem] gap-3 px-4 pb-12 sm:grid-cols-2 sm:px-6"
        >
          <Neighbour post={older} label={t('previous')} isNewer={false} />
          <Neighbour post={newer} label={t('next')} isNewer />
        </nav>
      ) : null}
      {related.length > 0 ? (
        <section aria-labelledby="related" className="border-t border-line bg-sunken/60">
          <div className="mx-auto max-w-6xl px-4 py-10 sm:px-6">
            <h2 id="related" className="mb-5 text-xl font-semibold tracking-tight">
              {t('related')}
            </h2>
            <PostCards posts={related} heading="h3" />
          </div>
        </section>
      ) : null}
    </div>
  );
}
