import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { ListPage, listHref } from '@/components/layout/list-page';
import { Empty } from '@/components/ui/empty';
import { SearchBox } from '@/components/ui/search';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { countMessages, listMessages } from '@/lib/messages/queries';
import { type MessageSort, messageCursors, messageSorts } from '@/lib/messages/schema';
import { readSorted } from '@/lib/paging';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('messages');
  return { title: t('title') };
}

export default async function MessagesPage({ searchParams }: Props) {
  const actor = await requireActor();
  const { q, sort, after, isDamaged } = readSorted(await searchParams, messageSorts, messageCursors);
  const [t, locale, page, count] = await Promise.all([
    getTranslations('messages'),
    getLocale(),
    listMessages(actor, { q, sort, after }),
    countMessages(actor, { q }),
  ]);
  const href = (by: MessageSort, cursor: string | null) =>
    listHref('/messages', { q, sort: by === 'newest' ? null : by, after: cursor });
  const nothing = page.items.length === 0;
  const add = (
    <LinkButton href="/messages/new" variant="primary">
      {t('add')}
    </LinkButton>
  );
  return (
    <ListPage
      title={t('title')}
      lead={t('lead')}
      actions={add}
      first={nothing && !q && !after ? <Empty title={t('empty')} body={t('emptyBody')} action={add} /> : null}
      search={
        <SearchBox
          defaultValue={q}
          placeholder={t('searchPlaceholder')}
          hidden={{ sort: sort === 'newest' ? undefined : sort }}
        />
      }
      nothing={
        nothing
          ? {
              title: q ? t('nothingFound') : t('nothingFurther'),
              body: q ? t('nothingFoundBody', { q }) : null,
              showAll: t('showAll'),
            }
          : null
      }
      note={nothing ? null : t('count', { value: count.value, exact: count.exact ? 'yes' : 'no' })}
      next={page.next}
      after={after}
      isDamaged={isDamaged}
      href={(cursor) => href(sort, cursor)}
    >
      <Table caption={t('title')}>
        <Thead>
          <tr>
            <Th sort={{ href: href('subject', null), direction: sort === 'subject' ? 'asc' : null }}>
              {t('columns.subject')}
            </Th>
            <Th sort={{ href: href('newest', null), direction: sort === 'newest' ? 'desc' : null }}>
              {t('columns.added')}
            </Th>
            <Th>{t('columns.changed')}</Th>
          </tr>
        </Thead>
        <Tbody>
          {page.items.map((message) => (
            <Tr key={message.id}>
              <Td className="min-w-56 [overflow-wrap:anywhere]">
                <AppLink
                  href={`/messages/${message.id}`}
                  className="font-medium underline-offset-2 hover:underline"
                >
                  {message.subject}
                </AppLink>
              </Td>
              <Td className="text-muted">
                <Time value={message.createdAt} zone={actor.timeZone} locale={locale} />
              </Td>
              <Td className="text-muted">
                <Time value={message.updatedAt} zone={actor.timeZone} locale={locale} />
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
    </ListPage>
  );
}
