// First, for what it says about the order.
import '@/tests/support/request-scope';

import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { GET } from '@/app/api/runs/progress/route';
import { db } from '@/db/client';
import { deliveries, engines, mailings, runs, transports, users } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { parseEnv } from '@/lib/env';
import type { Actor } from '@/lib/policy/rules';
import { pauseMailing, startRun, stopMailing } from '@/lib/runs/mutations';
import { findProgress, type Hold, listOwnProgress, measureRate, type Progress } from '@/lib/runs/queries';
import { askAgainMs, finishRunSchema, paceOf, withAsker, withSample } from '@/lib/runs/schema';
import { sendDueMailings } from '@/lib/sending/engine';
import {
  asActor,
  createActor,
  createBatch,
  createClients,
  createDelivery,
  createMailing,
  createRun,
  createUser,
} from '@/tests/support/factories';
import { withRequest } from '@/tests/support/request-scope';
import { signIn } from '@/tests/support/sign-in';
import { accepted, playedTransport, refusedForNow, senderRefused } from '@/tests/support/transport';

const start = new Date('2026-01-05T09:00:00Z');
const seconds = (n: number) => new Date(start.getTime() + n * 1000);
const minutes = (n: number) => seconds(60 * n);
const hours = (n: number) => seconds(3600 * n);

let owner: Actor;
let clock: ReturnType<typeof fixedClock>;

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
  owner = await createActor(db);
  clock = fixedClock(start);
});

const pass = (transport: Parameters<typeof sendDueMailings>[0]['transport']) =>
  sendDueMailings({
    clock,
    deadline: new Date('2999-01-01'),
    transport,
    settings: parseEnv({ ...process.env, SEND_RETRY_BASE_SECONDS: '60' }),
    random: () => 0.999,
  });

/** A mailing that stands as it was made, since whoever makes a row does it now. */
async function oldMailing(overrides: Parameters<typeof createMailing>[2] = {}) {
  return createMailing(db, owner, { updatedAt: start, ...overrides });
}

async function progressOf(mailingId: number, runId?: number): Promise<Progress> {
  const found = await findProgress(owner, { mailingId, runId }, db, clock);
  const [run] = found?.runs ?? [];
  if (!run) throw new Error('no run is under way');
  return run;
}

async function holdOf(mailingId: number): Promise<Hold | null> {
  return (await progressOf(mailingId)).hold;
}

/** An open run of three letters that nobody has touched. */
async function standingRun(overrides: Partial<typeof runs.$inferInsert> = {}) {
  const mailing = await oldMailing({ status: 'running', nextSlotAt: null });
  const run = await createRun(db, mailing, { slotAt: start, ...overrides });
  for (const client of await createClients(db, owner, 3)) await createDelivery(db, run, client);
  return { mailing, run };
}

describe('the numbers of a run under way', () => {
  it('add up to its clients at every moment of the sending', async () => {
    await createClients(db, owner, 120);
    const mailing = await createMailing(db, owner);
    const seen: Progress[] = [];
    const transport = playedTransport(
      async (_, nth) => {
        if (nth % 10 === 0) seen.push(await progressOf(mailing.id));
        return nth % 7 === 0 ? refusedForNow : accepted;
      },
      { name: 'outbox', batchMax: 20 },
    );
    await pass(transport);
    expect(seen.length).toBeGreaterThan(5);
    for (const { counts } of seen) {
      const { total, ...outcomes } = counts;
      expect(total).toBe(120);
      expect(Object.values(outcomes).reduce((sum, each) => sum + each)).toBe(120);
    }
    expect(seen.some(({ counts }) => counts.sending > 0)).toBe(true);
    expect(seen.some(({ counts }) => counts.sent > 0 && counts.queued > 0)).toBe(true);
  });

  it('are of the run asked for, also when it has ended', async () => {
    await createClients(db, owner, 2);
    const mailing = await createMailing(db, owner);
    await pass(playedTransport(() => accepted, { name: 'outbox' }));
    const [run] = await db.select().from(runs).where(eq(runs.mailingId, mailing.id));
    if (!run) throw new Error('no run');
    expect(await progressOf(mailing.id, run.id)).toMatchObject({
      status: 'done',
      isOpen: false,
      hold: null,
      counts: { total: 2, sent: 2 },
    });
    expect(await findProgress(owner, { mailingId: mailing.id }, db, clock)).toMatchObject({
      runs: [],
      isOver: true,
    });
    const other = await createMailing(db, owner);
    expect(await findProgress(owner, { mailingId: other.id, runId: run.id }, db, clock)).toBeNull();
  });

  it('are shown to their owner and to managers, and to nobody else', async () => {
    const { mailing, run } = await standingRun();
    for (const input of [{ mailingId: mailing.id }, { mailingId: mailing.id, runId: run.id }]) {
      expect(await findProgress(await createActor(db), input, db, clock)).toBeNull();
      expect(
        (await findProgress(await createActor(db, { isStaff: true }), input, db, clock))?.runs,
      ).toHaveLength(1);
    }
  });
});

