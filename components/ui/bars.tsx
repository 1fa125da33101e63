import type { Tone } from './badge';
import { classNames } from './class-names';
import { Table, Tbody, Td, Th, Thead, Tr } from './table';

type Series = { name: string; tone: Tone };
/** One bar: its name in full, its name below the chart where there is room, and a number for each series. */
type Bar = { key: string; label: string; short: string; values: number[] };

const fills: Record<Tone, string> = {
  neutral: 'fill-edge',
  good: 'fill-good',
  bad: 'fill-bad',
  warn: 'fill-warn',
  info: 'fill-info',
  accent: 'fill-accent',
};
const dots: Record<Tone, string> = {
  neutral: 'bg-edge',
  good: 'bg-good',
  bad: 'bg-bad',
  warn: 'bg-warn',
  info: 'bg-info',
  accent: 'bg-accent',
};

/**
 * Bars side by side, each a stack of the series, drawn without a script, with the same numbers as a table behind. `summary` says in a
 * sentence what there is to see.
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
  /** What the bars are labelled by. */
  keyColumn: string;
  format: (value: number) => string;
}) {
  const sums = bars.map((bar) => bar.values.reduce((sum, value) => sum + value, 0));
  const top = Math.max(1, ...sums);
  const shown = series
    .map((one, index) => ({ ...one, index }))
    .filter(({ index }) => bars.some((bar) => (bar.values[index] ?? 0) > 0));
  const width = 10;
  const height = 100;
  // Few bars do not grow as wide as doors.
  const places = Math.max(bars.length, 12);
  return (
    <figure className="grid grid-cols-[minmax(0,1fr)] gap-2">
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-[0.8125rem] text-muted">
        {shown.map(({ name, tone }) => (
          <li key={name} className="inline-flex items-center gap-1.5">
            <span aria-hidden className={classNames('size-2 rounded-full', dots[tone])} />
            {name}
          </li>
        ))}
      </ul>
      <div className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-2 text-[0.75rem] text-muted">
        <div aria-hidden className="flex flex-col justify-between text-right tabular-nums leading-none">
          <span>{format(top)}</span>
          <span>0</span>
        </div>
        <svg
          role="img"
          aria-label={summary}
          viewBox={`0 0 ${places * width} ${height}`}
          preserveAspectRatio="none"
          className="h-28 w-full border-b border-edge"
        >
          {bars.map((bar, at) => {
            let below = 0;
            return (
              <g key={bar.key}>
                <title>
                  {[
                    bar.label,
                    ...shown.map(({ name, index }) => `${name}: ${format(bar.values[index] ?? 0)}`),
                  ].join('\n')}
                </title>
                {shown.map(({ name, tone, index }) => {
                  const value = bar.values[index] ?? 0;
                  if (value === 0) return null;
                  // What is there is seen, however little it is.
                  const tall = Math.max(1.5, (value / top) * height);
                  below += tall;
                  return (
                    <rect
                      key={name}
                      x={at * width + 1}
                      y={Math.max(0, height - below)}
                      width={width - 2}
                      height={tall}
                      className={fills[tone]}
                    />
                  );
                })}
              </g>
            );
          })}
        </svg>
        <span aria-hidden />
        <div aria-hidden className="mt-1 flex justify-between gap-4">
          <span>{bars.at(0)?.short}</span>
          {bars.length >= places / 2 && bars.length > 1 ? <span>{bars.at(-1)?.short}</span> : null}
        </div>
      </div>
      <figcaption className="text-[0.875rem]">{summary}</figcaption>
      <details>
        <summary className="cursor-pointer text-[0.8125rem] text-muted underline-offset-2 hover:underline">
          {tableLabel}
        </summary>
        <div className="mt-2">
          <Table caption={summary}>
            <Thead>
              <tr>
                <Th>{keyColumn}</Th>
                {series.map(({ name }) => (
                  <Th key={name}>{name}</Th>
                ))}
              </tr>
            </Thead>
            <Tbody>
              {bars.map((bar) => (
                <Tr key={bar.key}>
                  <Td>{bar.label}</Td>
                  {series.map(({ name }, index) => (
                    <Td key={name}>{format(bar.values[index] ?? 0)}</Td>
                  ))}
                </Tr>
              ))}
            </Tbody>
          </Table>
        </div>
      </details>
    </figure>
  );
}
