import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import type { Hold, RunRow } from '@/lib/runs/queries';
import { RunBadge } from './badges';
import { LiveRunProgress } from './live-progress';
import { RunTime } from './run-time';

/** Runs of a mailing, newest first, with counts that add up. */
export function RunsTable({
  runs,
  readerZone,
  missed,
}: {
  runs: (RunRow & { hold?: Hold | null | undefined })[];
  /** IANA zone of who reads it. */
  readerZone: string;
  /** What can be done about a missed run. */
  missed?: React.ReactNode;
}) {
  const t = useTranslations('mailings');
  const locale = useLocale();
  return (
    <Table caption={t('sections.runs')} stacks>
      <Thead>
        <tr>
          <Th>{t('columns.when')}</Th>
          <Th>{t('columns.status')}</Th>
          <Th className="w-1/2 min-w-56">{t('columns.progress')}</Th>
        </tr>
      </Thead>
      <Tbody>
        {runs.map((run) => (
          <Tr key={run.id}>
            <Td className="max-sm:col-span-1!">
              <AppLink
                href={`/mailings/${run.mailingId}/runs/${run.id}`}
                className="font-medium underline-offset-2 hover:underline"
              >
                <RunTime run={run} readerZone={readerZone} locale={locale} />
              </AppLink>
              <div className="text-[0.8125rem] text-muted">{t(`runKind.${run.kind}`)}</div>
            </Td>
            <Td className="max-sm:col-span-1!">
              <RunBadge run={run} />
            </Td>
            <Td>
              {run.status === 'missed' ? missed : <LiveRunProgress runId={run.id} counts={run.counts} />}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
