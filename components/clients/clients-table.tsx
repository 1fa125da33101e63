'use client';

import Form from 'next/form';
import { useLocale, useTranslations } from 'next-intl';
import { useRef, useState } from 'react';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Address } from '@/components/ui/address';
import { Button } from '@/components/ui/button';
import { useLocalHref } from '@/components/ui/link';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import type { ClientRow, ClientSort } from '@/lib/clients/schema';
import { SuppressionBadge } from './suppression-badge';

/**
 * A page of clients to scan and to choose from. Choosing leads to a page that says what will be deleted; it is a plain form, so
 * it works without scripts.
 */
export function ClientsTable({
  clients,
  sort,
  sortHrefs,
  deleteAll,
  zone,
}: {
  clients: ClientRow[];
  sort: ClientSort;
  sortHrefs: Record<ClientSort, string>;
  /** The page that deletes all that is found, and what its link says. */
  deleteAll: { href: string; label: string };
  zone: string;
}) {
  const t = useTranslations('clients');
  const locale = useLocale();
  const local = useLocalHref();
  const form = useRef<HTMLFormElement>(null);
  const [chosen, setChosen] = useState(0);

  const boxes = () => [...(form.current?.querySelectorAll<HTMLInputElement>('input[name=ids]') ?? [])];
  const recount = () => setChosen(boxes().filter((box) => box.checked).length);
  const direction = (by: ClientSort) =>
    by === sort ? (by === 'newest' ? ('desc' as const) : ('asc' as const)) : null;

  return (
    <Form ref={form} action={local('/clients/delete')} onChange={recount} onReset={() => setChosen(0)}>
      <Table caption={t('title')}>
        <Thead>
          <tr>
            <Th className="w-0">
              <input
                type="checkbox"
                aria-label={t('select.all')}
                checked={chosen > 0 && chosen === clients.length}
                ref={(box) => {
                  if (box) box.indeterminate = chosen > 0 && chosen < clients.length;
                }}
                onChange={(event) => {
                  for (const box of boxes()) box.checked = event.target.checked;
                  recount();
                }}
                className="block size-4 accent-accent [@media(scripting:none)]:hidden"
              />
            </Th>
            <Th sort={{ href: sortHrefs.email, direction: direction('email') }}>{t('columns.email')}</Th>
            <Th sort={{ href: sortHrefs.name, direction: direction('name') }}>{t('columns.name')}</Th>
            <Th>{t('columns.comment')}</Th>
            <Th sort={{ href: sortHrefs.newest, direction: direction('newest') }}>{t('columns.added')}</Th>
          </tr>
        </Thead>
        <Tbody>
          {clients.map((client) => (
            <Tr key={client.id}>
              <Td className="w-0">
                <input
                  type="checkbox"
                  name="ids"
                  value={client.id}
                  aria-label={t('select.one', { name: client.fullName || client.email })}
                  className="mt-0.5 block size-4 accent-accent"
                />
              </Td>
              <Td>
                <div className="w-max max-w-60 [overflow-wrap:anywhere] sm:max-w-96">
                  <AppLink
                    href={`/clients/${client.id}`}
                    className="mr-2 font-medium underline-offset-2 hover:underline"
                  >
                    <Address>{client.email}</Address>
                  </AppLink>
                  <SuppressionBadge suppression={client.suppression} />
                </div>
              </Td>
              <Td className="min-w-40 [overflow-wrap:anywhere]">{client.fullName}</Td>
              <Td className="max-w-44 truncate text-muted">{client.comment}</Td>
              <Td className="text-muted">
                <Time value={client.createdAt} zone={zone} locale={locale} />
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
      <div className="mt-3 flex flex-wrap items-center gap-2">
        <Button type="submit" size="sm" variant={chosen > 0 ? 'danger' : 'secondary'}>
          {chosen > 0 ? t('select.deleteCount', { count: chosen }) : t('select.delete')}
        </Button>
        <LinkButton size="sm" variant="ghost" href={deleteAll.href} className="text-muted">
          {deleteAll.label}
        </LinkButton>
      </div>
    </Form>
  );
}