describe('the pace', () => {
  async function attemptsAt(run: { id: number; mailingId: number }, ...at: Date[]) {
    await db.execute(sql`
      insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, transport)
      select 1, ${run.id}, ${run.mailingId}, ${owner.id}, 1, at::timestamptz, 'success', 'outbox'
      from jsonb_array_elements_text(${JSON.stringify(at)}::jsonb) as moments (at)`);
  }
  const every = (count: number, from: Date, seconds: number) =>
    Array.from({ length: count }, (_, nth) => new Date(from.getTime() + (1000 * seconds * nth) / count));

  it('is what all engines together handed over in the last ten seconds', async () => {
    const { run } = await standingRun();
    clock.set(minutes(10));
    await attemptsAt(run, ...every(600, minutes(8), 60));
    await attemptsAt(run, ...every(50, seconds(591), 8), ...every(30, seconds(591), 8));
    expect(await measureRate(owner, run, db, clock)).toBe(8);
  });

  it('of a fast run is measured on its latest letters alone', async () => {
    const { run } = await standingRun();
    clock.set(minutes(10));
    await attemptsAt(run, ...every(4000, seconds(598), 2));
    const rate = await measureRate(owner, run, db, clock);
    expect(rate).toBeGreaterThan(1900);
    expect(rate).toBeLessThan(2100);
  });

  it('of a slow run is measured over the last minute, and of one that has just begun since then', async () => {
    const { run } = await standingRun();
    clock.set(minutes(10));
    await attemptsAt(run, ...every(6, seconds(541), 58));
    expect(await measureRate(owner, run, db, clock)).toBe(0.1);
    clock.set(minutes(20));
    expect(await measureRate(owner, run, db, clock)).toBe(0);
    const young = { ...run, openedAt: seconds(20 * 60 - 4) };
    await attemptsAt(run, ...every(12, seconds(20 * 60 - 3.9), 3));
    expect(await measureRate(owner, young, db, clock)).toBe(3);
  });

  it('that a page measures is of the last moments, and never of time in which nobody looked', () => {
    const samples = (...points: [seconds: number, tried: number][]) =>
      points.reduce<ReturnType<typeof withSample>>(
        (kept, [seconds, tried]) => withSample(kept, { atMs: seconds * 1000, tried }),
        [],
      );
    expect(paceOf(samples())).toBeNull();
    expect(paceOf(samples([0, 0], [1, 50]))).toBeNull();
    expect(paceOf(samples([0, 0], [1, 50], [2, 100]))).toBe(50);
    expect(paceOf(samples([0, 0], [30, 3000], [36, 3060], [42, 3120]))).toBe(10);
    expect(paceOf(samples([0, 0], [20, 3], [40, 6]))).toBe(0.15);
    // Letters that are queued again are counted as tried no more.
    expect(paceOf(samples([0, 900], [4, 900], [8, 400]))).toBeNull();
    expect(paceOf(samples([0, 900], [4, 900], [8, 400], [12, 440]))).toBe(10);
  });
});

