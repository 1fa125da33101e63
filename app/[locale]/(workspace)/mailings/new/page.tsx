import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { Page } from '@/components/layout/shell';
import { MailingForm } from '@/components/mailings/mailing-form';
import { requireActor } from '@/lib/auth/session';
import { createMailingAction, pickClientsAction } from '@/lib/mailings/actions';
import { listMessages } from '@/lib/messages/queries';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

/** Messages that the form offers; older ones are reached from the message's own page. */
const messagesOffered = 200;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('mailings.form');
  return { title: t('newTitle') };
}

export default async function NewMailingPage({ searchParams }: Props) {
  const actor = await requireActor();
  const { message } = await searchParams;
  const [t, tMailings, { items: messages }, first] = await Promise.all([
    getTranslations('mailings.form'),
    getTranslations('mailings'),
    listMessages(actor, { size: messagesOffered }),
    pickClientsAction({}),
  ]);
  const asked = messages.find((one) => String(one.id) === message);
  const zones = [...new Set(['UTC', actor.timeZone, ...Intl.supportedValuesOf('timeZone')])].sort();
  return (
    <Page title={t('newTitle')} backHref="/mailings" backLabel={tMailings('back')}>
      <MailingForm
        action={createMailingAction}
        mailingId={null}
        begun={false}
        defaults={{
          name: '',
          messageId: asked ? String(asked.id) : 'new',
          audience: 'chosen',
          starts: 'now',
          startsAt: '',
          zone: actor.timeZone,
          endsAt: '',
          periodicity: 'once',
        }}
        messages={messages.map(({ id, subject }) => ({ id, subject }))}
        zones={zones}
        first={first}
        hasClients={first.total.value > 0}
        cancelHref="/mailings"
      />
    </Page>
  );
}
