import fc from 'fast-check';
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
import {
  changesOf,
  instantOfWallClock,
  type Periodicity,
  readWallClock,
  referenceSlot,
  wallClock,
  wantedWallClock,
  writeWallClock,
} from '../support/wall-clock';

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

/** Daily 02:30 and the like, on a day the clocks of a zone did something of their own: the instant meant, and what a clock on the wall shows then. */
const lawTable: [what: string, zone: string, local: string, instant: string, shows: string][] = [
  ['Moscow, last summer time', 'Europe/Moscow', '2011-03-27T02:30', '2011-03-26T23:30Z', '2011-03-27T03:30'],
  ['Moscow, back for good', 'Europe/Moscow', '2014-10-26T01:30', '2014-10-25T21:30Z', '2014-10-26T01:30'],
  ['Berlin, forward', 'Europe/Berlin', '2026-03-29T02:30', '2026-03-29T01:30Z', '2026-03-29T03:30'],
  ['Berlin, back', 'Europe/Berlin', '2026-10-25T02:30', '2026-10-25T00:30Z', '2026-10-25T02:30'],
  ['New York, forward', 'America/New_York', '2026-03-08T02:30', '2026-03-08T07:30Z', '2026-03-08T03:30'],
  ['New York, back', 'America/New_York', '2026-11-01T01:30', '2026-11-01T05:30Z', '2026-11-01T01:30'],
  [
    'São Paulo, a day that begins at one',
    'America/Sao_Paulo',
    '2018-11-04T00:30',
    '2018-11-04T03:30Z',
    '2018-11-04T01:30',
  ],
  [
    'São Paulo, a midnight that comes twice',
    'America/Sao_Paulo',
    '2019-02-16T23:30',
    '2019-02-17T01:30Z',
    '2019-02-16T23:30',
  ],
  [
    'São Paulo, summer time given up',
    'America/Sao_Paulo',
    '2019-11-03T00:30',
    '2019-11-03T03:30Z',
    '2019-11-03T00:30',
  ],
  [
    'Lord Howe, half an hour forward',
    'Australia/Lord_Howe',
    '2026-10-04T02:15',
    '2026-10-03T15:45Z',
    '2026-10-04T02:45',
  ],
  [
    'Lord Howe, half an hour back',
    'Australia/Lord_Howe',
    '2026-04-05T01:45',
    '2026-04-04T14:45Z',
    '2026-04-05T01:45',
  ],
  [
    'Casablanca, back for Ramadan',
    'Africa/Casablanca',
    '2026-02-15T02:30',
    '2026-02-15T01:30Z',
    '2026-02-15T02:30',
  ],
  [
    'Casablanca, forward after Ramadan',
    'Africa/Casablanca',
    '2026-03-22T02:30',
    '2026-03-22T02:30Z',
    '2026-03-22T03:30',
  ],
  [
    'Tehran, a midnight that does not exist',
    'Asia/Tehran',
    '2022-03-22T00:30',
    '2022-03-21T21:00Z',
    '2022-03-22T01:30',
  ],
  [
    'Tehran, summer time given up',
    'Asia/Tehran',
    '2023-03-22T00:30',
    '2023-03-21T21:00Z',
    '2023-03-22T00:30',
  ],
  ['Samoa, a day left out', 'Pacific/Apia', '2011-12-30T02:30', '2011-12-30T12:30Z', '2011-12-31T02:30'],
  [
    'Newfoundland, an evening that comes twice',
    'America/St_Johns',
    '2010-11-06T23:30',
    '2010-11-07T02:00Z',
    '2010-11-06T23:30',
  ],
  [
    'Newfoundland, two hours forward',
    'America/St_Johns',
    '1988-04-03T01:30',
    '1988-04-03T05:00Z',
    '1988-04-03T03:30',
  ],
  [
    'Dublin, forward out of winter time',
    'Europe/Dublin',
    '2026-03-29T01:30',
    '2026-03-29T01:30Z',
    '2026-03-29T02:30',
  ],
  [
    'Dublin, back into winter time',
    'Europe/Dublin',
    '2026-10-25T01:30',
    '2026-10-25T00:30Z',
    '2026-10-25T01:30',
  ],
  [
    'Troll, two hours forward',
    'Antarctica/Troll',
    '2026-03-29T02:30',
    '2026-03-29T02:30Z',
    '2026-03-29T04:30',
  ],
  ['Troll, two hours back', 'Antarctica/Troll', '2026-10-25T02:30', '2026-10-25T00:30Z', '2026-10-25T02:30'],
  [
    'Kathmandu, a quarter of an hour forward',
    'Asia/Kathmandu',
    '1986-01-01T00:10',
    '1985-12-31T18:40Z',
    '1986-01-01T00:25',
  ],
  [
    'Kolkata, where nothing happens',
    'Asia/Kolkata',
    '2026-03-29T02:30',
    '2026-03-28T21:00Z',
    '2026-03-29T02:30',
  ],
];