describe('why a run stands still', () => {
  it('is said for a pause, a disable and a block, with since when', async () => {
    const { mailing } = await standingRun();
    expect(await holdOf(mailing.id)).toBeNull();
    await pauseMailing(owner, { mailingId: mailing.id }, db, fixedClock(seconds(5)));
    expect(await holdOf(mailing.id)).toEqual({ kind: 'paused', since: seconds(5) });
    await db
      .update(users)
      .set({ blockedAt: seconds(6), blockedReason: 'a test' })
      .where(eq(users.id, owner.id));
    expect(await holdOf(mailing.id)).toEqual({ kind: 'blocked', since: seconds(6) });
    await db
      .update(mailings)
      .set({ disabledAt: seconds(7), disabledReason: 'a test' })
      .where(eq(mailings.id, mailing.id));
    expect(await holdOf(mailing.id)).toEqual({ kind: 'disabled', since: seconds(7) });
  });

  it('is said in the words of the server that makes us wait, with the time at which the rest is given up', async () => {
    const { mailing } = await standingRun();
    const server = playedTransport(() => senderRefused, { name: 'outbox' });
    clock.set(seconds(30));
    await pass(server);
    const hold = await holdOf(mailing.id);
    if (hold?.kind !== 'waiting') throw new Error(`not waiting: ${hold?.kind}`);
    expect(hold).toMatchObject({
      since: seconds(30),
      wait: {
        code: 'slow_down',
        response: senderRefused.outcome === 'refused' ? senderRefused.response : '',
      },
      endsAs: 'failed',
      givesUpAt: new Date(hours(72).getTime() + 30_000),
    });
    expect(hold.wait.until > clock.now()).toBe(true);

    // The page says what the engine then does: not a second before, and at that time.
    const deadServer = playedTransport(undefined, {
      name: 'outbox',
      ready: () => ({ waitCode: 'unreachable', response: '' }),
    });
    clock.set(new Date(hold.givesUpAt.getTime() - 1000));
    await pass(deadServer);
    expect((await progressOf(mailing.id)).counts).toMatchObject({ queued: 3, failed: 0 });
    clock.set(hold.givesUpAt);
    await pass(deadServer);
    const reasons = await db.select({ reason: deliveries.reason }).from(deliveries);
    expect(reasons).toEqual(Array(3).fill({ reason: 'sender_waited_too_long' }));
  });

  it('names the end of the run when that comes before the 72 hours', async () => {
    await createClients(db, owner, 1);
    const mailing = await oldMailing({ status: 'completed' });
    await startRun(owner, { mailingId: mailing.id }, db, clock);
    await pass(playedTransport(() => senderRefused, { name: 'outbox' }));
    expect(await holdOf(mailing.id)).toMatchObject({
      kind: 'waiting',
      endsAs: 'expired',
      givesUpAt: hours(24),
    });
  });

  it('tells the host of the server that makes us wait, and never the user', async () => {
    const name = 'smtp:vera@mail.people.test:587#0a1b2c3d';
    const { mailing } = await standingRun({ transport: name });
    await db
      .insert(transports)
      .values({ name, waitsUntil: minutes(5), waitsSince: start, waitCode: 'auth_refused', waitsInRow: 1 });
    expect(await holdOf(mailing.id)).toMatchObject({
      wait: { code: 'auth_refused', server: 'mail.people.test:587' },
    });
    expect(JSON.stringify(await progressOf(mailing.id))).not.toContain('vera');
  });

  it('is that only retries remain, with the first of them', async () => {
    const { mailing } = await standingRun();
    await pass(playedTransport((_, nth) => (nth === 1 ? accepted : refusedForNow), { name: 'outbox' }));
    const hold = await holdOf(mailing.id);
    const [first] = await db
      .select({ at: sql<string>`min(${deliveries.nextTryAt})` })
      .from(deliveries)
      .where(eq(deliveries.status, 'queued'));
    expect(hold).toEqual({ kind: 'retries', next: new Date(first?.at ?? '') });
    // As soon as it may be tried again, that is no reason any more.
    clock.set(minutes(2));
    expect(await holdOf(mailing.id)).toBeNull();
  });

  it('is that no engine has reported in, once nothing has moved for five minutes', async () => {
    const { mailing } = await standingRun();
    clock.set(seconds(299));
    expect(await holdOf(mailing.id)).toBeNull();
    clock.set(minutes(5));
    expect(await holdOf(mailing.id)).toEqual({ kind: 'no_engine', since: start, lastPassAt: null });
    await db.insert(engines).values({ holder: 'gone', kind: 'worker', seenAt: start });
    clock.set(minutes(6));
    expect(await holdOf(mailing.id)).toEqual({ kind: 'no_engine', since: start, lastPassAt: start });
    await db.insert(engines).values({ holder: 'alive', kind: 'worker', seenAt: seconds(350) });
    expect(await holdOf(mailing.id)).toEqual({ kind: 'passed_over', since: start, lastPassAt: seconds(350) });
  });

  it('is that an engine holds letters and reports nothing, with the time at which they come back', async () => {
    const { mailing, run } = await standingRun({ transport: 'outbox' });
    const rows = await db.select().from(deliveries).where(eq(deliveries.runId, run.id));
    const ids = rows.map(({ id }) => id);
    await createBatch(db, run, {
      firstId: Math.min(...ids),
      lastId: Math.max(...ids),
      outstanding: 3,
      createdAt: minutes(1),
      leasedUntil: minutes(8),
    });
    clock.set(minutes(5));
    expect(await holdOf(mailing.id)).toBeNull();
    clock.set(minutes(6));
    expect(await holdOf(mailing.id)).toEqual({
      kind: 'leased',
      since: minutes(1),
      letters: 3,
      until: minutes(8),
    });
  });

  it('is not asked of a run that has just been let go on', async () => {
    const { mailing, run } = await standingRun();
    clock.set(hours(10));
    // Finished for another day a minute ago.
    await db
      .update(runs)
      .set({ deadlineAt: new Date(hours(34).getTime() - 60_000) })
      .where(eq(runs.id, run.id));
    expect(await holdOf(mailing.id)).toBeNull();
  });

  it('is said of a mailing whose time came five minutes ago and whose run nobody has opened', async () => {
    const mailing = await oldMailing();
    const look = () => findProgress(owner, { mailingId: mailing.id }, db, clock);
    expect(await look()).toMatchObject({ runs: [], stall: null, isOver: false });
    clock.set(minutes(5));
    expect(await look()).toMatchObject({
      stall: { kind: 'no_engine', since: start, lastPassAt: null },
      isOver: false,
    });
    await db.update(mailings).set({ pausedAt: start }).where(eq(mailings.id, mailing.id));
    expect(await look()).toMatchObject({ stall: null, isOver: true });
  });
});

