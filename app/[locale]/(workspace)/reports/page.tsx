import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { Badge } from '@/components/ui/badge';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { Stat } from '@/components/ui/stat';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { requireActor } from '@/lib/auth/session';
import { formatNumber } from '@/lib/format';
import { listReports, reportTotals } from '@/lib/reports/queries';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('reports');
  return { title: t('title') };
}

export default async function ReportsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const { after: asked } = await searchParams;
  const after = typeof asked === 'string' ? asked : undefined;
  const [t, locale, totals, page] = await Promise.all([
    getTranslations('reports'),
    getLocale(),
    reportTotals(actor),
    listReports(actor, { after }),
  ]);
  const number = (value: number) => formatNumber(locale, value);
  return (
    <Page title={t('title')} lead={t('lead')}>
      <div className="grid gap-3 sm:grid-cols-2 xl:grid-cols-4">
        <Stat label={t('sent')} value={number(totals.sent)} hint={t('sentHint')} />
        <Stat
          label={t('succeeded')}
          value={number(totals.attemptsSucceeded)}
          href="/attempts?status=success"
        />
        <Stat
          label={t('failed')}
          value={number(totals.attemptsFailed)}
          hint={t('failedHint')}
          href="/attempts?status=failure"
        />
        <Stat
          label={t('unknown')}
          value={number(totals.attemptsUnknown)}
          hint={t('unknownHint')}
          href="/attempts?status=unknown"
        />
      </div>
      <section className="grid grid-cols-[minmax(0,1fr)] gap-3">
        <h2 className="text-lg font-semibold">{t('byMailing')}</h2>
        {page.items.length === 0 ? (
          <Empty
            title={t('empty')}
            body={t('emptyBody')}
            action={
              <LinkButton href="/mailings/new" variant="primary">
                {t('newMailing')}
              </LinkButton>
            }
          />
        ) : (
          <Table caption={t('byMailing')}>
            <Thead>
              <tr>
                <Th>{t('columns.mailing')}</Th>
                <Th numeric>{t('columns.runs')}</Th>
                <Th numeric>{t('columns.sent')}</Th>
                <Th numeric>{t('columns.succeeded')}</Th>
                <Th numeric>{t('columns.failed')}</Th>
                <Th numeric>{t('columns.unknown')}</Th>
                <Th numeric>{t('columns.export')}</Th>
              </tr>
            </Thead>
            <Tbody>
              {page.items.map((row) => (
                <Tr key={row.id}>
                  <Td className="min-w-48 [overflow-wrap:anywhere]">
                    <AppLink
                      href={`/mailings/${row.id}`}
                      className="font-medium underline-offset-2 hover:underline"
                    >
                      {row.name}
                    </AppLink>
                    {row.archivedAt ? <Badge className="ml-2">{t('deleted')}</Badge> : null}
                  </Td>
                  <Td numeric>{number(row.runs)}</Td>
                  <Td numeric>{number(row.sent)}</Td>
                  <Td numeric>{number(row.attemptsSucceeded)}</Td>
                  <Td numeric>{number(row.attemptsFailed)}</Td>
                  <Td numeric>{number(row.attemptsUnknown)}</Td>
                  <Td numeric>
                    {row.attemptsSucceeded + row.attemptsFailed + row.attemptsUnknown > 0 ? (
                      <AppLink
                        href={`/api/mailings/${row.id}/attempts`}
                        download
                        aria-label={t('csvLabel', { name: row.name })}
                        className="underline underline-offset-2"
                      >
                        {t('csv')}
                      </AppLink>
                    ) : null}
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
        <Pager
          label={t('byMailing')}
          nextHref={page.next ? `/reports?after=${encodeURIComponent(page.next)}` : null}
          firstHref={after ? '/reports' : null}
        />
      </section>
    </Page>
  );
}