describe('days on which the clocks of a zone did something of their own', () => {
  it.each(lawTable)('%s (%s %s)', (_what, zone, local, instant, shows) => {
    for (const periodicity of ['daily', 'weekly', 'monthly'] as const)
      for (const index of [0, 1, 5]) {
        const anchor = anchorOf(readWallClock(local), periodicity, index);
        const at = slotAt(
          series({ startsLocal: writeWallClock(anchor.local), zone, periodicity }),
          anchor.index,
        );
        expect(at).toEqual(new Date(instant));
        expect(toLocal(at ?? new Date(0), zone)).toBe(shows);
      }
  });
});

/** The anchor whose slot `index` asks for the time `wanted`; a month later where the month has no such day. */
function anchorOf(wanted: number, periodicity: Periodicity, index: number): { local: number; index: number } {
  for (let back = index; ; back += 1) {
    const local = wantedWallClock(wanted, periodicity, -back);
    if (wantedWallClock(local, periodicity, back) === wanted) return { local, index: back };
  }
}

const zones = [
  'UTC',
  'Europe/Moscow',
  'Europe/Berlin',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'America/Sao_Paulo',
  'America/Caracas',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Asia/Tehran',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Pacific/Kwajalein',
  'Antarctica/Troll',
];
const minuteMs = 60_000;
const dayMs = 86_400_000;
const changes = new Map(
  zones.map((zone) => [zone, changesOf(zone, Date.UTC(1971, 0), Date.UTC(2045, 0))] as const),
);

const periodicities = fc.constantFrom('daily' as const, 'weekly' as const, 'monthly' as const);
const timeOfDay = fc.oneof(
  fc
    .constantFrom('02:30', '00:00', '00:30', '23:59', '02:00', '03:00', '01:30')
    .map((text) => readWallClock(`1970-01-01T${text}`)),
  fc.integer({ min: 0, max: dayMs / minuteMs - 1 }).map((minute) => minute * minuteMs),
  fc.integer({ min: 0, max: dayMs - 1 }),
);

/** A time of any day from 1971 to 2100, the ends of months and the leap days often. */
const anyWanted = fc
  .record({
    year: fc.integer({ min: 1971, max: 2100 }),
    month: fc.integer({ min: 0, max: 11 }),
    day: fc.oneof(fc.integer({ min: 1, max: 28 }), fc.integer({ min: 29, max: 31 })),
    leap: fc.integer({ min: 0, max: 9 }),
    time: timeOfDay,
  })
  .map(({ year, month, day, leap, time }) => {
    if (leap === 0) return Date.UTC(year + 4 - (year % 4), 1, 29) + time;
    const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    return Date.UTC(year, month, Math.min(day, last)) + time;
  });

/** A series of which slot `index` falls anywhere, or within three hours of a change of the zone's clocks. */
const anySeries = fc
  .record({
    zone: fc.constantFrom(...zones),
    periodicity: periodicities,
    index: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 1200 })),
    wanted: anyWanted,
    nearChange: fc.boolean(),
    change: fc.nat(),
    minutes: fc.integer({ min: -180, max: 180 }),
    endsAfter: fc.option(fc.integer({ min: -3, max: 30 }), { freq: 2 }),
    endsBy: fc.constantFrom(-1, 0, 1, 3_600_000),
  })
  .map(({ zone, periodicity, index, wanted, nearChange, change, minutes, endsAfter, endsBy }) => {
    const all = changes.get(zone) ?? [];
    const near = nearChange ? all[change % all.length] : undefined;
    const target = near ? wallClock(near.at - 1, zone) + 1 + minutes * minuteMs : wanted;
    const found = anchorOf(target, periodicity, index);
    // An anchor before 1970 is none; then the wanted slot is the anchor.
    const anchor = found.local >= Date.UTC(1970, 0) ? found : { local: target, index: 0 };
    const startsLocal = writeWallClock(anchor.local);
    const ends =
      endsAfter === null
        ? null
        : referenceSlot({ startsLocal, zone, periodicity }, Math.max(0, anchor.index + endsAfter)) + endsBy;
    const schedule: Schedule = {
      startsLocal,
      zone,
      periodicity,
      endsAt: ends === null ? null : new Date(ends),
    };
    return { schedule, index: anchor.index };
  });

