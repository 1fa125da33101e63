import { useLocale, useTranslations } from 'next-intl';
import { getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { Address } from '@/components/ui/address';
import { Badge, type Tone } from '@/components/ui/badge';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import type { AttemptStatus } from '@/db/enums';
import type { AttemptRow } from '@/lib/attempts/queries';
import { attemptsSearched } from '@/lib/attempts/schema';
import type { BoundedCount } from '@/lib/paging';
import { Answer, AnswerKindName } from './answer';

const tones: Record<AttemptStatus, Tone> = { success: 'good', failure: 'bad', unknown: 'warn' };

/** The result of an attempt in a word. */
export function AttemptBadge({ status }: { status: AttemptStatus }) {
  const t = useTranslations('reports.attempts.statuses');
  return <Badge tone={tones[status]}>{t(status)}</Badge>;
}

/** How many attempts a list has, where that is known; of a search how far back it has looked, where the next page goes on from there. */
export function AttemptsNote({
  count,
  searchedTo: at,
  zone,
}: {
  count: BoundedCount | null;
  searchedTo: Date | null;
  zone: string;
}) {
  const t = useTranslations('reports.attempts');
  const locale = useLocale();
  if (!at) return count && t('count', { value: count.value, exact: count.exact ? 'yes' : 'no' });
  return t.rich('searchedTo', {
    count: attemptsSearched,
    at: () => <Time value={at} zone={zone} locale={locale} />,
  });
}

/** What an empty list of attempts says: there are none, or none among those that have been looked through. */
export async function nothingFound({ searchedTo }: { searchedTo: Date | null }) {
  const t = await getTranslations('reports.attempts');
  const [title, body] = searchedTo
    ? [t('nothingYet'), t('nothingYetBody')]
    : [t('nothingFound'), t('nothingFoundBody')];
  return { title, body, showAll: t('showAll') };
}

/** Attempts, newest first, each with the server's own words. */
export function AttemptsTable({
  attempts,
  zone,
  showMailing = true,
  seconds,
}: {
  /** With owners, where they are of more than one. */
  attempts: (AttemptRow & { ownerEmail?: string })[];
  zone: string;
  showMailing?: boolean;
  seconds?: boolean;
}) {
  const t = useTranslations('reports.attempts');
  const locale = useLocale();
  return (
    <Table caption={t('title')} stacks>
      <Thead>
        <tr>
          <Th>{t('columns.at')}</Th>
          <Th>{t('columns.client')}</Th>
          {showMailing ? <Th>{t('columns.mailing')}</Th> : null}
          <Th>{t('columns.status')}</Th>
          <Th className="min-w-44 lg:min-w-52">{t('columns.answer')}</Th>
        </tr>
      </Thead>
      <Tbody>
        {attempts.map((attempt) => (
          <Tr key={attempt.id}>
            <Td className="max-sm:order-1 max-sm:col-span-1!">
              <AppLink
                href={`/attempts/${attempt.id}`}
                className="font-medium underline-offset-2 hover:underline"
              >
                <Time value={attempt.attemptedAt} zone={zone} locale={locale} seconds={seconds} />
              </AppLink>
            </Td>
            <Td className="min-w-40 max-sm:order-3 lg:min-w-52 [overflow-wrap:anywhere]">
              <Address>{attempt.email}</Address>
              {attempt.fullName ? <div className="text-muted">{attempt.fullName}</div> : null}
            </Td>
            {showMailing ? (
              <Td className="min-w-28 max-sm:order-4 lg:min-w-32 [overflow-wrap:anywhere]">
                <AppLink
                  href={`/mailings/${attempt.mailingId}/runs/${attempt.runId}`}
                  className="underline-offset-2 hover:underline"
                >
                  {attempt.mailingName}
                </AppLink>
                {attempt.ownerEmail ? (
                  <div className="text-[0.8125rem] text-muted">
                    <Address>{attempt.ownerEmail}</Address>
                  </div>
                ) : null}
              </Td>
            ) : null}
            <Td className="max-sm:order-2 max-sm:col-span-1!">
              <AttemptBadge status={attempt.status} />
            </Td>
            <Td className="max-sm:order-5 [overflow-wrap:anywhere]">
              {attempt.kind ? (
                <div className="mb-0.5 font-medium">
                  <AnswerKindName kind={attempt.kind} />
                </div>
              ) : null}
              <Answer of={attempt} none={t('noAnswer')} />
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
