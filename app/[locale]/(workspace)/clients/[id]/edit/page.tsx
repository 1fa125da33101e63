import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { ClientForm } from '@/components/clients/client-form';
import { Page } from '@/components/layout/shell';
import { Alert } from '@/components/ui/alert';
import { Card } from '@/components/ui/card';
import { requireActor } from '@/lib/auth/session';
import { findClient } from '@/lib/clients/queries';
import { can } from '@/lib/policy/rules';

type Props = { params: Promise<{ id: string }> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('clients.edit');
  return { title: t('title') };
}

export default async function EditClientPage({ params }: Props) {
  const actor = await requireActor();
  const { id } = await params;
  const client = await findClient(actor, Number(id));
  if (!client || !can(actor, 'update', client.ownerId)) notFound();
  const [t, tClients] = await Promise.all([getTranslations('clients.edit'), getTranslations('clients')]);
  const { email, fullName, comment, ownerId, ownerName, ownerEmail } = client;
  return (
    <Page
      title={t('title')}
      lead={t('hint')}
      backHref={`/clients/${client.id}`}
      backLabel={tClients('backToClient')}
    >
      {ownerId === actor.id ? null : (
        <Alert tone="info">{tClients('foreign', { owner: `${ownerName} <${ownerEmail}>` })}</Alert>
      )}
      <Card className="max-w-2xl">
        <ClientForm client={{ id: client.id, email, fullName, comment }} />
      </Card>
    </Page>
  );
}
