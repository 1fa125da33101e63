import type { ReactNode } from 'react';
import type { Tone } from './badge';
import { classNames } from './class-names';
import { AppLink } from './link';
import { Table, Tbody, Td, Th, Thead, Tr } from './table';

/** What the bars are made of, from the ground up; `tone` is the colour, and the name stands beside it. */
type Series = { name: string; tone: Tone };
/** One bar: its name in full, its name below the chart where there is room, and a number for each series. */
type Bar = { key: string; label: string; short: string; values: number[] };

const fills: Record<Tone, string> = {
  neutral: 'fill-edge',
  warn: 'fill-warn',
  accent: 'fill-accent',
  good: 'fill-good',
  bad: 'fill-bad',
  info: 'fill-info',
};
const dots: Record<Tone, string> = {
  neutral: 'bg-edge',
  warn: 'bg-warn',
  accent: 'bg-accent',
  good: 'bg-good',
  bad: 'bg-bad',
  info: 'bg-info',
};

/** The next of 1, 2, 5, 10, 20 … that nothing is higher than; an even one, so that its half is whole. */
function ceilingOf(highest: number): number {
  for (let unit = 2; ; unit *= 10)
    for (const step of [unit, unit * 2, unit * 2.5, unit * 5])
      if (step >= highest && step % 2 === 0) return step;
}

const sumOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0);

/**
 * Bars beside each other, drawn by the server and readable without scripts. `summary` says in a sentence what one sees; the numbers stand
 * in a table behind the chart, the last bar first, under `columns.key` and the names of the series.
 */
export function BarChart({
  series,
  bars,
  summary,
  tableLabel,
  keyColumn,
  format,
}: {
  series: Series[];
  bars: Bar[];
  summary: string;
  /** What opens the table. */
  tableLabel: string;
  keyColumn: string;
  format: (value: number) => string;
}) {
  const ceiling = ceilingOf(Math.max(0, ...bars.map(({ values }) => sumOf(values))));
  const lines = [ceiling, ceiling / 2, 0];
  const named = [...new Set([bars[0], bars[Math.floor((bars.length - 1) / 2)], bars.at(-1)])].filter(
    (bar) => bar !== undefined,
  );
  return (
    <figure className="min-w-0">
      {series.length > 1 ? (
        <ul aria-hidden className="mb-2 flex flex-wrap gap-x-4 text-[0.8125rem] text-muted">
          {series.map(({ name, tone }) => (
            <li key={name} className="inline-flex items-center gap-1.5">
              <span className={classNames('size-2 rounded-full', dots[tone])} />
              {name}
            </li>
          ))}
        </ul>
      ) : null}
      <div aria-hidden className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-2 text-xs text-muted">
        <div className="flex h-40 flex-col justify-between text-right leading-none">
          {lines.map((line) => (
            <span key={line} className="-my-1.5">
              {format(line)}
            </span>
          ))}
        </div>
        <svg
          viewBox={`0 0 ${bars.length} 100`}
          preserveAspectRatio="none"
          className="h-40 w-full overflow-visible"
          role="presentation"
        >
          {lines.map((line) => {
            const y = 100 - (100 * line) / ceiling;
            return (
              <line
                key={line}
                x1={0}
                x2={bars.length}
                y1={y}
                y2={y}
                className={line === 0 ? 'stroke-edge' : 'stroke-line'}
                vectorEffect="non-scaling-stroke"
              />
            );
          })}
          {bars.map(({ key, label, values }, at) => (
            <g key={key}>
              <title>{`${label}: ${values.map(format).join(' / ')}`}</title>
              <rect x={at} width={1} y={0} height={100} className="fill-transparent" />
              {values.map((value, of) => {
                const height = (100 * value) / ceiling;
                const below = (100 * sumOf(values.slice(0, of))) / ceiling;
                const { name, tone } = series[of] ?? { name: '', tone: 'info' };
                return (
                  <rect
                    key={name}
                    x={at + 0.12}
                    width={0.76}
                    y={100 - below - height}
                    height={height}
                    className={fills[tone]}
                  />
                );
              })}
            </g>
          ))}
        </svg>
        <div className="col-start-2 mt-1.5 flex justify-between">
          {named.map(({ key, short }) => (
            <span key={key}>{short}</span>
          ))}
        </div>
      </div>
      <figcaption className="mt-3 text-[0.8125rem] text-muted">{summary}</figcaption>
      <NumbersBehind
        caption={summary}
        label={tableLabel}
        columns={[keyColumn, ...series.map(({ name }) => name)]}
        rows={bars.toReversed().map(({ key, label, values }) => ({ key, name: label, values }))}
        format={format}
        className="max-h-96 max-w-md overflow-y-auto"
      />
    </figure>
  );
}