describe('what somebody is told of all their runs under way', () => {
  const look = (as: Actor = owner) => listOwnProgress(as, undefined, db, clock);

  it('is how each of them stands, newest first, with why it does not move', async () => {
    const first = await standingRun();
    const second = await standingRun();
    await pauseMailing(owner, { mailingId: first.mailing.id }, db, fixedClock(seconds(5)));
    const { runs: found, isOver } = await look();
    expect(found).toMatchObject([
      { id: second.run.id, mailingName: second.mailing.name, hold: null, counts: { queued: 3 } },
      { id: first.run.id, mailingId: first.mailing.id, hold: { kind: 'paused', since: seconds(5) } },
    ]);
    expect(isOver).toBe(false);
    clock.set(minutes(6));
    expect((await look()).runs).toMatchObject([
      { hold: { kind: 'no_engine' } },
      { hold: { kind: 'paused' } },
    ]);
  });

  it('is nothing of others, also where a manager may read theirs', async () => {
    await standingRun();
    for (const isStaff of [false, true])
      expect(await look(await createActor(db, { isStaff }))).toMatchObject({ runs: [], isOver: true });
  });

  it('is new when one begins, ends or is held, and the same while letters leave', async () => {
    await oldMailing();
    await createClients(db, owner, 3);
    const due = await look();
    expect(due).toMatchObject({ runs: [], isOver: false });
    const during: string[] = [];
    const transport = playedTransport(
      async () => {
        during.push((await look()).standing);
        return accepted;
      },
      { name: 'outbox' },
    );
    await pass(transport);
    expect(during).toHaveLength(3);
    expect(new Set(during).size).toBe(1);
    expect(during).not.toContain(due.standing);
    expect(await look()).toMatchObject({ runs: [], isOver: true });
  });

  it('is not over while a mailing of theirs is due that nothing holds', async () => {
    const mailing = await oldMailing({ nextSlotAt: minutes(1) });
    expect((await look()).isOver).toBe(true);
    clock.set(minutes(1));
    expect((await look()).isOver).toBe(false);
    await db.update(mailings).set({ pausedAt: start }).where(eq(mailings.id, mailing.id));
    expect((await look()).isOver).toBe(true);
  });
});

