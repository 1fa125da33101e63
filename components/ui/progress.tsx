import type { Tone } from './badge';
import { classNames } from './class-names';

const fills: Record<Tone | 'rest', string> = {
  // Not begun: the bar's own ground.
  rest: 'bg-line',
  neutral: 'bg-edge',
  good: 'bg-good',
  bad: 'bg-bad',
  warn: 'bg-warn',
  info: 'bg-info',
  accent: 'bg-accent',
};

const dot = (tone: Tone | 'rest') => (tone === 'rest' ? 'border border-edge bg-line' : fills[tone]);

/** `rest`: what has not begun, which looks like the empty bar. */
export type ProgressSegment = { value: number; tone: Tone | 'rest'; label: string };

/**
 * How far something has come, in parts. `label` of a part is its whole sentence ("12 sent"); the parts that are there are listed in
 * words too. With `legend`, which writes a number, every part is listed with its number in a place of its own, so that nothing
 * moves while they change; `label` is then the name alone.
 */
export function ProgressBar({
  segments,
  total,
  legend,
  className,
}: {
  segments: ProgressSegment[];
  total: number;
  legend?: ((value: number) => string) | undefined;
  className?: string | undefined;
}) {
  const shown = segments.filter((segment) => segment.value > 0);
  return (
    <div className={className}>
      <div aria-hidden className="flex h-2 gap-px overflow-hidden rounded-full bg-line">
        {shown.map((segment) => (
          <div
            key={segment.label}
            className={classNames('min-w-0.5', fills[segment.tone])}
            style={{ width: `${total > 0 ? (100 * segment.value) / total : 0}%` }}
          />
        ))}
      </div>
      {legend ? (
        <dl className="mt-3 grid grid-cols-2 gap-x-4 gap-y-1 text-[0.8125rem] sm:grid-cols-4 sm:gap-x-6 sm:text-[0.875rem]">
          {segments.map(({ value, tone, label }) => (
            <div
              key={label}
              className={classNames(
                'flex min-w-0 items-baseline justify-between gap-2 border-b border-line py-1',
                value === 0 && 'text-muted',
              )}
            >
              <dt className="flex min-w-0 items-baseline gap-1.5">
                <span
                  aria-hidden
                  className={classNames('size-2 shrink-0 rounded-full', value > 0 ? dot(tone) : 'bg-line')}
                />
                {label}
              </dt>
              <dd className={value > 0 ? 'font-medium' : undefined}>{legend(value)}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <ul className="mt-1.5 flex flex-wrap gap-x-4 gap-y-0.5 text-[0.8125rem] text-muted">
          {shown.map((segment) => (
            <li key={segment.label} className="inline-flex items-center gap-1.5">
              <span aria-hidden className={classNames('size-2 rounded-full', dot(segment.tone))} />
              {segment.label}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
