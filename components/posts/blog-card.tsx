import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { Card } from '@/components/ui/card';
import { Time } from '@/components/ui/time';
import { formatNumber } from '@/lib/format';
import type { PostLine, PostState } from '@/lib/posts/schema';
import { PostBadge } from './post-badge';

/** The blog for who looks after it: how much there is of what, what appears next, and what waits to be finished. */
export function BlogCard({
  counts,
  recent,
  posts,
  zone,
}: {
  counts: Record<PostState | 'views', number>;
  /** Views of the last 7 and 30 days. */
  recent: { week: number; month: number };
  /** Scheduled articles and drafts. */
  posts: PostLine[];
  zone: string;
}) {
  const t = useTranslations('dashboard.blog');
  const tPosts = useTranslations('posts');
  const locale = useLocale();
  const numbers = [
    { name: 'drafts', value: counts.draft, href: '/manage/posts?status=draft' },
    { name: 'scheduled', value: counts.scheduled, href: '/manage/posts?status=scheduled' },
    { name: 'published', value: counts.published, href: '/manage/posts?status=published' },
    { name: 'views', value: counts.views, href: '/manage/posts?status=published' },
    { name: 'week', value: recent.week, href: '/manage/posts?status=published' },
    { name: 'month', value: recent.month, href: '/manage/posts?status=published' },
  ] as const;
  return (
    <Card
      title={t('title')}
      actions={
        <AppLink href="/manage/posts" className="text-[0.875rem] underline underline-offset-2">
          {t('all')}
        </AppLink>
      }
    >
      <ul className="mb-4 grid grid-cols-2 gap-3 sm:grid-cols-3 xl:grid-cols-6">
        {numbers.map(({ name, value, href }) => (
          <li key={name}>
            <AppLink href={href} className="block rounded-sm underline-offset-2 hover:underline">
              <span className="block text-[0.8125rem] text-muted">{t(name)}</span>
              <span className="block text-xl font-semibold">{formatNumber(locale, value)}</span>
            </AppLink>
          </li>
        ))}
      </ul>
      {posts.length === 0 ? (
        <p className="text-muted">{t('none')}</p>
      ) : (
        <ul className="grid gap-3">
          {posts.map((post) => (
            <li key={post.id} className="min-w-0 [overflow-wrap:anywhere]">
              <div className="flex flex-wrap items-center gap-2">
                <AppLink
                  href={`/manage/posts/${post.id}`}
                  className="font-medium underline-offset-2 hover:underline"
                >
                  {post.title || tPosts('untitled')}
                </AppLink>
                <PostBadge state={post.state} />
              </div>
              <div className="text-muted">
                {t.rich(post.state === 'scheduled' ? 'appears' : 'changed', {
                  at: () => (
                    <Time
                      value={(post.state === 'scheduled' && post.publishedAt) || post.updatedAt}
                      zone={zone}
                      locale={locale}
                    />
                  ),
                })}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
