import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { mailings } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import type { Actor } from '@/lib/policy/rules';
import { pauseMailing, resumeMailing } from '@/lib/runs/mutations';
import { sendDueMailings } from '@/lib/sending/engine';
import { asActor, createClients, createMailing, createUser, type MailingRow } from '../support/factories';
import { recount, runsOf } from '../support/ledger';
import { playedTransport } from '../support/transport';
import { changesOf, type Periodicity, referenceSlot, writeWallClock } from '../support/wall-clock';

/*
 * The engine on a real database with a clock that is passed in: a year goes by in seconds. When a slot is due is computed by a
 * reference that shares no code with lib/recurrence.
 */

const hourMs = 3600_000;
const dayMs = 24 * hourMs;
const newYear = Date.UTC(2026, 0, 1);
const yearEnd = Date.UTC(2027, 0, 1);
const zones = [
  'Europe/Moscow',
  'Europe/Berlin',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'America/Sao_Paulo',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Kathmandu',
  'Pacific/Chatham',
  'Antarctica/Troll',
];

let owner: Actor;
let clock: ReturnType<typeof fixedClock>;
let server: ReturnType<typeof playedTransport>;

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
  owner = asActor(await createUser(db));
  clock = fixedClock(new Date(newYear));
  server = playedTransport();
});

function passAt(at: number) {
  clock.set(new Date(at));
  return sendDueMailings({ clock, deadline: new Date('2999-01-01'), transport: server });
}

type Series = { startsLocal: string; zone: string; periodicity: Periodicity };

async function mailingOf(series: Series, clients: { id: number }[], end?: number): Promise<MailingRow> {
  const startsAt = new Date(referenceSlot(series, 0));
  const endsAt = end === undefined ? null : new Date(end);
  return createMailing(db, owner, { ...series, startsAt, nextSlotAt: startsAt, endsAt, clients });
}

/** All slots of a series before an instant. */
function slotsUntil(series: Series, end: number): number[] {
  const slots: number[] = [];
  for (let index = 0; ; index += 1) {
    const at = referenceSlot(series, index);
    if (at >= end) return slots;
    slots.push(at);
  }
}

/** Each slot has one run that is done, at the reference's instant, and as many letters left as there were clients in it. */
async function expectEachSlotOnce(
  series: Series,
  mailing: MailingRow,
  { clients, lateLessThanMs, end }: { clients: number; lateLessThanMs: number; end: number },
) {
  const wanted = slotsUntil(series, end);
  const found = await runsOf(mailing.id);
  expect(found.map((run) => [run.slotAt?.getTime(), run.status])).toEqual(wanted.map((at) => [at, 'done']));
  for (const run of found) {
    const late = run.openedAt.getTime() - (run.slotAt?.getTime() ?? 0);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(lateLessThanMs);
  }
  const [tally] = await db.execute<{ runs: number; letters: number; tries: number }>(sql`
    select count(distinct run_id)::int as runs, count(*)::int as letters, sum(tries)::int as tries
    from deliveries where run_id in (select id from runs where mailing_id = ${mailing.id}) and status = 'sent'`);
  expect(tally).toEqual({
    runs: wanted.length,
    letters: wanted.length * clients,
    tries: wanted.length * clients,
  });
  return wanted.length;
}

