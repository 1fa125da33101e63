import { Time } from '@/components/ui/time';
import { runMoment } from '@/lib/runs/schema';

/** When a run was to begin, on the clock of its mailing; of one that somebody started, when it did, on the reader's. */
export function RunTime({
  run,
  readerZone,
  locale,
}: {
  run: Parameters<typeof runMoment>[0];
  /** IANA zone of who reads it. */
  readerZone: string;
  locale: string;
}) {
  const { at, zone } = runMoment(run, readerZone);
  return <Time value={at} zone={zone} locale={locale} />;
}
