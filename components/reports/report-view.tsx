import { useLocale, useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { LinkButton } from '@/components/layout/link';
import { listHref } from '@/components/layout/list-page';
import { Page } from '@/components/layout/shell';
import { Alert } from '@/components/ui/alert';
import { Card } from '@/components/ui/card';
import { BarChart, RankChart } from '@/components/ui/chart';
import { Empty } from '@/components/ui/empty';
import { Stat } from '@/components/ui/stat';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import {
  formatChange,
  formatDays,
  formatNumber,
  formatShare,
  formatShortDay,
  formatShortMonth,
} from '@/lib/format';
import type { Numbers, Report, ReportAsking, StepSums, WholeReport } from '@/lib/reports/queries';
import type { ReportTable } from '@/lib/reports/schema';
import { AnswerKindName } from './answer';
import { Csv } from './csv-link';
import { ReportFilters } from './report-filters';
import { ReportList } from './report-list';

const triesOf = ({ sent, failed, unknown }: Numbers['tried']) => sent + failed + unknown;
const successOf = ({ tried }: Numbers) => (triesOf(tried) > 0 ? tried.sent / triesOf(tried) : null);

/** Statistics of a period: what to choose, the numbers beside those of the period before, charts, and tables. */
export function ReportView({
  whose,
  asking,
  whole,
  names,
  ownZone,
  isManager,
  alarms,
}: {
  whose: 'own' | 'all';
  asking: ReportAsking;
  /** Null where something is wrong with what was asked for. */
  whole: WholeReport | null;
  names: { mailings: { id: number; name: string }[]; messages: { id: number; subject: string }[] } | null;
  ownZone: string;
  isManager: boolean;
  /** What managers should look at. */
  alarms?: ReactNode;
}) {
  const t = useTranslations(whose === 'own' ? 'reports' : 'reports.all');
  const tPeriod = useTranslations('reports.period');
  const path = whose === 'own' ? '/reports' : '/manage/reports';
  const { asked, report, isBegun, owner } = asking;
  const csvHref = (table: ReportTable) =>
    listHref(whose === 'own' ? '/api/reports' : '/api/reports/all', { ...asked, table });
  const isFresh = !isBegun && whose === 'own' && report !== null;
  return (
    <Page
      title={t('title')}
      lead={t('lead')}
      actions={
        whose === 'own' && isManager ? (
          <LinkButton href="/manage/reports" className="print:hidden">
            {tPeriod('ofAll')}
          </LinkButton>
        ) : null
      }
    >
      {isFresh ? (
        <Empty
          title={tPeriod('empty')}
          body={tPeriod('emptyBody')}
          action={
            <LinkButton href="/mailings/new" variant="primary">
              {tPeriod('newMailing')}
            </LinkButton>
          }
        />
      ) : (
        <div className="report grid grid-cols-[minmax(0,1fr)] gap-6">
          <ReportFilters path={path} asking={asking} names={names} ownZone={ownZone} />
          {report && whole ? (
            <>
              <Heading asking={asking} report={report} />
              {owner ? (
                <p className="print:hidden">
                  <LinkButton size="sm" href={`/manage/users/${owner.id}`}>
                    {tPeriod('openUser')}
                  </LinkButton>
                </p>
              ) : null}
              <Figures now={whole.numbers} before={whole.before} />
              {alarms}
              <Steps report={report} steps={whole.steps} csvHref={csvHref('steps')} />
              <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-2">
                <Outcomes now={whole.numbers} before={whole.before} />
                <Kinds report={report} kinds={whole.kinds} csvHref={csvHref('answers')} />
              </div>
              {whole.lists.map(({ list, sort, after, isDamaged, page }) => (
                <ReportList
                  key={list}
                  report={report}
                  list={list}
                  sort={sort}
                  page={page}
                  isFirst={after === undefined}
                  isDamaged={isDamaged}
                  unfinished={whole.unfinished}
                  hrefOf={(of) =>
                    listHref(path, {
                      ...asked,
                      ...Object.fromEntries(
                        whole.lists.flatMap((each) => [
                          [`sort_${each.list}`, each.sort === 'sent' ? null : each.sort],
                          [`after_${each.list}`, each.after],
                        ]),
                      ),
                      ...of,
                    })
                  }
                  narrowHref={(of) => listHref(path, { ...asked, ...of })}
                  csvHref={csvHref(list)}
                />
              ))}
            </>
          ) : null}
        </div>
      )}
    </Page>
  );
}

/** What the numbers below are of, in words: for paper too, where there are no fields. */
function Heading({ asking, report }: { asking: ReportAsking; report: Report }) {
  const t = useTranslations('reports.period');
  const locale = useLocale();
  const { first, last } = report.period;
  const parts = [
    asking.owner ? t('ofOwner', { owner: asking.owner.email }) : null,
    asking.mailing ? t('ofMailing', { name: asking.mailing.name }) : null,
    asking.message ? t('ofMessage', { subject: asking.message.subject }) : null,
  ].filter((part) => part !== null);
  return (
    <div>
      <h2 className="text-lg font-semibold [overflow-wrap:anywhere]">
        {[formatDays(locale, first, last), ...parts].join(', ')}
      </h2>
      <p className="mt-0.5 text-[0.875rem] text-muted">
        {t('inZone', { zone: report.zone.replaceAll('_', ' ') })}{' '}
        {report.before
          ? t('comparedWith', { days: formatDays(locale, report.before.first, report.before.last) })
          : t('comparedWithNothing')}
      </p>
    </div>
  );
}

/** How a number has changed against the period before: absolutely, and as a share of what it was. */
function useChange() {
  const t = useTranslations('reports.period');
  const locale = useLocale();
  return (now: number, before: number | null) => {
    // The heading says that there is none.
    if (before === null) return null;
    const difference = formatChange(locale, now - before);
    if (before === 0) return t('changeFromNothing', { difference });
    return t('change', {
      difference,
      share: formatChange(locale, (now - before) / before, 'percent'),
      before: formatNumber(locale, before),
    });
  };
}

function Figures({ now, before }: { now: Numbers; before: Numbers | null }) {
  const t = useTranslations('reports.period');
  const locale = useLocale();
  const change = useChange();
  const figure = (label: string, of: (numbers: Numbers) => number, more?: string) => (
    <Stat
      key={label}
      label={label}
      value={formatNumber(locale, of(now))}
      hint={[change(of(now), before && of(before)), more].filter(Boolean).join(' · ') || null}
    />
  );
  const rate = successOf(now);
  const rateBefore = before && successOf(before);
  return (
    <div className="grid grid-cols-2 gap-3 xl:grid-cols-4">
      {figure(t('figures.sent'), ({ tried }) => tried.sent)}
      {figure(t('figures.failed'), ({ tried }) => tried.failed)}
      {figure(t('figures.unknown'), ({ tried }) => tried.unknown)}
      <Stat
        label={t('figures.rate')}
        value={rate === null ? '–' : formatShare(locale, rate)}
        hint={
          rate === null
            ? t('noAttempts')
            : rateBefore === null
              ? before && t('noBefore')
              : t('ratePoints', {
                  points: formatChange(locale, (rate - rateBefore) * 100),
                  before: formatShare(locale, rateBefore),
                })
        }
      />
      {figure(
        t('figures.runs'),
        ({ runs }) => runs.begun,
        now.runs.missed > 0 ? t('missedRuns', { count: now.runs.missed }) : undefined,
      )}
      {figure(t('figures.unsubscribed'), ({ left }) => left.unsubscribed)}
      {figure(t('figures.bounced'), ({ left }) => left.bounced)}
      {figure(t('figures.complained'), ({ left }) => left.complained)}
    </div>
  );
}

/** Letters and attempts, step by step. */
function Steps({ report, steps, csvHref }: { report: Report; steps: StepSums[]; csvHref: string }) {
  const t = useTranslations('reports.period');
  const tRate = useTranslations('reports.rate');
  const locale = useLocale();
  const { step } = report.period;
  const shown = steps.map(({ first, last, ...sums }) => ({
    key: first,
    label: formatDays(locale, first, last),
    short:
      step === 'month'
        ? formatShortMonth(locale, first)
        : formatShortDay(locale, `${first}T00:00:00Z`, 'UTC'),
    ...sums,
  }));
  const most = (of: (sums: StepSums) => number) =>
    steps.reduce<StepSums | null>((top, each) => (of(each) > (top ? of(top) : 0) ? each : top), null);
  const summaryOf = (name: 'letters' | 'attempts', of: (sums: StepSums) => number) => {
    const top = most(of);
    return top
      ? t(`charts.${name}`, { count: of(top), days: formatDays(locale, top.first, top.last), step })
      : t('charts.nothing');
  };
  const format = (value: number) => formatNumber(locale, value);
  if (most(triesOf) === null)
    return (
      <Alert>
        {t('nothing')} {report.preset === 'all' ? null : t('nothingWhat')}
      </Alert>
    );
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-2">
      <Card
        title={t('charts.lettersTitle', { step })}
        actions={<Csv href={csvHref} of={t('charts.table')} />}
      >
        <BarChart
          series={[{ name: t('figures.sent'), tone: 'accent' }]}
          bars={shown.map((each) => ({ ...each, values: [each.sent] }))}
          summary={summaryOf('letters', ({ sent }) => sent)}
          tableLabel={tRate('asTable')}
          keyColumn={t(`columns.${step}`)}
          format={format}
        />
      </Card>
      <Card title={t('charts.attemptsTitle', { step })}>
        <BarChart
          series={[
            { name: tRate('succeeded'), tone: 'good' },
            { name: tRate('failed'), tone: 'bad' },
            { name: tRate('unknown'), tone: 'warn' },
          ]}
          bars={shown.map((each) => ({ ...each, values: [each.sent, each.failed, each.unknown] }))}
          summary={summaryOf('attempts', triesOf)}
          tableLabel={tRate('asTable')}
          keyColumn={t(`columns.${step}`)}
          format={format}
        />
      </Card>
    </div>
  );
}