describe('a year in twelve zones, across their changes of clocks', { timeout: 600_000 }, () => {
  it('a daily mailing at half past two goes out once each day at that time, with passes every few hours', async () => {
    const clients = await createClients(db, owner, 1);
    // A run a day in each zone takes minutes; what can go wrong lies around the changes. `YEAR=whole` sends all of it.
    const isWhole = process.env.YEAR === 'whole';
    const spans: { zone: string; from: number; to: number }[] = zones.flatMap((zone) => {
      if (isWhole) return [{ zone, from: newYear, to: yearEnd }];
      const days = changesOf(zone, newYear, yearEnd).map(({ at }) => Math.floor(at / dayMs) * dayMs);
      return [newYear + 58 * dayMs, ...days].map((day) => ({
        zone,
        from: day - 3 * dayMs,
        to: day + 4 * dayMs,
      }));
    });
    const all: { series: Series; mailing: MailingRow; end: number }[] = [];
    for (const { zone, from, to } of spans) {
      const series: Series = { startsLocal: writeWallClock(from + 2.5 * hourMs), zone, periodicity: 'daily' };
      // An end that leaves time for a pass after the last slot.
      const end = (slotsUntil(series, to).at(-1) ?? to) + 9 * hourMs;
      all.push({ series, mailing: await mailingOf(series, clients, end), end });
    }
    // Zones that change clocks, more than not: else this proves little.
    expect(
      new Set(zones.filter((zone) => changesOf(zone, newYear, yearEnd).length > 0)).size,
    ).toBeGreaterThan(8);
    const times = new Set<number>();
    for (const { from, to } of spans)
      for (let at = from - dayMs; at < to + dayMs; at += 8 * hourMs) times.add(at);
    for (const at of [...times].sort((a, b) => a - b)) await passAt(at);
    let slots = 0;
    for (const { series, mailing, end } of all)
      slots += await expectEachSlotOnce(series, mailing, { clients: 1, lateLessThanMs: 8 * hourMs, end });
    expect(slots).toBeGreaterThan(isWhole ? 12 * 364 : 7 * 20);
    expect(server.handed).toHaveLength(slots);
  });

  it('weekly and monthly mailings go out at each slot in its very instant, and not a millisecond before', async () => {
    const clients = await createClients(db, owner, 1);
    const all: { series: Series; mailing: MailingRow }[] = [];
    for (const zone of zones)
      for (const series of [
        { startsLocal: '2026-01-04T02:30', zone, periodicity: 'weekly' as const },
        { startsLocal: '2026-01-31T02:30', zone, periodicity: 'monthly' as const },
      ])
        all.push({ series, mailing: await mailingOf(series, clients) });
    const due = new Set(all.flatMap(({ series }) => slotsUntil(series, yearEnd)));
    let early = 0;
    for (const [nth, at] of [...due].sort((a, b) => a - b).entries()) {
      // Now and then somebody looks a moment too early.
      if (nth % 20 === 0) early += (await passAt(at - 1)).sent;
      const counts = await passAt(at);
      expect(counts.sent).toBeGreaterThan(0);
    }
    expect(early).toBe(0);
    let slots = 0;
    for (const { series, mailing } of all)
      slots += await expectEachSlotOnce(series, mailing, { clients: 1, lateLessThanMs: 1, end: yearEnd });
    expect(server.handed).toHaveLength(slots);
  });
});

/** What the rule for missed slots makes of passes at these instants: each slot of the series, and whether it is sent or missed. */
function byTheRule(slots: number[], passes: number[]): [number, 'done' | 'missed'][] {
  const runs: [number, 'done' | 'missed'][] = [];
  let next = 0;
  for (const now of passes) {
    let latest = next - 1;
    while (slots[latest + 1] !== undefined && (slots[latest + 1] ?? 0) <= now) latest += 1;
    if (latest < next) continue;
    for (let index = next; index <= latest; index += 1) {
      const slot = slots[index] ?? 0;
      const isSent = index === latest && (now - slot < dayMs || index === 0);
      runs.push([slot, isSent ? 'done' : 'missed']);
    }
    next = latest + 1;
  }
  return runs;
}

