import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { countMessages, listMessages } from '@/lib/messages/queries';
import { type MessageSort, messageSorts } from '@/lib/messages/schema';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };
const text = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined);

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('messages');
  return { title: t('title') };
}

export default async function MessagesPage({ searchParams }: Props) {
  const actor = await requireActor();
  const asked = await searchParams;
  const q = text(asked.q)?.trim().slice(0, 200) || undefined;
  const sort = messageSorts.find((known) => known === asked.sort) ?? 'newest';
  const after = text(asked.after);
  const [t, locale, page, count] = await Promise.all([
    getTranslations('messages'),
    getLocale(),
    listMessages(actor, { q, sort, after }),
    countMessages(actor, { q }),
  ]);
  const href = (by: MessageSort, cursor: string | null) => {
    const params = new URLSearchParams();
    if (q) params.set('q', q);
    if (by !== 'newest') params.set('sort', by);
    if (cursor) params.set('after', cursor);
    return params.size > 0 ? `/messages?${params}` : '/messages';
  };
  const nothing = page.items.length === 0;
  const add = (
    <LinkButton href="/messages/new" variant="primary">
      {t('add')}
    </LinkButton>
  );
  return (
    <Page title={t('title')} lead={t('lead')} actions={add}>
      {nothing && !q && !after ? (
        <Empty title={t('empty')} body={t('emptyBody')} action={add} />
      ) : (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <SearchBox
            defaultValue={q}
            placeholder={t('searchPlaceholder')}
            hidden={{ sort: sort === 'newest' ? undefined : sort }}
          />
          {nothing ? (
            <Empty
              title={q ? t('nothingFound') : t('nothingFurther')}
              body={q ? t('nothingFoundBody', { q }) : null}
              action={<LinkButton href="/messages">{t('showAll')}</LinkButton>}
            />
          ) : (
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
          )}
          <Pager
            label={t('title')}
            note={nothing ? null : t('count', { value: count.value, exact: count.exact ? 'yes' : 'no' })}
            nextHref={page.next ? href(sort, page.next) : null}
            firstHref={after ? href(sort, null) : null}
          />
        </div>
      )}
    </Page>
  );
}
