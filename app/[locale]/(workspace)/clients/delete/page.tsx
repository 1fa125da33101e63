import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { DeletionForm } from '@/components/clients/deletion-form';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { Card } from '@/components/ui/card';
import { Empty } from '@/components/ui/empty';
import { requireActor } from '@/lib/auth/session';
import { countClients, listChosenClients, listClients } from '@/lib/clients/queries';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };
/** How many are named one by one. */
const named = 10;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('clients.deleteMany');
  return { title: t('title') };
}

/** Says in numbers what a deletion of many takes, before it is done. Opening it changes nothing. */
export default async function DeleteClientsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const asked = await searchParams;
  const q = typeof asked.q === 'string' ? asked.q.trim().slice(0, 200) : '';
  const all = asked.all === '1';
  const [t, tClients] = await Promise.all([
    getTranslations('clients.deleteMany'),
    getTranslations('clients'),
  ]);
  const chosen = all ? [] : await listChosenClients(actor, [asked.ids ?? []].flat().map(Number));
  const [count, shown] = all
    ? await Promise.all([
        countClients(actor, { q }),
        listClients(actor, { q, size: named }).then((page) => page.items),
      ])
    : [{ value: chosen.length, exact: true }, chosen.slice(0, named)];
  const cancelHref = q ? `/clients?${new URLSearchParams({ q })}` : '/clients';
  if (count.value === 0)
    return (
      <Page title={t('title')} backHref={cancelHref} backLabel={tClients('back')}>
        <Empty
          title={t('nothing')}
          body={t('nothingBody')}
          action={<LinkButton href={cancelHref}>{tClients('back')}</LinkButton>}
        />
      </Page>
    );
  const exact = count.exact ? 'yes' : 'no';
  return (
    <Page
      title={t('heading', { value: count.value, exact })}
      backHref={cancelHref}
      backLabel={tClients('back')}
    >
      <Card>
        <div className="grid max-w-prose gap-4">
          {all ? <p>{q ? t('found', { q }) : t('all')}</p> : null}
          <ul className="grid gap-0.5">
            {shown.map((client) => (
              <li key={client.id} className="[overflow-wrap:anywhere]">
                {client.email} <span className="text-muted">{client.fullName}</span>
              </li>
            ))}
            {count.exact && count.value > shown.length ? (
              <li className="text-muted">{t('more', { count: count.value - shown.length })}</li>
            ) : null}
          </ul>
          <p>{t('body')}</p>
          <DeletionForm
            ids={all ? null : chosen.map((client) => client.id)}
            q={q}
            count={count}
            cancelHref={cancelHref}
          />
        </div>
      </Card>
    </Page>
  );
}