describe('downtime and pauses', { timeout: 180_000 }, () => {
  it('of hours and of weeks: every slot is sent or noted as missed by the rule, once, and there is never a burst', async () => {
    const clients = await createClients(db, owner, 2);
    const gapHours = fc.oneof(
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom(23, 24, 25, 48),
      fc.integer({ min: 24, max: 24 * 40 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...zones),
        fc.constantFrom('daily' as const, 'weekly' as const, 'monthly' as const),
        fc.integer({ min: 1, max: 360 }),
        fc.array(fc.record({ gapHours, paused: fc.boolean() }), { minLength: 4, maxLength: 10 }),
        async (zone, periodicity, day, steps) => {
          const startsLocal = writeWallClock(newYear + day * dayMs + 2.5 * hourMs);
          const series: Series = { startsLocal, zone, periodicity };
          const mailing = await mailingOf(series, clients);
          let at = referenceSlot(series, 0);
          const passes: number[] = [];
          for (const { gapHours: gap, paused } of steps) {
            if (paused) {
              await pauseMailing(owner, { mailingId: mailing.id }, db, clock);
              await passAt(at + (gap * hourMs) / 2);
              await resumeMailing(owner, { mailingId: mailing.id });
            }
            at += gap * hourMs;
            const before = server.handed.length;
            const counts = await passAt(at);
            passes.push(at);
            expect(server.handed.length - before).toBeLessThanOrEqual(clients.length);
            expect(counts.runsOpened).toBeLessThanOrEqual(1);
          }
          const wanted = byTheRule(slotsUntil(series, at + 1), passes);
          const found = await runsOf(mailing.id);
          expect(found.map((run) => [run.slotAt?.getTime(), run.status])).toEqual(wanted);
          for (const run of found)
            expect(await recount(run.id)).toMatchObject(
              run.status === 'done' ? { total: 2, sent: 2 } : { total: 0, sent: 0 },
            );
          // What comes next is the first slot after the last pass.
          const next = referenceSlot(series, wanted.length);
          const [row] = await db.select().from(mailings).where(sql`${mailings.id} = ${mailing.id}`);
          expect(row?.nextSlotAt?.getTime()).toBe(next);
          await db.delete(mailings).where(sql`${mailings.id} = ${mailing.id}`);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('a millisecond less than 24 hours late is sent, and 24 hours late is missed, in summer as in winter time', async () => {
    const clients = await createClients(db, owner, 1);
    const series: Series = { startsLocal: '2026-02-28T02:30', zone: 'Europe/Berlin', periodicity: 'monthly' };
    const mailing = await mailingOf(series, clients);
    const [first = 0, second = 0, third = 0, fourth = 0] = slotsUntil(series, Date.UTC(2026, 5, 1));
    for (const at of [first, second + dayMs - 1, third + dayMs, fourth + dayMs - 1]) await passAt(at);
    expect((await runsOf(mailing.id)).map((run) => [run.slotAt?.getTime(), run.status])).toEqual([
      [first, 'done'],
      [second, 'done'],
      [third, 'missed'],
      [fourth, 'done'],
    ]);
    expect(server.handed).toHaveLength(3);
  });

  it('before the first slot: it is sent at any lateness before the end, and not at all after it', async () => {
    const clients = await createClients(db, owner, 1);
    const series: Series = { startsLocal: '2026-03-01T02:30', zone: 'Europe/Berlin', periodicity: 'monthly' };
    const first = referenceSlot(series, 0);
    const late = await mailingOf(series, clients);
    const over = await createMailing(db, owner, {
      ...series,
      clients,
      startsAt: new Date(first),
      nextSlotAt: new Date(first),
      endsAt: new Date(first + 20 * dayMs),
    });
    expect((await passAt(first + 25 * dayMs)).sent).toBe(1);
    expect((await runsOf(late.id)).map((run) => run.status)).toEqual(['done']);
    expect((await runsOf(over.id)).map((run) => run.status)).toEqual(['missed']);
    const [row] = await db.select().from(mailings).where(sql`${mailings.id} = ${over.id}`);
    expect(row).toMatchObject({ status: 'completed', nextSlotAt: null });
  });

  it('a slot that comes while the run before it is open waits, and then goes by the rule', async () => {
    const clients = await createClients(db, owner, 1);
    const series: Series = { startsLocal: '2026-03-27T02:30', zone: 'Europe/Berlin', periodicity: 'daily' };
    const mailing = await mailingOf(series, clients);
    const slots = slotsUntil(series, Date.UTC(2026, 2, 31));
    let isDown = true;
    const working = server;
    server = playedTransport(undefined, {
      ready: () => (isDown ? { waitCode: 'unreachable', response: '' } : null),
    });
    const outage = server;
    for (const slot of slots.slice(0, 3)) {
      expect(await passAt(slot)).toMatchObject({ sent: 0 });
      expect(await runsOf(mailing.id)).toHaveLength(1);
    }
    isDown = false;
    const mended = (slots[2] ?? 0) + hourMs;
    expect(await passAt(mended)).toMatchObject({ sent: 2, runsOpened: 1 });
    expect((await runsOf(mailing.id)).map((run) => [run.slotAt?.getTime(), run.status])).toEqual([
      [slots[0], 'done'],
      [slots[1], 'missed'],
      [slots[2], 'done'],
    ]);
    expect(outage.handed).toHaveLength(2);
    server = working;
  });
});