const outcomes = ['sent', 'failed', 'unknown', 'skipped', 'expired', 'cancelled', 'queued', 'total'] as const;

/** What became of the letters of the runs that began in the period: all of them, so that they add up. */
function Outcomes({ now, before }: { now: Numbers; before: Numbers | null }) {
  const t = useTranslations('reports.period');
  const locale = useLocale();
  const write = (value: number) => formatNumber(locale, value);
  return (
    <Card title={t('outcomes.title')}>
      <p className="mb-3 text-[0.875rem] text-muted">{t('outcomes.lead', { count: now.runs.begun })}</p>
      <Table caption={t('outcomes.letters')}>
        <Thead>
          <tr>
            <Th>{t('outcomes.outcome')}</Th>
            <Th numeric>{t('outcomes.letters')}</Th>
            <Th numeric>{t('outcomes.before')}</Th>
            <Th numeric>{t('outcomes.change')}</Th>
          </tr>
        </Thead>
        <Tbody>
          {outcomes.map((outcome) => {
            const [is, was] = [now.letters[outcome], before?.letters[outcome] ?? null];
            return (
              <Tr key={outcome} className={outcome === 'total' ? 'font-semibold' : undefined}>
                <Td>{t(`outcomes.${outcome}`)}</Td>
                <Td numeric>{write(is)}</Td>
                <Td numeric>{was === null ? '–' : write(was)}</Td>
                <Td numeric>{was === null ? '–' : formatChange(locale, is - was)}</Td>
              </Tr>
            );
          })}
        </Tbody>
      </Table>
    </Card>
  );
}