describe('a server that asked for fewer letters', () => {
  it('is told with the rate let out now, which doubles with each minute', async () => {
    const { mailing } = await standingRun();
    await db.insert(transports).values({ name: 'outbox', slowRate: 2, slowedAt: start });
    expect((await progressOf(mailing.id)).slowedTo).toBe(2);
    clock.set(minutes(2));
    expect((await progressOf(mailing.id)).slowedTo).toBe(8);
    clock.set(hours(2));
    expect((await progressOf(mailing.id)).slowedTo).toBeNull();
  });
});

describe('what a page asks while somebody watches', () => {
  const password = 'a long and honest passphrase';
  const ask = (cookie: string, query: string, headers: Record<string, string> = {}) =>
    withRequest({ cookie }, () =>
      GET(new Request(`http://localhost:3000/api/runs/progress?${query}`, { headers })),
    );

  it('is answered once, and then with nothing until something has changed', async () => {
    const user = await createUser(db, { password });
    owner = asActor(user);
    const { mailing, run } = await standingRun();
    const cookie = await signIn(user.email, password);
    const first = await ask(cookie, `mailing=${mailing.id}`);
    expect(first.status).toBe(200);
    expect(first.headers.get('cache-control')).toBe('private, no-store');
    const reading = await first.json();
    expect(reading).toMatchObject({
      isOver: false,
      runs: [{ id: run.id, isOpen: true, counts: { queued: 3 } }],
    });
    const etag = first.headers.get('etag') ?? '';
    const again = await ask(cookie, `mailing=${mailing.id}`, { 'if-none-match': etag });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect(again.headers.get('cache-control')).toBe('private, no-store');

    await stopMailing(owner, { mailingId: mailing.id });
    const over = await ask(cookie, `mailing=${mailing.id}&run=${run.id}`, { 'if-none-match': etag });
    expect(over.status).toBe(200);
    const end = await over.json();
    expect(end).toMatchObject({
      isOver: true,
      runs: [{ isOpen: false, counts: { cancelled: 3, queued: 0 } }],
    });
    expect(end.standing).not.toBe(reading.standing);
  });

  it('is asked every second where few watch, and by each the more rarely the more they are', async () => {
    /** Answers a second, when so many pages have watched for a while and each waits as it is told. */
    const answersASecond = (pages: number) => {
      let crowd = { atMs: 0, pages: 0 };
      let answers = 0;
      const due = Array.from({ length: pages }, (_, nth) => ({ atMs: (nth * 1000) / pages, waitedMs: 1000 }));
      for (let atMs = 0; atMs < 60_000; atMs += 10)
        for (const page of due.filter((each) => each.atMs <= atMs)) {
          crowd = withAsker(crowd, atMs, page.waitedMs);
          page.waitedMs = askAgainMs(crowd);
          page.atMs = atMs + page.waitedMs;
          if (atMs >= 30_000) answers += 1;
        }
      return answers / 30;
    };
    expect(answersASecond(1)).toBeCloseTo(1, 0);
    expect(answersASecond(5)).toBeCloseTo(5, 0);
    expect(answersASecond(50)).toBeLessThan(15);
    expect(answersASecond(50)).toBeGreaterThan(7);
    expect(answersASecond(200)).toBeLessThan(25);

    const user = await createUser(db, { password });
    owner = asActor(user);
    const { mailing } = await standingRun();
    const cookie = await signIn(user.email, password);
    const patience = async (times: number, waited: string) => {
      let told = Number.NaN;
      for (let nth = 0; nth < times; nth += 1) {
        const answer = await ask(cookie, `mailing=${mailing.id}`, { 'asked-after-ms': waited });
        told = Number(answer.headers.get('ask-again-ms'));
      }
      return told;
    };
    expect(await patience(1, '1000')).toBe(1000);
    expect(await patience(20, '10000')).toBeGreaterThan(1000);
    expect(await patience(1, 'Infinity')).toBeLessThanOrEqual(10_000);
    expect(await patience(1, 'no number')).toBeLessThanOrEqual(10_000);
  });

  it('is, where no mailing is named, of all their own runs, and again only what has changed', async () => {
    const user = await createUser(db, { password });
    owner = asActor(user);
    const { run } = await standingRun();
    const cookie = await signIn(user.email, password);
    const first = await ask(cookie, '');
    expect(await first.json()).toMatchObject({
      isOver: false,
      runs: [{ id: run.id, counts: { queued: 3 } }],
    });
    const etag = first.headers.get('etag') ?? '';
    expect((await ask(cookie, '', { 'if-none-match': etag })).status).toBe(304);
    await db.update(deliveries).set({ status: 'sent', endedAt: start }).where(eq(deliveries.runId, run.id));
    const moved = await ask(cookie, '', { 'if-none-match': etag });
    expect(await moved.json()).toMatchObject({ runs: [{ counts: { queued: 0, sent: 3 } }] });
  });

  it('does not exist for strangers, for those who are not signed in, and for nonsense', async () => {
    const { mailing, run } = await standingRun();
    const stranger = await createUser(db, { password });
    const cookie = await signIn(stranger.email, password);
    const own = await createMailing(db, { id: stranger.id }, { status: 'completed' });
    for (const [as, query] of [
      [cookie, `mailing=${mailing.id}`],
      [cookie, `mailing=${mailing.id}&run=${run.id}`],
      [cookie, `mailing=${own.id}&run=${run.id}`],
      [cookie, `mailing=${own.id}&run=seven`],
      [cookie, 'mailing=1.5'],
      [cookie, `mailing=99999999999999999999`],
      [cookie, `run=${run.id}`],
      ['', `mailing=${mailing.id}`],
      ['', ''],
    ] as const) {
      const response = await ask(as, query);
      expect({ query, status: response.status }).toEqual({ query, status: 404 });
      expect(response.headers.get('cache-control')).toBe('private, no-store');
    }
    expect((await ask(cookie, `mailing=${own.id}`)).status).toBe(200);
  });
});

