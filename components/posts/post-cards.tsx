import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { classNames } from '@/components/ui/class-names';
import { formatDay } from '@/lib/format';
import type { PostCard } from '@/lib/posts/queries';
import { Picture } from './picture';

/** When, by whom, and how long it takes. The day is that of UTC: a static page knows no reader. */
export function Byline({ post }: { post: Pick<PostCard, 'publishedAt' | 'author' | 'minutes'> }) {
  const t = useTranslations('blog');
  const locale = useLocale();
  // A dot stands before each part, and out of sight before the first one of a line.
  const part = "min-w-0 before:inline-block before:w-3 before:text-center before:content-['·'/'']";
  return (
    <p className="overflow-x-clip text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
      <span className="-ml-3 flex flex-wrap">
        <time dateTime={post.publishedAt} className={part}>
          {formatDay(locale, post.publishedAt, 'UTC')}
        </time>{' '}
        {post.author ? <span className={part}>{t('by', { author: post.author })}</span> : null}{' '}
        <span className={part}>{t('minutes', { minutes: post.minutes })}</span>
      </span>
    </p>
  );
}

function Cover({ post, isLead, isFirst }: { post: PostCard; isLead: boolean; isFirst: boolean }) {
  if (!post.imageUrl) return null;
  return (
    <Picture
      src={post.imageUrl}
      // The title beside it says where it leads; what it shows is told in the article.
      alt=""
      width={post.coverWidth}
      height={post.coverHeight}
      sizes={
        isLead
          ? '(min-width: 72rem) 36rem, (min-width: 64rem) 50vw, calc(100vw - 2rem)'
          : '(min-width: 72rem) 22rem, (min-width: 64rem) 31vw, (min-width: 40rem) 46vw, calc(100vw - 2rem)'
      }
      isFirst={isFirst}
      className="aspect-[2/1] w-full rounded-md border border-line bg-sunken object-cover"
    />
  );
}

/** Articles beside each other. With `hasLead` the first of them is wide, and its cover is what the page is seen by. */
export function PostCards({
  posts,
  heading,
  hasLead = false,
}: {
  posts: PostCard[];
  heading: 'h2' | 'h3';
  hasLead?: boolean | undefined;
}) {
  const Heading = heading;
  return (
    <ul className="grid gap-x-6 gap-y-9 sm:grid-cols-2 lg:grid-cols-3">
      {posts.map((post, at) => {
        const isLead = hasLead && at === 0;
        return (
          <li
            key={post.slug}
            className={classNames(
              'group relative grid min-w-0 grid-cols-[minmax(0,1fr)] content-start gap-4',
              isLead && 'sm:col-span-full',
              isLead && post.imageUrl && 'lg:grid-cols-2 lg:items-center lg:gap-8',
              !post.imageUrl && 'border-t-2 border-ink pt-3 hover:border-accent',
            )}
          >
            <Cover post={post} isLead={isLead} isFirst={isLead} />
            <div className="grid min-w-0 gap-1.5">
              <Byline post={post} />
              <Heading
                lang={post.language}
                className={classNames(
                  'font-semibold tracking-tight [overflow-wrap:anywhere]',
                  isLead ? 'text-2xl leading-tight sm:text-3xl' : 'text-lg leading-snug',
                )}
              >
                <AppLink
                  href={`/blog/${post.slug}`}
                  prefetch
                  className="rounded-sm underline-offset-4 group-hover:underline after:absolute after:inset-0"
                >
                  {post.title}
                </AppLink>
              </Heading>
              {post.summary ? (
                <p
                  lang={post.language}
                  className={classNames(
                    'max-w-prose text-muted [overflow-wrap:anywhere]',
                    isLead ? 'text-[1.0625rem]' : 'line-clamp-3',
                  )}
                >
                  {post.summary}
                </p>
              ) : null}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
