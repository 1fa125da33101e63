import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { formatDay } from '@/lib/format';
import type { PostCard } from '@/lib/posts/queries';

/** When and by whom. The day is that of UTC: a static page knows no reader. */
export function Byline({ post }: { post: Pick<PostCard, 'publishedAt' | 'author'> }) {
  const t = useTranslations('blog');
  const locale = useLocale();
  return (
    <p className="text-[0.8125rem] text-muted">
      <time dateTime={post.publishedAt}>{formatDay(locale, post.publishedAt, 'UTC')}</time>
      {post.author ? <span> · {t('by', { author: post.author })}</span> : null}
    </p>
  );
}

/** Articles beside each other. */
export function PostCards({ posts, heading }: { posts: PostCard[]; heading: 'h2' | 'h3' }) {
  const Heading = heading;
  return (
    <ul className="grid gap-x-6 gap-y-8 sm:grid-cols-2 lg:grid-cols-3">
      {posts.map((post) => (
        <li
          key={post.slug}
          className="relative flex flex-col gap-1.5 border-t-2 border-ink pt-3 hover:border-accent"
        >
          <Byline post={post} />
          <Heading className="text-lg font-semibold tracking-tight">
            <AppLink href={`/blog/${post.slug}`} prefetch className="rounded-sm after:absolute after:inset-0">
              {post.title}
            </AppLink>
          </Heading>
          <p className="line-clamp-3 text-muted">{post.summary}</p>
        </li>
      ))}
    </ul>
  );
}
