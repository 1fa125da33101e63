import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { SuppressionBadge } from '@/components/clients/suppression-badge';
import { AppLink } from '@/components/layout/link';
import { DeskList } from '@/components/manage/desk-list';
import { Address } from '@/components/ui/address';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { listAllClients } from '@/lib/clients/queries';
import { readAsked } from '@/lib/paging';
import { canManage } from '@/lib/policy/rules';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.clients');
  return { title: t('title') };
}

export default async function AllClientsPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const asked = readAsked(await searchParams);
  const [t, tManage, locale, page] = await Promise.all([
    getTranslations('clients'),
    getTranslations('manage'),
    getLocale(),
    listAllClients(actor, asked),
  ]);
  return (
    <DeskList
      place="clients"
      asked={{ ...asked, status: undefined }}
      searchPlaceholder={t('searchPlaceholder')}
      nextPage={page.next}
      isEmpty={page.items.length === 0}
    >
      <Table caption={tManage('clients.title')} stacks>
        <Thead>
          <tr>
            <Th>{t('columns.email')}</Th>
            <Th>{t('columns.name')}</Th>
            <Th>{tManage('owner')}</Th>
            <Th>{t('columns.added')}</Th>
          </tr>
        </Thead>
        <Tbody>
          {page.items.map((client) => (
            <Tr key={client.id}>
              <Td className="min-w-64 [overflow-wrap:anywhere]">
                <AppLink
                  href={`/clients/${client.id}`}
                  className="mr-2 font-medium underline-offset-2 hover:underline"
                >
                  <Address>{client.email}</Address>
                </AppLink>
                <SuppressionBadge suppression={client.suppression} />
              </Td>
              <Td className="min-w-40 [overflow-wrap:anywhere]">{client.fullName}</Td>
              <Td label={tManage('owner')} className="min-w-48 [overflow-wrap:anywhere]">
                <Address>{client.ownerEmail}</Address>
              </Td>
              <Td label={t('columns.added')} className="text-muted">
                <Time value={client.createdAt} zone={actor.timeZone} locale={locale} />
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
    </DeskList>
  );
}
