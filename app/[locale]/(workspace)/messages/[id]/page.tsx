import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { MessagePreview } from '@/components/messages/message-preview';
import { TestLetter } from '@/components/messages/test-letter';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { Card } from '@/components/ui/card';
import { Facts } from '@/components/ui/facts';
import { SelectField } from '@/components/ui/field';
import { ActionButton } from '@/components/ui/form';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { listClients } from '@/lib/clients/queries';
import { deleteMessageAction } from '@/lib/messages/actions';
import { findMessage, listMessageUses, previewMessage } from '@/lib/messages/queries';
import { can } from '@/lib/policy/rules';

type Props = {
  params: Promise<{ id: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
};
/** Clients that the letter can be looked at as: the newest. */
const readersOffered = 50;
const usesShown = 20;

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const [actor, { id }] = await Promise.all([requireActor(), params]);
  return { title: (await findMessage(actor, Number(id)))?.subject };
}

export default async function MessagePage({ params, searchParams }: Props) {
  const actor = await requireActor();
  const [{ id }, asked] = await Promise.all([params, searchParams]);
  const message = await findMessage(actor, Number(id));
  if (!message) notFound();
  const clientId = typeof asked.as === 'string' && /^\d{1,15}$/.test(asked.as) ? Number(asked.as) : null;
  const [t, tErrors, locale, uses, readers, preview] = await Promise.all([
    getTranslations('messages'),
    getTranslations('messages.errors'),
    getLocale(),
    listMessageUses(actor, message.id, usesShown),
    listClients(actor, { size: readersOffered }),
    previewMessage(actor, { subject: message.subject, body: message.body, clientId }),
  ]);
  const mayChange = can(actor, 'update', message.ownerId);
  const isOwn = actor.id === message.ownerId;
  const owner = `${message.ownerName} <${message.ownerEmail}>`;
  const when = (at: Date) => <Time value={at} zone={actor.timeZone} locale={locale} />;
  const isUsed = uses.length > 0;
  const broken = preview.ok ? undefined : Object.values(preview.error.fields ?? {})[0]?.params;
  return (
    <Page
      title={message.subject}
      backHref={actor.id === message.ownerId ? '/messages' : '/manage/messages'}
      backLabel={t('back')}
      actions={
        mayChange ? (
          <>
            {isOwn && !message.archivedAt ? (
              <LinkButton href={`/mailings/new?message=${message.id}`} variant="primary">
                {t('actions.schedule')}
              </LinkButton>
            ) : null}
            <LinkButton href={`/messages/${message.id}/edit`}>{t('actions.edit')}</LinkButton>
            {message.archivedAt && isUsed ? null : (
              <ActionButton
                action={deleteMessageAction}
                hidden={{ id: message.id }}
                variant="danger"
                namespace="messages"
                confirm={{
                  title: t('confirmDelete.title'),
                  body: t(isUsed ? 'confirmDelete.bodyUsed' : 'confirmDelete.body'),
                  confirm: t(isUsed ? 'confirmDelete.confirmUsed' : 'confirmDelete.confirm'),
                }}
              >
                {t('actions.delete')}
              </ActionButton>
            )}
          </>
        ) : null
      }
    >
      <div className="grid gap-3 empty:hidden">
        {isOwn ? null : <Alert tone="info">{t(mayChange ? 'foreign' : 'readOnly', { owner })}</Alert>}
        {message.archivedAt ? <Alert tone="neutral">{t('archived')}</Alert> : null}
      </div>

      <Card title={t('facts.title')}>
        <Facts
          items={[
            { term: t('facts.subject'), value: message.subject },
            { term: t('facts.added'), value: when(message.createdAt) },
            { term: t('facts.changed'), value: when(message.updatedAt) },
            ...(isOwn ? [] : [{ term: t('facts.owner'), value: owner }]),
            {
              term: t('facts.used'),
              value: isUsed ? (
                <ul className="grid gap-0.5">
                  {uses.map((mailing) => (
                    <li key={mailing.id}>
                      <AppLink href={`/mailings/${mailing.id}`} className="underline underline-offset-2">
                        {mailing.name}
                      </AppLink>
                      {mailing.archivedAt ? (
                        <span className="text-muted"> ({t('facts.archivedMailing')})</span>
                      ) : null}
                    </li>
                  ))}
                  {uses.length === usesShown ? (
                    <li className="text-[0.8125rem] text-muted">
                      {t('facts.moreUses', { count: usesShown })}
                    </li>
                  ) : null}
                </ul>
              ) : (
                <span className="text-muted">{t('facts.unused')}</span>
              ),
            },
          ]}
        />
      </Card>

      <section aria-labelledby="preview" className="grid grid-cols-[minmax(0,1fr)] gap-3">
        <h2 id="preview" className="text-lg font-semibold">
          {t('preview.title')}
        </h2>
        {readers.items.length > 0 ? (
          <form method="get" className="flex flex-wrap items-end gap-2">
            <SelectField
              key={clientId ?? 'me'}
              name="as"
              label={t('preview.as')}
              defaultValue={clientId === null ? '' : String(clientId)}
              className="max-w-96 flex-1"
              options={[
                { value: '', label: t('preview.me', { name: actor.name }) },
                ...readers.items.map((client) => ({
                  value: String(client.id),
                  label: client.fullName ? `${client.fullName}, ${client.email}` : client.email,
                })),
              ]}
            />
            <Button type="submit">{t('preview.show')}</Button>
          </form>
        ) : null}
        {preview.ok ? (
          <MessagePreview {...preview.data} />
        ) : (
          <Alert tone="bad">
            {tErrors('template_broken', {
              line: broken?.line ?? 1,
              problem: String(broken?.problem ?? ''),
              detail: broken?.detail ?? '',
              reason: broken?.reason ?? '',
            })}
          </Alert>
        )}
        {mayChange ? <TestLetter messageId={message.id} email={actor.email} /> : null}
      </section>
    </Page>
  );
}
