import { Temporal } from 'temporal-polyfill';
import type { Periodicity } from '@/db/enums';

/** When a mailing is due. `startsLocal` is the anchor's wall-clock time in `zone`; slots are counted from it alone. */
export type Schedule = {
  /** ISO 8601 without offset, such as `2026-12-01T09:00`. */
  startsLocal: string;
  /** IANA zone. */
  zone: string;
  periodicity: Periodicity;
  /** No slot at or after it; null = the series never ends. */
  endsAt: Date | null;
};

export type Slot = { index: number; at: Date };

const localPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$/;
const zonePattern = /^[A-Za-z][A-Za-z_]*(\/[A-Za-z0-9_+-]+)*$/;

/** Is it an IANA zone this machine knows? Bare offsets are none: they do not follow daylight saving. */
export function isZone(zone: string): boolean {
  if (!zonePattern.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/**
 * A wall-clock time in a zone as an instant. A time that does not exist that day moves forward by the gap, one that exists
 * twice means the first. Null for what is no date (30 February) or lies outside the years 1970 to 2199.
 */
export function toInstant(local: string, zone: string): Date | null {
  const plain = plainDateTime(local);
  return plain && isZone(zone) ? instantOf(plain, zone) : null;
}

/** An instant as wall-clock time in a zone, to the minute: `2026-12-01T09:00`. */
export function toLocal(at: Date, zone: string): string {
  return zoned(at, zone).toPlainDateTime().toString({ smallestUnit: 'minute' });
}

/** The same to the millisecond, for an anchor that is "now". */
export function toExactLocal(at: Date, zone: string): string {
  return zoned(at, zone).toPlainDateTime().toString({ smallestUnit: 'millisecond' });
}

/** Slot `index` of the series (0 is the anchor); null past its end. */
export function slotAt(schedule: Schedule, index: number): Date | null {
  if (index < 0 || (schedule.periodicity === 'once' && index > 0)) return null;
  const anchor = plainDateTime(schedule.startsLocal);
  if (!anchor) throw new RangeError('the anchor is no local date and time');
  const at = instantOf(advance(anchor, schedule.periodicity, index), schedule.zone);
  return schedule.endsAt && at >= schedule.endsAt ? null : at;
}

/** The first slot later than an instant; null when none is left. */
export function nextSlotAfter(schedule: Schedule, after: Date): Slot | null {
  let index = Math.max(0, estimateIndex(schedule, after) - 2);
  // The estimate is at most two slots early, a skipped calendar day makes two slots meet at one instant.
  for (let step = 0; step < 8; step += 1, index += 1) {
    const at = slotAt(schedule, index);
    if (!at) return null;
    if (at > after) return { index, at };
  }
  throw new RangeError('no slot found near its estimate');
}

/** The last slot that is not later than an instant; null when the first is still to come. */
export function latestSlot(schedule: Schedule, now: Date): Slot | null {
  const bound = schedule.endsAt && schedule.endsAt <= now ? new Date(schedule.endsAt.getTime() - 1) : now;
  let found: Slot | null = null;
  let index = Math.max(0, estimateIndex(schedule, bound) - 3);
  for (let step = 0; step < 8; step += 1, index += 1) {
    const at = slotAt(schedule, index);
    if (!at || at > bound) return found;
    found = { index, at };
  }
  throw new RangeError('no slot found near its estimate');
}

/** What a mailing saved at `now` waits for: its latest slot that is not in the future, else its first; null for an empty series. */
export function firstSlot(schedule: Schedule, now: Date): Slot | null {
  const latest = latestSlot(schedule, now);
  if (latest) return latest;
  const at = slotAt(schedule, 0);
  return at && { index: 0, at };
}

/** At most `count` slots later than an instant. */
export function upcomingSlots(schedule: Schedule, after: Date, count: number): Slot[] {
  const slots: Slot[] = [];
  let slot = nextSlotAfter(schedule, after);
  while (slot && slots.length < count) {
    slots.push(slot);
    slot = nextSlotAfter(schedule, slot.at);
  }
  return slots;
}

/** The slots from `fromIndex` up to and including `toIndex` at their instants, the latest `most` of them, each instant once. */
export function slotsBetween(schedule: Schedule, fromIndex: number, toIndex: number, most: number): Slot[] {
  const slots: Slot[] = [];
  for (let index = Math.max(fromIndex, toIndex - most + 1); index <= toIndex; index += 1) {
    const at = slotAt(schedule, index);
    if (at && at.getTime() !== slots.at(-1)?.at.getTime()) slots.push({ index, at });
  }
  return slots;
}

function plainDateTime(local: string): Temporal.PlainDateTime | null {
  if (!localPattern.test(local)) return null;
  try {
    const plain = Temporal.PlainDateTime.from(local, { overflow: 'reject' });
    return plain.year >= 1970 && plain.year < 2200 ? plain : null;
  } catch {
    return null;
  }
}

function advance(
  anchor: Temporal.PlainDateTime,
  periodicity: Periodicity,
  index: number,
): Temporal.PlainDateTime {
  switch (periodicity) {
    case 'once':
      return anchor;
    case 'daily':
      return anchor.add({ days: index });
    case 'weekly':
      return anchor.add({ weeks: index });
    case 'monthly':
      // From the anchor and not from the month before: the 31st comes back after a short month.
      return anchor.add({ months: index }, { overflow: 'constrain' });
  }
}

/** `compatible` is the rule of RFC 5545: forward by the gap, the first of two. */
function instantOf(plain: Temporal.PlainDateTime, zone: string): Date {
  return new Date(plain.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds);
}

function zoned(at: Date, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone);
}

/** The index whose slot lies near an instant: off by one at a month's end, by two where a zone skipped a day. */
function estimateIndex(schedule: Schedule, at: Date): number {
  if (schedule.periodicity === 'once') return 0;
  const anchor = plainDateTime(schedule.startsLocal);
  if (!anchor) throw new RangeError('the anchor is no local date and time');
  const local = zoned(at, schedule.zone).toPlainDateTime();
  const unit = schedule.periodicity === 'monthly' ? 'months' : 'days';
  const passed = anchor.until(local, { largestUnit: unit })[unit];
  return schedule.periodicity === 'weekly' ? Math.floor(passed / 7) : passed;
}
