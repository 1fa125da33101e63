import { useTranslations } from 'next-intl';
import { ProgressBar, type ProgressSegment } from '@/components/ui/progress';
import type { Counts } from '@/lib/runs/queries';

type Outcome = Exclude<keyof Counts, 'total'>;

const parts: [Outcome, ProgressSegment['tone']][] = [
  ['sent', 'good'],
  ['sending', 'info'],
  ['unknown', 'warn'],
  ['failed', 'bad'],
  ['expired', 'warn'],
  ['cancelled', 'neutral'],
  ['skipped', 'neutral'],
  ['queued', 'rest'],
];

/** Every outcome of a run as a part of a bar; together they are all of its clients. */
export function outcomeParts(
  counts: Counts,
  label: (name: Outcome, count: number) => string,
): ProgressSegment[] {
  return parts.map(([name, tone]) => ({ value: counts[name], tone, label: label(name, counts[name]) }));
}

/** The outcomes of a run as parts of a bar; they add up to its clients. */
export function RunProgress({ counts }: { counts: Counts }) {
  const t = useTranslations('mailings.counts');
  return (
    <ProgressBar total={counts.total} segments={outcomeParts(counts, (name, count) => t(name, { count }))} />
  );
}
