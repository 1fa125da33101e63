import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { Answer, AnswerKindName } from '@/components/reports/answer';
import { Address } from '@/components/ui/address';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import type { DeliveryRow } from '@/lib/runs/queries';
import { DeliveryBadge } from './badges';
import { DeliveryReason } from './delivery-reason';

/** The clients of a run, what became of each letter, and what the server answered last. */
export function DeliveriesTable({ deliveries, zone }: { deliveries: DeliveryRow[]; zone: string }) {
  const t = useTranslations('mailings');
  const locale = useLocale();
  return (
    <Table caption={t('run.clients')} stacks>
      <Thead>
        <tr>
          <Th>{t('columns.client')}</Th>
          <Th>{t('columns.outcome')}</Th>
          <Th>{t('columns.attempt')}</Th>
          <Th className="min-w-48 lg:min-w-56">{t('columns.answer')}</Th>
        </tr>
      </Thead>
      <Tbody>
        {deliveries.map((delivery) => (
          <Tr key={delivery.id}>
            <Td className="min-w-44 lg:min-w-52 [overflow-wrap:anywhere]">
              <AppLink
                href={`/clients/${delivery.clientId}`}
                className="font-medium underline-offset-2 hover:underline"
              >
                <Address>{delivery.email}</Address>
              </AppLink>
              {delivery.fullName ? <div className="text-muted">{delivery.fullName}</div> : null}
            </Td>
            <Td className="min-w-36 lg:min-w-40">
              <DeliveryBadge status={delivery.status} />
              <div className="mt-0.5 text-[0.8125rem] text-muted">
                <DeliveryReason reason={delivery.reason} />
                {delivery.nextTryAt && delivery.status === 'queued'
                  ? t.rich('nextTry', {
                      at: () =>
                        delivery.nextTryAt ? (
                          <Time value={delivery.nextTryAt} zone={zone} locale={locale} />
                        ) : null,
                    })
                  : null}
              </div>
            </Td>
            <Td>
              {delivery.attempt ? (
                <AppLink
                  href={`/attempts/${delivery.attempt.id}`}
                  className="underline-offset-2 hover:underline"
                >
                  <Time value={delivery.attempt.attemptedAt} zone={zone} locale={locale} />
                </AppLink>
              ) : null}
            </Td>
            <Td className="[overflow-wrap:anywhere]">
              {delivery.attempt?.kind ? (
                <div className="mb-0.5 font-medium">
                  <AnswerKindName kind={delivery.attempt.kind} />
                </div>
              ) : null}
              {delivery.attempt ? <Answer of={delivery.attempt} none={t('noAnswer')} /> : null}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
