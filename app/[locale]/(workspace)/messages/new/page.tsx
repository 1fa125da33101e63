import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { Page } from '@/components/layout/shell';
import { MessageForm } from '@/components/messages/message-form';
import { requireActor } from '@/lib/auth/session';
import { listClients } from '@/lib/clients/queries';

/** Clients that a letter can be looked at as: the newest. */
const readersOffered = 20;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('messages.new');
  return { title: t('title') };
}

export default async function NewMessagePage() {
  const actor = await requireActor();
  const [t, tMessages, { items }] = await Promise.all([
    getTranslations('messages.new'),
    getTranslations('messages'),
    listClients(actor, { size: readersOffered }),
  ]);
  return (
    <Page title={t('title')} backHref="/messages" backLabel={tMessages('back')}>
      <MessageForm
        readers={items.map(({ id, email, fullName }) => ({ id, email, fullName }))}
        me={actor.name}
      />
    </Page>
  );
}