/**
 * Bars below each other, the longest first, each with its name and number beside it: readable without a table, which stands behind it all
 * the same.
 */
export function RankChart({
  tone,
  bars,
  summary,
  tableLabel,
  keyColumn,
  columns,
  format,
}: {
  tone: Tone;
  /** `values`: of each column of the table; the first one is drawn. */
  bars: { key: string; name: ReactNode; href?: string; values: number[] }[];
  summary: string;
  /** What opens the table. */
  tableLabel: string;
  keyColumn: string;
  columns: string[];
  format: (value: number) => string;
}) {
  const most = Math.max(1, ...bars.map(({ values }) => values[0] ?? 0));
  return (
    <figure className="min-w-0">
      <ol className="grid grid-cols-[minmax(0,1fr)] gap-3">
        {bars.map(({ key, name, href, values: [value = 0] }) => (
          <li key={key} className="min-w-0">
            <div className="mb-1 flex items-baseline justify-between gap-3 text-[0.875rem]">
              {href ? (
                <AppLink
                  href={href}
                  className="min-w-0 underline-offset-2 [overflow-wrap:anywhere] hover:underline"
                >
                  {name}
                </AppLink>
              ) : (
                <span className="min-w-0 [overflow-wrap:anywhere]">{name}</span>
              )}
              <span className="font-medium">{format(value)}</span>
            </div>
            <svg
              aria-hidden
              viewBox="0 0 100 1"
              preserveAspectRatio="none"
              className="block h-2 w-full"
              role="presentation"
            >
              <rect width={100} height={1} className="fill-sunken" />
              <rect width={(100 * value) / most} height={1} className={fills[tone]} />
            </svg>
          </li>
        ))}
      </ol>
      <figcaption className="mt-3 text-[0.8125rem] text-muted">{summary}</figcaption>
      <NumbersBehind
        caption={summary}
        label={tableLabel}
        columns={[keyColumn, ...columns]}
        rows={bars}
        format={format}
        className="max-w-2xl"
      />
    </figure>
  );
}

/** The numbers of a chart as a table, folded away; the first of `columns` is that of the names. */
function NumbersBehind({
  caption,
  label,
  columns,
  rows,
  format,
  className,
}: {
  caption: string;
  label: string;
  columns: string[];
  rows: { key: string; name: ReactNode; values: number[] }[];
  format: (value: number) => string;
  className: string;
}) {
  const [ofNames, ...ofNumbers] = columns;
  return (
    <details className="mt-2 text-[0.875rem]">
      <summary className="w-fit cursor-pointer rounded-sm text-accent underline-offset-4 hover:underline">
        {label}
      </summary>
      <div className={classNames('mt-2', className)}>
        <Table caption={caption}>
          <Thead>
            <tr>
              <Th>{ofNames}</Th>
              {ofNumbers.map((column) => (
                <Th key={column} numeric>
                  {column}
                </Th>
              ))}
            </tr>
          </Thead>
          <Tbody>
            {rows.map(({ key, name, values }) => (
              <Tr key={key}>
                <Td>{name}</Td>
                {ofNumbers.map((column, at) => (
                  <Td key={column} numeric>
                    {format(values[at] ?? 0)}
                  </Td>
                ))}
              </Tr>
            ))}
          </Tbody>
        </Table>
      </div>
    </details>
  );
}
