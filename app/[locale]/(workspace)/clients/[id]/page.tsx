import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { SuppressionBadge } from '@/components/clients/suppression-badge';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { DeliveryBadge } from '@/components/mailings/badges';
import { DeliveryReason } from '@/components/mailings/delivery-reason';
import { Answer, AnswerKindName } from '@/components/reports/answer';
import { Alert } from '@/components/ui/alert';
import { Card } from '@/components/ui/card';
import { Empty } from '@/components/ui/empty';
import { Facts } from '@/components/ui/facts';
import { ActionButton } from '@/components/ui/form';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { deleteClientAction } from '@/lib/clients/actions';
import { findClient, listClientDeliveries } from '@/lib/clients/queries';
import { can } from '@/lib/policy/rules';

type Props = { params: Promise<{ id: string }> };
const deliveriesShown = 20;

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const [actor, { id }] = await Promise.all([requireActor(), params]);
  const client = await findClient(actor, Number(id));
  return { title: client?.fullName || client?.email };
}

export default async function ClientPage({ params }: Props) {
  const actor = await requireActor();
  const { id } = await params;
  const client = await findClient(actor, Number(id));
  if (!client) notFound();
  const [t, tMailings, locale, deliveries] = await Promise.all([
    getTranslations('clients'),
    getTranslations('mailings'),
    getLocale(),
    listClientDeliveries(actor, client.id, deliveriesShown),
  ]);
  const mayChange = can(actor, 'update', client.ownerId);
  const owner = `${client.ownerName} <${client.ownerEmail}>`;
  const name = client.fullName || client.email;
  const when = (at: Date) => <Time value={at} zone={actor.timeZone} locale={locale} />;
  const { suppression } = client;
  const by = suppression?.by;
  return (
    <Page
      title={name}
      lead={suppression ? <SuppressionBadge suppression={suppression} /> : null}
      backHref={actor.id === client.ownerId ? '/clients' : '/manage/clients'}
      backLabel={t('back')}
      actions={
        mayChange ? (
          <>
            <LinkButton href={`/clients/${client.id}/edit`}>{t('actions.edit')}</LinkButton>
            <ActionButton
              action={deleteClientAction}
              hidden={{ id: client.id }}
              variant="danger"
              namespace="clients"
              confirm={{
                title: t('confirmDelete.title', { name }),
                body: t('confirmDelete.body'),
                confirm: t('confirmDelete.confirm'),
              }}
            >
              {t('actions.delete')}
            </ActionButton>
          </>
        ) : null
      }
    >
      <div className="grid gap-3 empty:hidden">
        {actor.id === client.ownerId ? null : (
          <Alert tone="info">{t(mayChange ? 'foreign' : 'readOnly', { owner })}</Alert>
        )}
        {suppression ? (
          <Alert tone="warn" title={t('suppression.title')}>
            <p>
              {t.rich(`suppression.${suppression.reason}At`, { at: () => when(suppression.at) })}{' '}
              {by
                ? t.rich('suppression.by', {
                    name: by.mailingName,
                    mailing: (mailingName) => (
                      <AppLink
                        href={`/mailings/${by.mailingId}/runs/${by.runId}`}
                        className="underline underline-offset-2"
                      >
                        {mailingName}
                      </AppLink>
                    ),
                  })
                : null}
            </p>
            <p className="mt-1">{t('suppression.meaning')}</p>
          </Alert>
        ) : null}
      </div>

      <Card title={t('facts.title')}>
        <Facts
          items={[
            { term: t('facts.email'), value: client.email },
            {
              term: t('facts.name'),
              value: client.fullName || <span className="text-muted">{t('facts.noName')}</span>,
            },
            {
              term: t('facts.comment'),
              value: client.comment ? (
                <span className="whitespace-pre-line">{client.comment}</span>
              ) : (
                <span className="text-muted">{t('facts.noComment')}</span>
              ),
            },
            { term: t('facts.added'), value: when(client.createdAt) },
            { term: t('facts.changed'), value: when(client.updatedAt) },
            ...(actor.id === client.ownerId ? [] : [{ term: t('facts.owner'), value: owner }]),
          ]}
        />
      </Card>

      <section aria-labelledby="deliveries" className="grid grid-cols-[minmax(0,1fr)] gap-3">
        <h2 id="deliveries" className="text-lg font-semibold">
          {t('deliveries.title')}
        </h2>
        {deliveries.length === 0 ? (
          <Empty title={t('deliveries.empty')} />
        ) : (
          <Table caption={t('deliveries.title')} stacks>
            <Thead>
              <tr>
                <Th>{t('deliveries.mailing')}</Th>
                <Th>{t('deliveries.outcome')}</Th>
                <Th>{t('deliveries.attempt')}</Th>
                <Th className="min-w-56">{t('deliveries.answer')}</Th>
              </tr>
            </Thead>
            <Tbody>
              {deliveries.map((delivery) => (
                <Tr key={delivery.id}>
                  <Td className="min-w-40">
                    <AppLink
                      href={`/mailings/${delivery.mailingId}/runs/${delivery.runId}`}
                      className="font-medium underline-offset-2 hover:underline"
                    >
                      {delivery.mailingName}
                    </AppLink>
                    {delivery.email === client.email ? null : (
                      <div className="text-[0.8125rem] text-muted">{delivery.email}</div>
                    )}
                  </Td>
                  <Td className="min-w-40">
                    <DeliveryBadge status={delivery.status} />
                    <div className="mt-0.5 text-[0.8125rem] text-muted">
                      <DeliveryReason reason={delivery.reason} />
                    </div>
                  </Td>
                  <Td>
                    {delivery.attemptId && delivery.attemptedAt ? (
                      <AppLink
                        href={`/attempts/${delivery.attemptId}`}
                        className="underline-offset-2 hover:underline"
                      >
                        {when(delivery.attemptedAt)}
                      </AppLink>
                    ) : null}
                  </Td>
                  <Td className="[overflow-wrap:anywhere]">
                    {delivery.kind ? (
                      <div className="mb-0.5 font-medium">
                        <AnswerKindName kind={delivery.kind} />
                      </div>
                    ) : null}
                    {delivery.attemptId ? (
                      <Answer
                        of={{
                          code: delivery.code,
                          response: delivery.response ?? '',
                          stage: delivery.stage ?? '',
                        }}
                        none={tMailings('noAnswer')}
                      />
                    ) : null}
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
        {deliveries.length === deliveriesShown ? (
          <p className="text-[0.8125rem] text-muted">{t('deliveries.latest', { count: deliveriesShown })}</p>
        ) : null}
      </section>
    </Page>
  );
}
