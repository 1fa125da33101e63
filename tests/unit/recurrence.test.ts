import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import {
  firstSlot,
  isZone,
  latestSlot,
  nextSlotAfter,
  type Schedule,
  slotAt,
  slotsBetween,
  toExactLocal,
  toInstant,
  toLocal,
  upcomingSlots,
} from '@/lib/recurrence/slots';

const iso = (date: Date | null | undefined) => date?.toISOString();
const series = (over: Partial<Schedule>): Schedule => ({
  startsLocal: '2026-01-31T09:00',
  zone: 'Europe/Berlin',
  periodicity: 'daily',
  endsAt: null,
  ...over,
});

describe('slots of a series', () => {
  it('the 31st in a short month is its last day, and the next month is the 31st again', () => {
    const monthly = series({ periodicity: 'monthly', zone: 'UTC' });
    expect([0, 1, 2, 3, 12, 25].map((n) => iso(slotAt(monthly, n))?.slice(0, 10))).toEqual([
      '2026-01-31',
      '2026-02-28',
      '2026-03-31',
      '2026-04-30',
      '2027-01-31',
      '2028-02-29',
    ]);
  });

  it('the wall-clock time stays the same across daylight saving', () => {
    const daily = series({ startsLocal: '2026-03-28T09:00' });
    expect([0, 1, 2].map((n) => iso(slotAt(daily, n)))).toEqual([
      '2026-03-28T08:00:00.000Z',
      '2026-03-29T07:00:00.000Z',
      '2026-03-30T07:00:00.000Z',
    ]);
  });

  it('a time that does not exist that day moves forward by the gap, and only that day', () => {
    const daily = series({ startsLocal: '2026-03-28T02:30' });
    expect([0, 1, 2].map((n) => toLocal(slotAt(daily, n) as Date, 'Europe/Berlin'))).toEqual([
      '2026-03-28T02:30',
      '2026-03-29T03:30',
      '2026-03-30T02:30',
    ]);
  });

  it('an anchor inside the gap does not shift the days after it', () => {
    const daily = series({ startsLocal: '2026-03-29T02:30' });
    expect([0, 1].map((n) => toLocal(slotAt(daily, n) as Date, 'Europe/Berlin'))).toEqual([
      '2026-03-29T03:30',
      '2026-03-30T02:30',
    ]);
  });

  it('a time that exists twice means the first', () => {
    expect(iso(toInstant('2026-10-25T02:30', 'Europe/Berlin'))).toBe('2026-10-25T00:30:00.000Z');
  });

  it('a day that a zone skipped gives no second run at the same instant', () => {
    const daily = series({ startsLocal: '2011-12-29T10:00', zone: 'Pacific/Apia' });
    const slots = upcomingSlots(daily, new Date('2011-12-28T00:00:00Z'), 3).map((slot) => iso(slot.at));
    expect(slots).toEqual([
      '2011-12-29T20:00:00.000Z',
      '2011-12-30T20:00:00.000Z',
      '2011-12-31T20:00:00.000Z',
    ]);
    expect(slotsBetween(daily, 0, 3, 10).map((slot) => iso(slot.at))).toEqual(slots);
  });

  it('nothing is due at or after the end of the series', () => {
    const daily = series({
      zone: 'UTC',
      startsLocal: '2026-05-01T09:00',
      endsAt: new Date('2026-05-03T09:00:00Z'),
    });
    expect(iso(slotAt(daily, 1))).toBe('2026-05-02T09:00:00.000Z');
    expect(slotAt(daily, 2)).toBeNull();
    expect(nextSlotAfter(daily, new Date('2026-05-02T09:00:00Z'))).toBeNull();
    expect(latestSlot(daily, new Date('2027-01-01T00:00:00Z'))?.index).toBe(1);
  });

  it('a series of one has one slot', () => {
    const once = series({ periodicity: 'once', zone: 'UTC' });
    expect(nextSlotAfter(once, new Date('2026-01-01T00:00:00Z'))?.index).toBe(0);
    expect(nextSlotAfter(once, new Date('2026-01-31T09:00:00Z'))).toBeNull();
    expect(latestSlot(once, new Date('2030-01-31T09:00:00Z'))?.index).toBe(0);
  });

  it('a mailing saved after its start waits for the latest slot that is not in the future', () => {
    const daily = series({ zone: 'UTC', startsLocal: '2026-05-01T09:00' });
    expect(firstSlot(daily, new Date('2026-05-20T08:59:59Z'))?.index).toBe(18);
    expect(firstSlot(daily, new Date('2026-04-20T08:00:00Z'))?.index).toBe(0);
  });

  it('what is no date, no time or no zone is refused', () => {
    for (const local of [
      '2026-02-30T09:00',
      '2026-13-01T09:00',
      '2026-01-01T24:30',
      '2026-01-01',
      'now',
      '2026-01-01T09:00Z',
    ])
      expect(toInstant(local, 'UTC')).toBeNull();
    for (const zone of ['Mars/Olympus', '+03:00', '', 'Europe/../Berlin', 'UTC; drop'])
      expect(isZone(zone)).toBe(false);
    for (const zone of ['UTC', 'Europe/Moscow', 'America/Argentina/Buenos_Aires', 'Etc/GMT+3'])
      expect(isZone(zone)).toBe(true);
  });

  it('an instant survives the way to wall-clock time and back, but for the second of two equal hours', () => {
    const at = new Date('2026-11-21T01:02:03.456Z');
    expect(iso(toInstant(toExactLocal(at, 'Asia/Kathmandu'), 'Asia/Kathmandu'))).toBe(iso(at));
  });
});

