import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { DeskList } from '@/components/manage/desk-list';
import { Address } from '@/components/ui/address';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { listAllMessages } from '@/lib/messages/queries';
import { readAsked } from '@/lib/paging';
import { canManage } from '@/lib/policy/rules';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.messages');
  return { title: t('title') };
}

export default async function AllMessagesPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const asked = readAsked(await searchParams);
  const [t, tManage, locale, page] = await Promise.all([
    getTranslations('messages'),
    getTranslations('manage'),
    getLocale(),
    listAllMessages(actor, asked),
  ]);
  const when = (at: Date) => <Time value={at} zone={actor.timeZone} locale={locale} />;
  return (
    <DeskList
      place="messages"
      asked={{ ...asked, status: undefined }}
      searchPlaceholder={t('searchPlaceholder')}
      nextPage={page.next}
      isEmpty={page.items.length === 0}
    >
      <Table caption={tManage('messages.title')} stacks>
        <Thead>
          <tr>
            <Th>{t('columns.subject')}</Th>
            <Th>{tManage('owner')}</Th>
            <Th>{t('columns.added')}</Th>
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
              <Td label={tManage('owner')} className="min-w-48 [overflow-wrap:anywhere]">
                <Address>{message.ownerEmail}</Address>
              </Td>
              <Td label={t('columns.added')} className="text-muted">
                {when(message.createdAt)}
              </Td>
              <Td label={t('columns.changed')} className="text-muted">
                {when(message.updatedAt)}
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
    </DeskList>
  );
}
