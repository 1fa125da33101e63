import { useLocale, useTranslations } from 'next-intl';
import { AppLink } from '@/components/layout/link';
import { DamagedPage, listHref } from '@/components/layout/list-page';
import { Address } from '@/components/ui/address';
import { Badge } from '@/components/ui/badge';
import { Pager } from '@/components/ui/pager';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { formatNumber, formatShare } from '@/lib/format';
import type { Page } from '@/lib/paging';
import type { Report, ReportRow } from '@/lib/reports/queries';
import { type ReportList as List, type ReportSort, reportSorts } from '@/lib/reports/schema';
import { Csv } from './csv-link';

const link = 'underline-offset-2 hover:underline';

/** One of a report's tables: by mailing, message, domain or sender, with the ways to what is behind each number. */
export function ReportList({
  report,
  list,
  sort,
  page,
  isFirst,
  isDamaged,
  unfinished,
  hrefOf,
  narrowHref,
  csvHref,
}: {
  report: Report;
  list: List;
  sort: ReportSort;
  page: Page<ReportRow>;
  isFirst: boolean;
  /** The address asked for a page of it that no report has led to. */
  isDamaged: boolean;
  /** Runs under way that domains are not known of yet. */
  unfinished: number;
  /** The address of this page with other choices. */
  hrefOf: (of: Record<string, string | null>) => string;
  /** The same from the beginning of each table. */
  narrowHref: (of: Record<string, string>) => string;
  csvHref: string;
}) {
  const t = useTranslations('reports.period');
  const locale = useLocale();
  const write = (value: number) => formatNumber(locale, value);
  const { first: from, last: to } = report.period;
  const title = t(`lists.${list}`);
  const isOfMany = report.whose === 'all' && report.ownerId === null;
  const to_ = (of: Record<string, string | null>) => `${hrefOf(of)}#${list}`;
  const head = (column: ReportSort, label: string, numeric = true) => {
    const can = (reportSorts[list] as readonly ReportSort[]).includes(column);
    return (
      <Th
        numeric={numeric}
        {...(can
          ? {
              sort: {
                href: to_({ [`sort_${list}`]: column === 'sent' ? null : column, [`after_${list}`]: null }),
                direction: column !== sort ? null : column === 'name' ? ('asc' as const) : ('desc' as const),
              },
            }
          : {})}
      >
        {label}
      </Th>
    );
  };
  const attemptsHref = (row: ReportRow, status?: string): string | null => {
    const q = list === 'domains' ? `@${row.name}` : undefined;
    if (list === 'messages') return null;
    if (list === 'mailings') return listHref('/attempts', { mailing: row.id, status, from, to });
    if (report.whose === 'own') return listHref('/attempts', { q, status, from, to });
    return listHref('/manage/attempts', { q, owner: list === 'senders' ? row.name : undefined, status });
  };
  const counted = (row: ReportRow, value: number, status: string) => {
    const href = value > 0 ? attemptsHref(row, status) : null;
    return href ? (
      <AppLink href={href} className={link}>
        {write(value)}
      </AppLink>
    ) : (
      write(value)
    );
  };
  return (
    <section id={list} className="grid scroll-mt-4 grid-cols-[minmax(0,1fr)] gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="text-lg font-semibold">{title}</h2>
        {page.items.length > 0 ? <Csv href={csvHref} of={title} /> : null}
      </div>
      {isDamaged ? <DamagedPage /> : null}
      {list === 'domains' && unfinished > 0 ? (
        <p className="text-[0.875rem] text-muted">{t('unfinished', { count: unfinished })}</p>
      ) : null}
      {page.items.length === 0 ? (
        <p className="text-muted">{t('noRows')}</p>
      ) : (
        <Table caption={title} stacks>
          <Thead>
            <tr>
              {head('name', t(`columns.${list}`), false)}
              {list === 'domains' ? null : <Th numeric>{t('columns.runs')}</Th>}
              {head('sent', t('columns.sent'))}
              {head('failed', t('columns.failed'))}
              <Th numeric>{t('columns.unknown')}</Th>
              {head('share', t('columns.share'))}
              {list === 'senders' ? head('complained', t('columns.complained')) : null}
            </tr>
          </Thead>
          <Tbody>
            {page.items.map((row) => (
              <Tr key={row.id}>
                <Td className="min-w-48 max-sm:pb-1! [overflow-wrap:anywhere]">
                  <Name row={row} list={list} attemptsHref={attemptsHref(row)} />
                  {row.isArchived ? (
                    <Badge className="ml-2">{t(list === 'senders' ? 'blocked' : 'deleted')}</Badge>
                  ) : null}
                  {isOfMany && row.ownerEmail && (list === 'mailings' || list === 'messages') ? (
                    <div className="text-[0.8125rem] text-muted">
                      <AppLink href={`/manage/users/${row.ownerId}`} className={link}>
                        <Address>{row.ownerEmail}</Address>
                      </AppLink>
                    </div>
                  ) : null}
                  {list !== 'domains' && row.name ? (
                    <div className="text-[0.8125rem] print:hidden">
                      <AppLink
                        href={narrowHref(
                          list === 'senders'
                            ? { owner: row.name }
                            : { [list === 'mailings' ? 'mailing' : 'message']: row.id },
                        )}
                        aria-label={t('onlyOf', { name: row.name })}
                        className="text-accent underline-offset-2 hover:underline"
                      >
                        {t('only')}
                      </AppLink>
                    </div>
                  ) : null}
                </Td>
                {list === 'domains' ? null : (
                  <Td numeric label={t('columns.runs')} className="max-sm:col-span-1!">
                    {write(row.runs)}
                  </Td>
                )}
                <Td numeric label={t('columns.sent')} className="max-sm:col-span-1!">
                  {counted(row, row.sent, 'success')}
                </Td>
                <Td numeric label={t('columns.failed')} className="max-sm:col-span-1!">
                  {counted(row, row.failed, 'failure')}
                </Td>
                <Td numeric label={t('columns.unknown')} className="max-sm:col-span-1!">
                  {counted(row, row.unknown, 'unknown')}
                </Td>
                <Td numeric label={t('columns.share')}>
                  {formatShare(locale, row.share)}
                </Td>
                {list === 'senders' ? (
                  <Td numeric label={t('columns.complained')}>
                    {write(row.complained)}
                    {row.complained > 0 && row.sent > 0
                      ? ` (${formatShare(locale, row.complained / row.sent)})`
                      : null}
                  </Td>
                ) : null}
              </Tr>
            ))}
          </Tbody>
        </Table>
      )}
      <Pager
        label={title}
        className="print:hidden"
        nextHref={page.next ? to_({ [`after_${list}`]: page.next }) : null}
        firstHref={isFirst ? null : to_({ [`after_${list}`]: null })}
      />
    </section>
  );
}

function Name({ row, list, attemptsHref }: { row: ReportRow; list: List; attemptsHref: string | null }) {
  const t = useTranslations('reports.period');
  if (!row.name) return <span className="text-muted">{t('goneMessage')}</span>;
  const href =
    list === 'mailings'
      ? `/mailings/${row.id}`
      : list === 'messages'
        ? `/messages/${row.id}`
        : list === 'senders'
          ? `/manage/users/${row.id}`
          : attemptsHref;
  return (
    <AppLink href={href ?? ''} className={`font-medium ${link}`}>
      {list === 'senders' ? <Address>{row.name}</Address> : row.name}
    </AppLink>
  );
}