const zones = [
  'UTC',
  'Europe/Moscow',
  'Europe/Berlin',
  'Europe/London',
  'America/New_York',
  'America/St_Johns',
  'America/Sao_Paulo',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'Pacific/Apia',
  'Pacific/Chatham',
];
const anySchedule = fc.record({
  startsLocal: fc
    .tuple(
      fc.integer({ min: 2005, max: 2040 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 31 }),
      fc.integer({ min: 0, max: 23 }),
      fc.integer({ min: 0, max: 59 }),
    )
    .map(([y, m, d, h, min]) =>
      Temporal.PlainDateTime.from({ year: y, month: m, day: d, hour: h, minute: min }).toString({
        smallestUnit: 'minute',
      }),
    ),
  zone: fc.constantFrom(...zones),
  periodicity: fc.constantFrom('daily' as const, 'weekly' as const, 'monthly' as const),
  endsAt: fc.constant(null),
});

describe('any series in any zone', () => {
  it('slots ascend, and each keeps the wall-clock time of its anchor unless that time does not exist', () => {
    fc.assert(
      fc.property(anySchedule, fc.integer({ min: 0, max: 800 }), (schedule, index) => {
        const at = slotAt(schedule, index) as Date;
        const next = nextSlotAfter(schedule, at);
        expect(next && next.at > at && next.index > index).toBe(true);
        const local = toLocal(at, schedule.zone);
        const wanted = schedule.startsLocal.slice(11, 16);
        if (local.slice(11) !== wanted) {
          const day = local.slice(0, 10);
          const there = Temporal.PlainDateTime.from(`${day}T${wanted}`).toZonedDateTime(schedule.zone, {
            disambiguation: 'compatible',
          });
          expect(there.toPlainDateTime().toString({ smallestUnit: 'minute' })).not.toBe(`${day}T${wanted}`);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('the latest slot and the next one meet around any instant, with nothing between', () => {
    fc.assert(
      fc.property(
        anySchedule,
        fc.date({ min: new Date('2006-01-01'), max: new Date('2045-01-01'), noInvalidDate: true }),
        (schedule, now) => {
          const latest = latestSlot(schedule, now);
          const next = nextSlotAfter(schedule, now);
          expect(next && next.at > now).toBe(true);
          if (latest) {
            expect(latest.at <= now).toBe(true);
            const between = slotsBetween(schedule, latest.index, (next?.index ?? 0) - 1, 10);
            expect(between.map((slot) => slot.at.getTime())).toEqual([latest.at.getTime()]);
          } else expect(next?.index).toBe(0);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