/** Kinds of answers that are drawn. */
const kindsShown = 8;

/** What servers said most often instead of taking a letter. */
function Kinds({ report, kinds, csvHref }: { report: Report; kinds: WholeReport['kinds']; csvHref: string }) {
  const t = useTranslations('reports.period');
  const tRate = useTranslations('reports.rate');
  const locale = useLocale();
  const { first: from, last: to } = report.period;
  const answers = kinds.reduce((sum, { attempts }) => sum + attempts, 0);
  return (
    <Card
      title={t('kinds.title')}
      actions={kinds.length > 0 ? <Csv href={csvHref} of={t('kinds.title')} /> : null}
    >
      {kinds.length === 0 ? (
        <p className="text-muted">{t('kinds.none')}</p>
      ) : (
        <RankChart
          tone="bad"
          bars={kinds.slice(0, kindsShown).map(({ kind, attempts, failed, unknown }) => ({
            key: kind,
            name: <AnswerKindName kind={kind} />,
            ...(report.whose === 'own' && report.messageId === null
              ? { href: listHref('/attempts', { kind, mailing: report.mailingId?.toString(), from, to }) }
              : {}),
            values: [attempts, failed, unknown],
          }))}
          summary={t('kinds.summary', { answers, kinds: kinds.length })}
          tableLabel={tRate('asTable')}
          keyColumn={t('kinds.kind')}
          columns={[t('kinds.answers'), t('kinds.failed'), t('kinds.unknown')]}
          format={(value) => formatNumber(locale, value)}
        />
      )}
    </Card>
  );
}
