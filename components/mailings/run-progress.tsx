import { useTranslations } from 'next-intl';
import type { Tone } from '@/components/ui/badge';
import { ProgressBar } from '@/components/ui/progress';
import type { Counts } from '@/lib/runs/queries';

const parts: [Exclude<keyof Counts, 'total'>, Tone][] = [
  ['sent', 'good'],
  ['sending', 'info'],
  ['queued', 'neutral'],
  ['unknown', 'warn'],
  ['failed', 'bad'],
  ['expired', 'warn'],
  ['cancelled', 'neutral'],
  ['skipped', 'neutral'],
];

/** The outcomes of a run as parts of a bar; they add up to its clients. */
export function RunProgress({ counts }: { counts: Counts }) {
  const t = useTranslations('mailings.counts');
  return (
    <ProgressBar
      total={counts.total}
      segments={parts.map(([name, tone]) => ({
        value: counts[name],
        tone,
        label: t(name, { count: counts[name] }),
      }))}
    />
  );
}
