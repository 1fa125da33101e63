import { useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { Address } from '@/components/ui/address';
import { Badge } from '@/components/ui/badge';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import type { MailingRow } from '@/lib/mailings/queries';
import { MailingBadges, runStanding } from './badges';

/** Mailings with what a person looks for first: how it stands, when it sends next, how the last run went. */
export function MailingsTable({
  mailings,
  locale,
  readerZone,
  owners = false,
}: {
  mailings: MailingRow[];
  locale: string;
  /** IANA zone of who reads it. */
  readerZone: string;
  /** Shows whose each one is. */
  owners?: boolean;
}) {
  const t = useTranslations('mailings');
  return (
    <Table caption={t('title')} stacks>
      <Thead>
        <tr>
          <Th>{t('columns.name')}</Th>
          <Th>{t('columns.status')}</Th>
          <Th>{t('columns.next')}</Th>
          <Th>{t('columns.last')}</Th>
        </tr>
      </Thead>
      <Tbody>
        {mailings.map((mailing) => (
          <Tr key={mailing.id}>
            <Td className="min-w-48">
              <AppLink
                href={`/mailings/${mailing.id}`}
                className="font-medium [overflow-wrap:anywhere] underline-offset-2 hover:underline"
              >
                {mailing.name}
              </AppLink>
              <div className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">{mailing.subject}</div>
              {owners ? (
                <div className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
                  <Address>{mailing.ownerEmail}</Address>
                  {mailing.ownerBlockedAt ? (
                    <Badge tone="bad" className="ml-1.5">
                      {t('ownerBlocked')}
                    </Badge>
                  ) : null}
                </div>
              ) : null}
            </Td>
            <Td className="max-sm:flex max-sm:flex-wrap max-sm:items-center max-sm:gap-2">
              <MailingBadges mailing={mailing} />
              <div className="mt-0.5 text-[0.8125rem] whitespace-nowrap text-muted">
                {t(`periodicity.${mailing.periodicity}`)}
              </div>
            </Td>
            <Td label={t('columns.next')}>
              {mailing.nextSlotAt ? (
                mailing.pausedAt || mailing.disabledAt || mailing.ownerBlockedAt ? (
                  <span className="text-muted">{t('facts.nextHeld')}</span>
                ) : (
                  <Time
                    value={mailing.nextSlotAt}
                    zone={mailing.zone}
                    readerZone={readerZone}
                    locale={locale}
                  />
                )
              ) : (
                <span className="text-muted">{t('facts.nextNone')}</span>
              )}
            </Td>
            <Td label={t('columns.last')}>
              {mailing.lastRun ? (
                <>
                  <AppLink
                    href={`/mailings/${mailing.id}/runs/${mailing.lastRun.id}`}
                    className="underline-offset-2 hover:underline"
                  >
                    <Time value={mailing.lastRun.openedAt} zone={readerZone} locale={locale} />
                  </AppLink>
                  <div className="text-[0.8125rem] whitespace-nowrap text-muted">
                    {t(`runStatus.${runStanding(mailing.lastRun)}`)}
                    {mailing.lastRun.status === 'missed'
                      ? null
                      : `, ${t('sentOf', { sent: mailing.lastRun.sent, total: mailing.lastRun.total })}`}
                  </div>
                </>
              ) : (
                <span className="text-muted">{t('facts.lastNone')}</span>
              )}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
