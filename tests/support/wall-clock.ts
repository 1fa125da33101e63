/*
 * An independent reading of what product rules say about wall-clock time: plain arithmetic on days and Intl's own tables, no
 * Temporal, nothing of lib/recurrence. Slow and simple on purpose.
 */

export type Periodicity = 'once' | 'daily' | 'weekly' | 'monthly';

const dayMs = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Wall-clock time of an instant in a zone, as milliseconds of a calendar that knows no zones. */
export function wallClock(at: number, zone: string): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  const [month, day, year, hour, minute, second] = format.format(at).match(/\d+/g)?.map(Number) ?? [];
  const whole = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  return whole + (((at % 1000) + 1000) % 1000);
}

const offsetAt = (at: number, zone: string) => wallClock(at, zone) - at;

/** The instant of a wall-clock time: the first of two, and past a gap by the gap. No zone changes twice within three days. */
export function instantOfWallClock(local: number, zone: string): number {
  const before = local - offsetAt(local - 1.5 * dayMs, zone);
  const after = local - offsetAt(local + 1.5 * dayMs, zone);
  const real = [before, after].filter((at) => wallClock(at, zone) === local);
  return real.length > 0 ? Math.min(...real) : before;
}

const daysIn = (year: number, month: number) => new Date(Date.UTC(year, month + 1, 0)).getUTCDate();

/** The wall-clock time that slot `index` asks for: counted from the anchor, a short month gives its last day. */
export function wantedWallClock(anchor: number, periodicity: Periodicity, index: number): number {
  if (periodicity === 'once') return anchor;
  if (periodicity !== 'monthly') return anchor + index * dayMs * (periodicity === 'weekly' ? 7 : 1);
  const from = new Date(anchor);
  const months = from.getUTCFullYear() * 12 + from.getUTCMonth() + index;
  const [year, month] = [Math.floor(months / 12), months % 12];
  const day = Math.min(from.getUTCDate(), daysIn(year, month));
  return Date.UTC(year, month, day) + (((anchor % dayMs) + dayMs) % dayMs);
}

/** `2026-12-01T09:00[:30[.5]]` as milliseconds of a calendar that knows no zones. */
export const readWallClock = (local: string) => Date.parse(`${local}Z`);

/** Such milliseconds as text, to the millisecond where there are any. */
export const writeWallClock = (local: number) => new Date(local).toISOString().replace(/(:00\.000)?Z$/, '');

/** The instant of slot `index`. */
export function referenceSlot(
  schedule: { startsLocal: string; zone: string; periodicity: Periodicity },
  index: number,
): number {
  const wanted = wantedWallClock(readWallClock(schedule.startsLocal), schedule.periodicity, index);
  return instantOfWallClock(wanted, schedule.zone);
}

/** A moment at which the clocks of a zone changed: its last millisecond is `at - 1`. */
export type Change = { at: number; byMs: number };

/** All changes of a zone between two instants, found by looking every three days. */
export function changesOf(zone: string, from: number, to: number): Change[] {
  const changes: Change[] = [];
  for (let left = from; left < to; left += 3 * dayMs) {
    let [low, high] = [left, left + 3 * dayMs];
    const byMs = offsetAt(high, zone) - offsetAt(low, zone);
    if (byMs === 0) continue;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offsetAt(middle, zone) === offsetAt(left, zone)) low = middle;
      else high = middle;
    }
    changes.push({ at: high, byMs });
  }
  return changes;
}
