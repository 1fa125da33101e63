import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { Page } from '@/components/layout/shell';
import { MessageForm } from '@/components/messages/message-form';
import { Alert } from '@/components/ui/alert';
import { requireActor } from '@/lib/auth/session';
import { listClients } from '@/lib/clients/queries';
import { findMessage } from '@/lib/messages/queries';
import { can } from '@/lib/policy/rules';

type Props = { params: Promise<{ id: string }> };
/** Clients that a letter can be looked at as: the newest. */
const readersOffered = 20;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('messages.edit');
  return { title: t('title') };
}

export default async function EditMessagePage({ params }: Props) {
  const actor = await requireActor();
  const { id } = await params;
  const message = await findMessage(actor, Number(id));
  if (!message || !can(actor, 'update', message.ownerId)) notFound();
  const [t, tMessages, { items }] = await Promise.all([
    getTranslations('messages.edit'),
    getTranslations('messages'),
    listClients(actor, { size: readersOffered }),
  ]);
  const { subject, body, ownerId, ownerName, ownerEmail } = message;
  return (
    <Page
      title={t('title')}
      lead={t('hint')}
      backHref={`/messages/${message.id}`}
      backLabel={tMessages('backToMessage')}
    >
      {ownerId === actor.id ? null : (
        <Alert tone="info">{tMessages('foreign', { owner: `${ownerName} <${ownerEmail}>` })}</Alert>
      )}
      <MessageForm
        message={{ id: message.id, subject, body }}
        readers={items.map(({ id: clientId, email, fullName }) => ({ id: clientId, email, fullName }))}
        me={actor.name}
      />
    </Page>
  );
}
