import { useLocale, useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import type { AnswerKind } from '@/db/enums';
import { domainsMax } from '@/lib/attempts/schema';
import { formatNumber } from '@/lib/format';
import type { AnswerSums } from '@/lib/reports/queries';
import { AnswerAdvice, AnswerKindName } from './answer';

/** Kinds, and domains, that are seen without asking for more. */
const shownAtOnce = 5;

/**
 * What servers answered instead of taking letters: by what it means, each with its cause and what to do, and by domain. `hrefOf` leads to
 * those of whom it was said.
 */
export function Answers({
  kinds,
  domains,
  shows,
  hrefOf,
}: {
  kinds: (AnswerSums & { kind: AnswerKind })[];
  domains: (AnswerSums & { domain: string; kind: AnswerKind })[];
  shows: 'clients' | 'attempts';
  hrefOf: (of: { kind?: AnswerKind; domain?: string }) => string;
}) {
  const t = useTranslations('reports.answers');
  const locale = useLocale();
  const write = (value: number) => formatNumber(locale, value);
  const kindList = (some: typeof kinds) => (
    <ul className="grid grid-cols-[minmax(0,1fr)] divide-y divide-line">
      {some.map(({ kind, ...sums }) => {
        const isThere = shows === 'attempts' ? sums.attempts > 0 : sums.failed + sums.unknown > 0;
        return (
          <li
            key={kind}
            className="grid gap-x-6 gap-y-1 py-3 first:pt-0 last:pb-0 sm:grid-cols-[minmax(0,1fr)_auto]"
          >
            <div className="min-w-0">
              <h3 className="font-medium">
                <AnswerKindName kind={kind} />
              </h3>
              <div className="mt-1 max-w-prose text-[0.875rem] text-muted">
                <AnswerAdvice kind={kind} />
              </div>
            </div>
            <div className="text-[0.875rem] sm:text-right">
              <Sums sums={sums} />
              {isThere ? (
                <div className="mt-2">
                  <LinkButton size="sm" href={hrefOf({ kind })}>
                    {t(`show.${shows}`)}
                  </LinkButton>
                </div>
              ) : null}
            </div>
          </li>
        );
      })}
    </ul>
  );
  const domainTable = (some: typeof domains) => (
    <Table caption={t('byDomain')} stacks>
      <Thead>
        <tr>
          <Th>{t('domain')}</Th>
          <Th>{t('mostly')}</Th>
          <Th numeric>{t('notReached')}</Th>
          <Th numeric>{t('answers')}</Th>
        </tr>
      </Thead>
      <Tbody>
        {some.map(({ domain, kind, ...sums }) => (
          <Tr key={domain}>
            <Td className="[overflow-wrap:anywhere]">
              <AppLink href={hrefOf({ domain })} className="underline-offset-2 hover:underline">
                {domain}
              </AppLink>
            </Td>
            <Td>
              <AnswerKindName kind={kind} />
            </Td>
            <Td numeric label={t('notReached')}>
              {write(sums.failed + sums.unknown)}
            </Td>
            <Td numeric label={t('answers')}>
              {write(sums.attempts)}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
  const restOfKinds = kinds.slice(shownAtOnce);
  const restOfDomains = domains.slice(shownAtOnce);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-5">
      {kindList(kinds.slice(0, shownAtOnce))}
      {restOfKinds.length > 0 ? (
        <More label={t('moreKinds', { count: restOfKinds.length })}>{kindList(restOfKinds)}</More>
      ) : null}
      <More label={t('byDomain')}>
        {domainTable(domains.slice(0, shownAtOnce))}
        {restOfDomains.length > 0 ? (
          <div className="mt-3">
            <More label={t('moreDomains', { count: restOfDomains.length })}>
              {domainTable(restOfDomains)}
            </More>
          </div>
        ) : null}
        {domains.length >= domainsMax ? (
          <p className="mt-2 text-[0.8125rem] text-muted">{t('domainsMax', { count: domainsMax })}</p>
        ) : null}
      </More>
    </div>
  );
}

/** What is there and not in the way. */
function More({ label, children }: { label: string; children: ReactNode }) {
  return (
    <details>
      <summary className="w-fit cursor-pointer rounded-sm text-[0.875rem] font-medium underline-offset-4 hover:underline">
        {label}
      </summary>
      <div className="mt-3">{children}</div>
    </details>
  );
}

/** How many clients it kept from the letter, and how often it was said. */
function Sums({ sums }: { sums: AnswerSums }): ReactNode {
  const t = useTranslations('reports.answers');
  return (
    <>
      {sums.failed > 0 ? <p className="font-medium">{t('failed', { count: sums.failed })}</p> : null}
      {sums.unknown > 0 ? <p className="font-medium">{t('unknown', { count: sums.unknown })}</p> : null}
      {sums.failed + sums.unknown === 0 ? <p className="font-medium">{t('none')}</p> : null}
      {sums.attempts > 0 ? <p className="text-muted">{t('saidTimes', { count: sums.attempts })}</p> : null}
    </>
  );
}
