import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { Page } from '@/components/layout/shell';
import { MailingForm } from '@/components/mailings/mailing-form';
import { requireActor } from '@/lib/auth/session';
import { pickClientsAction, updateMailingAction } from '@/lib/mailings/actions';
import { findMailing } from '@/lib/mailings/queries';
import { listMessages } from '@/lib/messages/queries';
import { can } from '@/lib/policy/rules';
import { toLocal } from '@/lib/recurrence/slots';

type Props = { params: Promise<{ id: string }> };
const messagesOffered = 200;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('mailings.form');
  return { title: t('editTitle') };
}

export default async function EditMailingPage({ params }: Props) {
  const actor = await requireActor();
  const { id } = await params;
  const mailing = await findMailing(actor, Number(id));
  if (!mailing || mailing.archivedAt || !can(actor, 'update', mailing.ownerId)) notFound();
  const owner = { ...actor, id: mailing.ownerId };
  const [t, tMailings, { items }, first] = await Promise.all([
    getTranslations('mailings.form'),
    getTranslations('mailings'),
    listMessages(owner, { size: messagesOffered }),
    pickClientsAction({ mailingId: mailing.id, keep: true }),
  ]);
  const messages = items.map(({ id, subject }) => ({ id, subject }));
  if (!messages.some((message) => message.id === mailing.messageId))
    messages.unshift({
      id: mailing.messageId,
      subject: mailing.messageArchivedAt
        ? t('messageArchived', { subject: mailing.subject })
        : mailing.subject,
    });
  const zones = [
    ...new Set(['UTC', mailing.zone, actor.timeZone, ...Intl.supportedValuesOf('timeZone')]),
  ].sort();
  return (
    <Page
      title={t('editTitle')}
      lead={t('editHint')}
      backHref={`/mailings/${mailing.id}`}
      backLabel={tMailings('backToMailing')}
    >
      <MailingForm
        action={updateMailingAction}
        mailingId={mailing.id}
        begun={mailing.status !== 'created'}
        defaults={{
          name: mailing.name,
          messageId: String(mailing.messageId),
          audience: mailing.audience,
          starts: 'later',
          startsAt: mailing.startsLocal.slice(0, 16),
          zone: mailing.zone,
          endsAt: mailing.endsAt ? toLocal(mailing.endsAt, mailing.zone) : '',
          periodicity: mailing.periodicity,
        }}
        messages={messages}
        zones={zones}
        first={first}
        hasClients={first.total.value > 0}
        cancelHref={`/mailings/${mailing.id}`}
      />
    </Page>
  );
}
