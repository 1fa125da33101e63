import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { ActionButton } from '@/components/ui/action-button';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { formatNumber } from '@/lib/format';
import { restorePostAction } from '@/lib/posts/actions';
import type { PostLine, PostState } from '@/lib/posts/schema';
import { PostBadge } from './post-badge';

/** Articles as managers see them. Which date stands there depends on what they are. */
export function PostsTable({
  posts,
  state,
  zone,
}: {
  posts: PostLine[];
  state: PostState | undefined;
  zone: string;
}) {
  const t = useTranslations('posts');
  const locale = useLocale();
  const dateOf = (post: PostLine) => {
    if (post.state === 'deleted') return post.deletedAt;
    return post.state === 'draft' ? post.updatedAt : post.publishedAt;
  };
  return (
    <Table caption={t('title')} stacks>
      <Thead>
        <tr>
          <Th>{t('columns.title')}</Th>
          {state ? null : <Th>{t('columns.state')}</Th>}
          <Th>{state ? t(`columns.dates.${state}`) : t('columns.date')}</Th>
          <Th>{t('columns.author')}</Th>
          <Th numeric>{t('columns.views')}</Th>
        </tr>
      </Thead>
      <Tbody>
        {posts.map((post) => {
          const date = dateOf(post);
          return (
            <Tr key={post.id}>
              <Td className="sm:min-w-56 [overflow-wrap:anywhere]">
                <AppLink
                  href={`/manage/posts/${post.id}`}
                  className="font-medium underline-offset-2 hover:underline"
                >
                  {post.title || t('untitled')}
                </AppLink>
                <div className="text-[0.8125rem] text-muted">/blog/{post.slug}</div>
                {post.state === 'deleted' ? (
                  <ActionButton
                    action={restorePostAction}
                    hidden={{ id: post.id }}
                    namespace="posts"
                    size="sm"
                    className="mt-1 inline-block"
                  >
                    {t('restore')}
                  </ActionButton>
                ) : null}
              </Td>
              {state ? null : (
                <Td>
                  <PostBadge state={post.state} />
                </Td>
              )}
              <Td className="text-muted">
                {date ? (
                  <Time value={date} zone={zone} locale={locale} relative={post.state === 'scheduled'} />
                ) : null}
              </Td>
              <Td className="text-muted" label={t('columns.author')}>
                {post.author ?? t('noAuthor')}
              </Td>
              <Td numeric label={t('columns.views')}>
                {formatNumber(locale, post.views)}
              </Td>
            </Tr>
          );
        })}
      </Tbody>
    </Table>
  );
}
