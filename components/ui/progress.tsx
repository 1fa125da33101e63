import type { Tone } from './badge';
import { classNames } from './class-names';

const fills: Record<Tone, string> = {
  neutral: 'bg-edge',
  good: 'bg-good',
  bad: 'bg-bad',
  warn: 'bg-warn',
  info: 'bg-info',
  accent: 'bg-accent',
};

export type ProgressSegment = { value: number; tone: Tone; label: string };

/** How far something has come, in parts. `label` of a part is its whole sentence ("12 sent"); the parts are listed in words too. */
export function ProgressBar({
  segments,
  total,
  className,
}: {
  segments: ProgressSegment[];
  total: number;
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
      <ul className="mt-1.5 flex flex-wrap gap-x-4 gap-y-0.5 text-[0.8125rem] text-muted">
        {shown.map((segment) => (
          <li key={segment.label} className="inline-flex items-center gap-1.5">
            <span aria-hidden className={classNames('size-2 rounded-full', fills[segment.tone])} />
            {segment.label}
          </li>
        ))}
      </ul>
    </div>
  );
}