/** Slots by the reference from `from` to `to`, each instant once, with the highest index that has it, none past the end. */
function referenceSlots(schedule: Schedule, from: number, to: number): { index: number; at: number }[] {
  const slots: { index: number; at: number }[] = [];
  for (let index = Math.max(0, from); index <= to; index += 1) {
    const at = referenceSlot(schedule, index);
    if (!schedule.endsAt || at < schedule.endsAt.getTime()) slots.push({ index, at });
  }
  return slots;
}

const plain = (slot: { index: number; at: Date } | null) =>
  slot && { index: slot.index, at: slot.at.getTime() };

/** `RECURRENCE_RUNS=20` looks twenty times as long. */
const runs = (few: number) => few * Number(process.env.RECURRENCE_RUNS ?? 1);

describe('any series in any zone, against a reference that shares no code', {
  timeout: 180_000 * runs(1),
}, () => {
  it('each slot is where the reference has it: same wall-clock time, past a gap by the gap, the first of two', () => {
    let onChanges = 0;
    fc.assert(
      fc.property(anySeries, ({ schedule, index }) => {
        for (const near of [index - 1, index, index + 1]) {
          if (near < 0) continue;
          const at = referenceSlot(schedule, near);
          const isOver = schedule.endsAt !== null && at >= schedule.endsAt.getTime();
          expect(slotAt(schedule, near)?.getTime() ?? null).toBe(isOver ? null : at);
          const asked = wantedWallClock(readWallClock(schedule.startsLocal), schedule.periodicity, near);
          if (wallClock(at, schedule.zone) !== asked) onChanges += 1;
        }
      }),
      { numRuns: runs(2000) },
    );
    // The generator really goes where clocks change.
    expect(onChanges).toBeGreaterThan(50);
  });

  it('at every change of every zone since 1971 a gap moves a slot by the gap, and a doubled time means the first', () => {
    let looked = 0;
    for (const [zone, all] of changes)
      for (const { at, byMs } of all) {
        const edge = wallClock(at - 1, zone) + 1;
        for (const share of [0, 0.5, 0.99]) {
          const inside = byMs > 0 ? edge + byMs * share : edge - -byMs * (1 - share);
          const local = writeWallClock(Math.floor(inside / minuteMs) * minuteMs);
          const slot = toInstant(local, zone);
          if (!slot) throw new Error(`no instant for ${local} in ${zone}`);
          const moved = wallClock(slot.getTime(), zone) - readWallClock(local);
          expect([local, zone, moved, slot.getTime() < at]).toEqual([
            local,
            zone,
            Math.max(0, byMs),
            byMs < 0,
          ]);
          looked += 1;
        }
      }
    expect(looked).toBeGreaterThan(3000);
  });

  it('slots ascend, and two meet only where a zone left out a whole day', () => {
    fc.assert(
      fc.property(anySeries, ({ schedule, index }) => {
        const open = { ...schedule, endsAt: null };
        const [one, two] = [slotAt(open, index), slotAt(open, index + 1)];
        if (!one || !two) throw new Error('an endless series has every slot');
        if (two.getTime() === one.getTime()) {
          const skipped = (changes.get(schedule.zone) ?? []).find(
            ({ at, byMs }) => byMs >= dayMs && Math.abs(at - one.getTime()) <= 2 * dayMs,
          );
          expect(skipped).toBeDefined();
        } else expect(two > one).toBe(true);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('a monthly series keeps its day for ever: the 29th to 31st are the last day only of months that have no such day', () => {
    fc.assert(
      fc.property(anySeries, fc.integer({ min: 0, max: 600 }), ({ schedule }, index) => {
        const monthly: Schedule = { ...schedule, periodicity: 'monthly', zone: 'UTC', endsAt: null };
        const at = slotAt(monthly, index);
        if (!at) throw new Error('an endless series has every slot');
        const day = Number(monthly.startsLocal.slice(8, 10));
        const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
        expect(at.getUTCDate()).toBe(Math.min(day, last));
        expect(at.toISOString().slice(11, 16)).toBe(monthly.startsLocal.slice(11, 16));
      }),
      { numRuns: runs(500) },
    );
  });

  it('the latest slot, the next and those between agree with the reference at any instant, on a slot and beside it', () => {
    fc.assert(
      fc.property(
        anySeries,
        fc.oneof(
          fc.constantFrom(-1, 0, 1),
          fc.integer({ min: -400 * dayMs, max: 400 * dayMs }),
          fc.integer({ min: -40 * 365 * dayMs, max: 40 * 365 * dayMs }),
        ),
        fc.integer({ min: 1, max: 12 }),
        ({ schedule, index }, away, most) => {
          const at = Math.max(Date.UTC(1969, 11, 1), referenceSlot(schedule, index) + away);
          const now = new Date(at);
          const period = { once: 1, daily: 1, weekly: 7, monthly: 30.436875 }[schedule.periodicity] * dayMs;
          const estimate = Math.round((at - referenceSlot(schedule, 0)) / period);
          const bounded = schedule.endsAt
            ? Math.min(
                estimate,
                Math.round((schedule.endsAt.getTime() - referenceSlot(schedule, 0)) / period),
              )
            : estimate;
          const around = referenceSlots(schedule, bounded - 4, Math.max(0, bounded) + 4);
          const next = around.find((slot) => slot.at > at) ?? null;
          const latest = around.filter((slot) => slot.at <= at).at(-1) ?? null;
          const first = referenceSlots(schedule, 0, 0)[0] ?? null;
          expect(plain(nextSlotAfter(schedule, now))).toEqual(next);
          expect(plain(latestSlot(schedule, now))).toEqual(latest);
          expect(plain(firstSlot(schedule, now))).toEqual(latest ?? first);
          const shown = upcomingSlots(schedule, now, 3).map((slot) => slot.at.getTime());
          const later = around.filter((slot) => slot.at > at).map((slot) => slot.at);
          expect(shown).toEqual([...new Set(later)].slice(0, 3));
          // What came since some slot: each instant once, the latest `most` indexes of it.
          const to = latest?.index ?? 0;
          const from = Math.max(0, to - 6);
          const between = slotsBetween(schedule, from, to, most).map((slot) => slot.at.getTime());
          const wanted = referenceSlots(schedule, Math.max(from, to - most + 1), to).map((slot) => slot.at);
          expect(between).toEqual([...new Set(wanted)]);
        },
      ),
      { numRuns: runs(1000) },
    );
  });

  it('walking from slot to slot through two years meets every slot of the reference once and no other', () => {
    for (const zone of zones)
      for (const [periodicity, slots] of [
        ['daily', 370],
        ['weekly', 110],
        ['monthly', 25],
      ] as const) {
        const year = zone === 'Pacific/Apia' ? 2011 : zone === 'Pacific/Kwajalein' ? 1993 : 2026;
        const schedule = series({ startsLocal: `${year}-01-31T02:30`, zone, periodicity });
        const wanted = new Set(referenceSlots(schedule, 0, slots - 1).map((slot) => slot.at));
        const met: number[] = [];
        let slot = nextSlotAfter(schedule, new Date(referenceSlot(schedule, 0) - 1));
        while (slot && met.length < wanted.size) {
          met.push(slot.at.getTime());
          slot = nextSlotAfter(schedule, slot.at);
        }
        expect(met).toEqual([...wanted]);
      }
  });

  it('wall-clock time and instant are each the way back of the other, but in the second of two equal hours', () => {
    fc.assert(
      fc.property(
        anySeries,
        fc.integer({ min: -3 * 3600_000, max: 3 * 3600_000 }),
        ({ schedule, index }, by) => {
          const at = new Date(referenceSlot(schedule, index) + by);
          const local = toExactLocal(at, schedule.zone);
          expect(readWallClock(local)).toBe(wallClock(at.getTime(), schedule.zone));
          const back = instantOfWallClock(readWallClock(local), schedule.zone);
          expect(toInstant(local, schedule.zone)?.getTime()).toBe(back);
          expect(back).toBeLessThanOrEqual(at.getTime());
        },
      ),
      { numRuns: runs(1000) },
    );
  });
});