describe('finishing a run', () => {
  const asked = { mailingId: '1', runId: '2' };

  it('asks for a word before letters go that may be second copies', () => {
    const refused = finishRunSchema.safeParse({ ...asked, outcomes: ['failed', 'unknown'] });
    expect(refused.error?.issues).toMatchObject([{ path: ['mayRepeat'], message: 'confirm_repeat' }]);
    expect(finishRunSchema.safeParse({ ...asked, outcomes: ['unknown'], mayRepeat: 'on' }).success).toBe(
      true,
    );
    expect(finishRunSchema.safeParse({ ...asked, outcomes: ['failed', 'expired'] }).success).toBe(true);
  });

  it('does nothing when nobody has been chosen', () => {
    const refused = finishRunSchema.safeParse({ ...asked, mayRepeat: 'on' });
    expect(refused.error?.issues).toMatchObject([{ path: ['outcomes'], message: 'choose_outcome' }]);
    // Of a form that asks for answers the empty one comes alone: none is chosen. It never means all of them.
    const failed = { ...asked, outcomes: ['failed'] };
    expect(finishRunSchema.safeParse({ ...failed, kinds: [''] }).error?.issues).toMatchObject([
      { path: ['kinds'], message: 'choose_kind' },
    ]);
    expect(finishRunSchema.safeParse({ ...failed, kinds: ['', 'no_such'] }).success).toBe(false);
    expect(finishRunSchema.safeParse({ ...failed, kinds: ['', 'spam'] }).data?.kinds).toEqual(['spam']);
    expect(finishRunSchema.safeParse({ ...asked, outcomes: ['expired'], kinds: [''] }).success).toBe(true);
    // Of the unknown the same: that none is ticked never means all, whatever was ticked of those that failed.
    const unknown = { ...asked, outcomes: ['failed', 'unknown'], mayRepeat: 'on', kinds: ['', 'spam'] };
    expect(finishRunSchema.safeParse({ ...unknown, unknownKinds: [''] }).error?.issues).toMatchObject([
      { path: ['unknownKinds'], message: 'choose_unknown_kind' },
    ]);
    expect(
      finishRunSchema.safeParse({ ...unknown, unknownKinds: ['', 'interrupted'] }).data?.unknownKinds,
    ).toEqual(['interrupted']);
    expect(finishRunSchema.safeParse({ ...unknown, unknownKinds: ['', 'spam'] }).success).toBe(false);
    expect(finishRunSchema.safeParse({ ...failed, unknownKinds: [''] }).success).toBe(true);
  });
});
