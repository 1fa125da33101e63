import { randomUUID } from 'node:crypto';
import { setTimeout as afterMs } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import {
  attempts,
  batches,
  deliveries,
  mailings,
  runCounts,
  runs,
  runTallies,
  suppressions,
  transports,
  users,
} from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import type { Transport } from '@/lib/email/transport';
import { type Env, parseEnv } from '@/lib/env';
import type { Actor } from '@/lib/policy/rules';
import {
  disableMailing,
  enableMailing,
  finishRun,
  pauseMailing,
  resumeMailing,
  startRun,
  stopMailing,
} from '@/lib/runs/mutations';
import { sendDueMailings } from '@/lib/sending/engine';
import {
  claimBatch,
  endBatch,
  type Intents,
  intend,
  recordOutcomes,
  takeAllowance,
} from '@/lib/sending/ledger';
import { asActor, createClient, createClients, createMailing, createUser } from '../support/factories';
import {
  accepted,
  noAnswer,
  playedTransport,
  refusedForGood,
  refusedForNow,
  senderRefused,
} from '../support/transport';

const start = new Date('2026-01-05T09:00:00Z');
const hours = (n: number) => new Date(start.getTime() + n * 3600_000);
const days = (n: number) => hours(24 * n);

let actor: Actor;
let clock: ReturnType<typeof fixedClock>;

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
  actor = asActor(await createUser(db));
  clock = fixedClock(start);
});

function pass(transport: Transport, settings: Record<string, string> = {}) {
  const env: Env = parseEnv({ ...process.env, ...settings });
  return sendDueMailings({
    clock,
    deadline: new Date('2999-01-01'),
    transport,
    settings: env,
    random: () => 0.999,
  });
}

const runsOf = (mailingId: number) =>
  db.select().from(runs).where(eq(runs.mailingId, mailingId)).orderBy(runs.slotAt, runs.id);
const deliveriesOf = (runId: number) =>
  db.select().from(deliveries).where(eq(deliveries.runId, runId)).orderBy(deliveries.id);
const statusOf = async (mailingId: number) =>
  (await db.select().from(mailings).where(eq(mailings.id, mailingId)))[0]?.status;
const onlyRun = async (mailingId: number) => {
  const found = await runsOf(mailingId);
  expect(found).toHaveLength(1);
  return found[0] as NonNullable<(typeof found)[number]>;
};
const countsOf = async (runId: number) =>
  (await db.select().from(runCounts).where(eq(runCounts.runId, runId)))[0];

describe('a pass', () => {
  it('sends a due mailing to each of its clients once, writes each attempt, and completes it', async () => {
    const clients = await createClients(db, actor, 130);
    const mailing = await createMailing(db, actor);
    const server = playedTransport();
    expect(await pass(server)).toEqual({
      runsOpened: 1,
      claimed: 130,
      sent: 130,
      failed: 0,
      unknown: 0,
      retried: 0,
      remaining: 0,
    });
    expect(server.handed.map(({ letter }) => letter.to.address).sort()).toEqual(
      clients.map((client) => client.email).sort(),
    );
    const run = await onlyRun(mailing.id);
    expect(run.status).toBe('done');
    expect(await countsOf(run.id)).toMatchObject({
      total: 130,
      sent: 130,
      queued: 0,
      attemptsSucceeded: 130,
      attemptsUnknown: 0,
    });
    const written = await db.select().from(attempts).where(eq(attempts.runId, run.id));
    expect(written.every((row) => row.status === 'success' && row.response === '250 2.0.0 Ok: queued')).toBe(
      true,
    );
    expect(await statusOf(mailing.id)).toBe('completed');
    expect((await pass(server)).claimed).toBe(0);
  });

  it('puts on disk which letters are about to be handed over before the first of them is', async () => {
    await createClients(db, actor, 3);
    await createMailing(db, actor);
    const seen: boolean[] = [];
    await pass(
      playedTransport(async (letter) => {
        const intended = (await db.select().from(batches)).flatMap((batch) => batch.intended);
        seen.push(letter.deliveryId !== null && intended.includes(letter.deliveryId));
        return accepted;
      }),
    );
    expect(seen).toEqual([true, true, true]);
    expect((await db.select().from(batches)).flatMap((batch) => batch.intended)).toEqual([]);
  });

  it('never has more than 100 letters on disk as about to be handed over, and none is handed over that is not', async () => {
    await createClients(db, actor, 330);
    await createMailing(db, actor);
    const unannounced: unknown[] = [];
    let most = 0;
    const counts = await pass(
      playedTransport(async (letter) => {
        const intended = (await db.select().from(batches)).flatMap((batch) => batch.intended);
        if (letter.deliveryId === null || !intended.includes(letter.deliveryId)) unannounced.push(letter);
        most = Math.max(most, intended.length);
        return accepted;
      }),
      // Several claims a lane: what follows a claim is put on disk with the record of its end.
      { SEND_BATCH: '240' },
    );
    expect(counts).toMatchObject({ claimed: 330, sent: 330, remaining: 0 });
    expect(unannounced).toEqual([]);
    expect(most).toBeGreaterThan(50);
    expect(most).toBeLessThanOrEqual(100);
  });

  it('has of a slow server no more on disk as about to be handed over than leaves in a second, and of a quick one enough again', async () => {
    await createClients(db, actor, 400);
    await createMailing(db, actor);
    // Thirty letters a second, until the two hundredth.
    const isSlow = (nth: number) => nth <= 200;
    const most = { slow: 0, quick: 0 };
    const counts = await pass(
      playedTransport(async (_letter, nth) => {
        if (isSlow(nth)) clock.set(new Date(clock.now().getTime() + 1000 / 30));
        const intended = (await db.select().from(batches)).flatMap((batch) => batch.intended).length;
        const pace = isSlow(nth) ? 'slow' : 'quick';
        most[pace] = Math.max(most[pace], intended);
        return accepted;
      }),
    );
    expect(counts).toMatchObject({ sent: 400, remaining: 0 });
    expect(most.slow).toBeLessThanOrEqual(30);
    expect(most.quick).toBeGreaterThan(50);
    expect(most.quick).toBeLessThanOrEqual(100);
  });

  it('leaves what starts later until its time comes', async () => {
    await createClients(db, actor, 1);
    const mailing = await createMailing(db, actor, { startsAt: hours(1) });
    const server = playedTransport();
    expect((await pass(server)).runsOpened).toBe(0);
    expect(await statusOf(mailing.id)).toBe('created');
    clock.set(hours(1));
    expect((await pass(server)).sent).toBe(1);
  });

  it('a mailing without clients gets a run that is done', async () => {
    const mailing = await createMailing(db, actor);
    await pass(playedTransport());
    expect((await onlyRun(mailing.id)).status).toBe('done');
  });

  it('an unsubscribed client is skipped with the reason, and the run explains itself', async () => {
    const [first] = await createClients(db, actor, 2);
    await db
      .insert(suppressions)
      .values({ ownerId: actor.id, emailKey: first?.emailKey ?? '', reason: 'bounced' });
    const mailing = await createMailing(db, actor);
    expect((await pass(playedTransport())).sent).toBe(1);
    const run = await onlyRun(mailing.id);
    expect(run.status).toBe('done');
    expect((await deliveriesOf(run.id)).map((row) => [row.status, row.reason])).toEqual([
      ['skipped', 'bounced'],
      ['sent', null],
    ]);
  });

  it('two engines racing on 5,000 deliveries send each once', async () => {
    await createClients(db, actor, 5000);
    const mailing = await createMailing(db, actor, { startsAt: days(1) });
    await startRun(actor, { mailingId: mailing.id }, db, clock);
    const one = playedTransport();
    const other = playedTransport();
    await Promise.all([pass(one), pass(other)]);
    const to = [...one.handed, ...other.handed].map(({ letter }) => letter.to.address);
    expect(to).toHaveLength(5000);
    expect(new Set(to).size).toBe(5000);
    expect(one.handed.length).toBeGreaterThan(0);
    expect(other.handed.length).toBeGreaterThan(0);
    await pass(one);
    const run = await onlyRun(mailing.id);
    expect([run.status, (await countsOf(run.id))?.attemptsSucceeded]).toEqual(['done', 5000]);
  });

  it('ten engines that find the same mailing due open one run', async () => {
    await createClients(db, actor, 40);
    const mailing = await createMailing(db, actor);
    const server = playedTransport();
    const counts = await Promise.all(Array.from({ length: 10 }, () => pass(server)));
    expect(counts.reduce((sum, count) => sum + count.runsOpened, 0)).toBe(1);
    await pass(server);
    expect(server.handed).toHaveLength(40);
    expect((await onlyRun(mailing.id)).status).toBe('done');
  });
});

describe('answers of the mail server', () => {
  it('a refusal for now is tried again later, longer each time, and ends as failed when the tries are used up', async () => {
    await createClients(db, actor, 1);
    const mailing = await createMailing(db, actor);
    const server = playedTransport(() => refusedForNow);
    const settings = { SEND_TRIES_MAX: '3', SEND_RETRY_BASE_SECONDS: '60' };
    expect(await pass(server, settings)).toMatchObject({ retried: 1, remaining: 1 });
    expect((await pass(server, settings)).claimed).toBe(0);
    clock.set(new Date(start.getTime() + 61_000));
    expect((await pass(server, settings)).retried).toBe(1);
    clock.set(new Date(start.getTime() + 61_000 + 100_000));
    expect((await pass(server, settings)).claimed).toBe(0);
    clock.set(new Date(start.getTime() + 61_000 + 121_000));
    expect((await pass(server, settings)).failed).toBe(1);
    const run = await onlyRun(mailing.id);
    expect(run.status).toBe('partly_done');
    expect((await deliveriesOf(run.id))[0]).toMatchObject({
      status: 'failed',
      reason: 'tries_used',
      tries: 3,
    });
    expect(await countsOf(run.id)).toMatchObject({ attemptsFailed: 3 });
  });

  it('a refusal for good is final at once, and delays nobody', async () => {
    const clients = await createClients(db, actor, 3);
    const mailing = await createMailing(db, actor);
    const bad = clients[0]?.email;
    const server = playedTransport((letter) => (letter.to.address === bad ? refusedForGood : accepted));
    expect(await pass(server)).toMatchObject({ sent: 2, failed: 1 });
    expect((await onlyRun(mailing.id)).status).toBe('partly_done');
  });

  it('no answer after the hand-over is unknown, and is not repeated by itself', async () => {
    await createClients(db, actor, 1);
    const mailing = await createMailing(db, actor);
    const server = playedTransport(() => noAnswer);
    expect((await pass(server)).unknown).toBe(1);
    clock.set(days(2));
    await pass(server);
    expect(server.handed).toHaveLength(1);
    const run = await onlyRun(mailing.id);
    expect((await deliveriesOf(run.id))[0]).toMatchObject({ status: 'unknown', reason: 'no_answer' });
  });

  it('trouble of the sender makes the transport wait, and costs no client a try', async () => {
    await createClients(db, actor, 120);
    const mailing = await createMailing(db, actor);
    let isBusy = true;
    const server = playedTransport((_letter, nth) => (isBusy && nth > 10 ? senderRefused : accepted));
    const counts = await pass(server);
    expect(counts.failed).toBe(0);
    expect(counts.remaining).toBe(120 - counts.sent);
    expect(server.handed.length).toBeLessThanOrEqual(100);
    const [waiting] = await db.select().from(transports);
    expect(waiting).toMatchObject({
      waitCode: 'slow_down',
      waitResponse: senderRefused.outcome === 'refused' ? senderRefused.response : '',
    });
    const before = server.handed.length;
    await pass(server);
    expect(server.handed).toHaveLength(before);
    isBusy = false;
    clock.set(hours(1));
    expect((await pass(server)).sent).toBe(120 - counts.sent);
    const run = await onlyRun(mailing.id);
    expect((await deliveriesOf(run.id)).every((row) => row.status === 'sent' && row.tries === 1)).toBe(true);
    expect((await db.select().from(transports))[0]).toMatchObject({ waitsUntil: null, waitCode: null });
  });

  it('a sender that can not sign in claims nothing, and after 72 hours the rest fails with that reason', async () => {
    await createClients(db, actor, 2);
    const mailing = await createMailing(db, actor);
    const server = playedTransport(undefined, {
      ready: () => ({ waitCode: 'auth_refused', response: '535 5.7.8 Bad password' }),
    });
    expect(await pass(server)).toMatchObject({ claimed: 0, remaining: 2 });
    for (let hour = 1; hour <= 71; hour += 10) {
      clock.set(hours(hour));
      expect((await pass(server)).remaining).toBe(2);
    }
    clock.set(hours(73));
    await pass(server);
    const run = await onlyRun(mailing.id);
    expect(run.status).toBe('partly_done');
    expect((await deliveriesOf(run.id)).map((row) => row.reason)).toEqual([
      'sender_waited_too_long',
      'sender_waited_too_long',
    ]);
    expect(server.handed).toHaveLength(0);
  });

  it('a letter that was never handed over leaves no attempt behind', async () => {
    await createClients(db, actor, 4);
    const mailing = await createMailing(db, actor);
    await pass(playedTransport((_letter, nth) => (nth === 1 ? senderRefused : { outcome: 'untried' })));
    const run = await onlyRun(mailing.id);
    expect(await db.select().from(attempts)).not.toContainEqual(
      expect.objectContaining({ status: 'unknown' }),
    );
    expect(await countsOf(run.id)).toMatchObject({ queued: 4, attemptsUnknown: 0 });
  });
});

describe('an engine that dies or freezes', () => {
  async function dieAfterIntent() {
    const clients = await createClients(db, actor, 10);
    const mailing = await createMailing(db, actor, { clients });
    await startRun(actor, { mailingId: mailing.id }, db, clock);
    await db.update(mailings).set({ nextSlotAt: null }).where(eq(mailings.id, mailing.id));
    const holder = randomUUID();
    const batch = await claimBatch({
      holder,
      transport: 'played',
      limit: 10,
      leaseSeconds: 60,
      idempotencyKey: null,
      now: start,
    });
    if (!batch) throw new Error('nothing claimed');
    const ids = batch.deliveries.slice(0, 4).map((delivery) => delivery.id);
    const intents = await intend({
      batch,
      deliveryIds: ids,
      leaseSeconds: 60,
      digest: null,
      now: start,
    });
    return { mailing, holder, batch, intents };
  }
  /** That the server took them all, with these words. */
  const taken = (intents: Intents, response: string) =>
    [...intents].map((deliveryId) => ({
      deliveryId,
      attempt: { status: 'success' as const, code: 250, response, stage: 'dot', kind: null },
      delivery: 'sent' as const,
      reason: null,
      countsAsTry: true,
      nextTryAt: null,
    }));
  const leaseRunsOut = () => db.execute(sql`update batches set leased_until = now() - interval '1 second'`);

  it('what it had handed over is unknown, what it had only claimed is sent by the next one', async () => {
    const { mailing } = await dieAfterIntent();
    const server = playedTransport();
    expect((await pass(server)).claimed).toBe(0);
    await leaseRunsOut();
    expect(await pass(server)).toMatchObject({ claimed: 6, sent: 6, unknown: 4, remaining: 0 });
    const run = await onlyRun(mailing.id);
    expect(run.status).toBe('partly_done');
    expect(await countsOf(run.id)).toMatchObject({
      total: 10,
      sent: 6,
      unknown: 4,
      attemptsUnknown: 4,
      attemptsSucceeded: 6,
    });
  });

  it('each letter it had handed over is listed with an attempt that says when, and that nobody knows', async () => {
    const { intents } = await dieAfterIntent();
    await leaseRunsOut();
    await pass(playedTransport());
    const open = await db.select().from(attempts).where(eq(attempts.status, 'unknown'));
    expect(open.map(({ deliveryId }) => deliveryId).toSorted()).toEqual([...intents].toSorted());
    expect(
      open.every(
        ({ attemptedAt, transport, response }) =>
          +attemptedAt === +start && transport === 'played' && response === '',
      ),
    ).toBe(true);
    await pass(playedTransport());
    expect(await db.$count(attempts, eq(attempts.status, 'unknown'))).toBe(4);
  });

  it('nothing more of its batch goes out while something is on its way that nobody has recorded', async () => {
    const { batch, holder } = await dieAfterIntent();
    const rest = {
      batch,
      deliveryIds: batch.deliveries.slice(4).map(({ id }) => id),
      leaseSeconds: 60,
      digest: null,
      now: start,
    };
    expect(await intend(rest)).toEqual(new Set());
    await endBatch(batch.id, holder, start);
    const server = playedTransport();
    expect((await pass(server)).claimed).toBe(0);
    expect(server.handed).toEqual([]);
  });

  it('one that waits for a slow server keeps its lease for longer than a lease lasts', async () => {
    await createClients(db, actor, 1);
    await createMailing(db, actor);
    const slow = playedTransport(async () => {
      await new Promise((resolve) => setTimeout(resolve, 7000));
      return accepted;
    });
    const other = playedTransport();
    const settings = { SEND_LEASE_SECONDS: '5' };
    const first = pass(slow, settings);
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(await pass(other, settings)).toMatchObject({ sent: 0, unknown: 0 });
    expect((await first).sent).toBe(1);
  });

  it('one whose connection broke may record the same again, and it counts once', async () => {
    const { mailing, batch, intents } = await dieAfterIntent();
    const outcomes = taken(intents, 'taken');
    const record = { batch, leaseSeconds: 60, outcomes, next: null, now: start };
    expect((await recordOutcomes(record)).isMine).toBe(true);
    expect((await recordOutcomes(record)).isMine).toBe(true);
    const run = await onlyRun(mailing.id);
    const [tally] = await db.select().from(runTallies).where(eq(runTallies.runId, run.id));
    expect(tally).toMatchObject({
      total: 10,
      sent: 4,
      sending: 6,
      queued: 0,
      attemptsSucceeded: 4,
      attemptsUnknown: 0,
    });
    expect(
      (await deliveriesOf(run.id)).filter((one) => one.status === 'sent').map((one) => one.tries),
    ).toEqual([1, 1, 1, 1]);
  });

  it('one that wakes after its lease ended writes nothing over the new state', async () => {
    const { batch, intents } = await dieAfterIntent();
    await leaseRunsOut();
    await pass(playedTransport());
    const outcomes = taken(intents, 'late');
    const late = { batch, leaseSeconds: 60, outcomes, next: null, now: start };
    expect((await recordOutcomes(late)).isMine).toBe(false);
    expect(
      (
        await intend({
          batch,
          deliveryIds: batch.deliveries.map((d) => d.id),
          leaseSeconds: 60,
          digest: null,
          now: start,
        })
      ).size,
    ).toBe(0);
    expect(await db.select().from(attempts).where(eq(attempts.response, 'late'))).toHaveLength(0);
  });
});

describe('while a run is being sent', () => {
  /** Runs `meanwhile` when the first letter is on the wire; batches of ten, so that later claims can notice. */
  function interrupted(meanwhile: () => Promise<unknown>) {
    let done: Promise<unknown> | null = null;
    return playedTransport(async () => {
      done ??= meanwhile();
      await done;
      return accepted;
    });
  }
  const small = { SEND_BATCH: '10' };

  it('pause holds it, and resume sends the rest', async () => {
    await createClients(db, actor, 100);
    const mailing = await createMailing(db, actor);
    const server = interrupted(() => pauseMailing(actor, { mailingId: mailing.id }, db, clock));
    const first = await pass(server, small);
    expect(first.sent).toBeLessThanOrEqual(10);
    expect((await pass(server, small)).sent).toBe(0);
    expect(await resumeMailing(actor, { mailingId: mailing.id })).toMatchObject({ ok: true });
    expect((await pass(server, small)).sent).toBe(100 - first.sent);
    expect(new Set(server.handed.map(({ letter }) => letter.to.address)).size).toBe(100);
  });

  it('stop cancels what is unsent and completes the mailing', async () => {
    await createClients(db, actor, 100);
    const mailing = await createMailing(db, actor, { periodicity: 'daily' });
    const server = interrupted(() => stopMailing(actor, { mailingId: mailing.id }, db, clock));
    const { sent } = await pass(server, small);
    expect(sent).toBeLessThanOrEqual(10);
    const run = await onlyRun(mailing.id);
    expect(run.status).toBe('stopped');
    expect(await countsOf(run.id)).toMatchObject({ total: 100, sent, cancelled: 100 - sent });
    expect(await statusOf(mailing.id)).toBe('completed');
    clock.set(days(3));
    expect((await pass(server)).runsOpened).toBe(0);
  });

  it('a disable and a block of the owner let nothing more out', async () => {
    const manager = asActor(await createUser(db, { isStaff: true }));
    await createClients(db, actor, 100);
    const mailing = await createMailing(db, actor);
    const server = interrupted(() =>
      disableMailing(manager, { mailingId: mailing.id, reason: 'spam' }, db, clock),
    );
    const first = await pass(server, small);
    expect(first.sent).toBeLessThanOrEqual(10);
    expect((await pass(server, small)).sent).toBe(0);
    expect(await startRun(actor, { mailingId: mailing.id }, db, clock)).toMatchObject({
      ok: false,
      error: { code: 'mailing_disabled' },
    });
    await enableMailing(manager, { mailingId: mailing.id }, db, clock);
    await db.update(users).set({ blockedAt: start, blockedReason: 'spam' }).where(eq(users.id, actor.id));
    expect((await pass(server, small)).sent).toBe(0);
    await db.update(users).set({ blockedAt: null, blockedReason: null }).where(eq(users.id, actor.id));
    expect((await pass(server, small)).sent).toBe(100 - first.sent);
  });

  it('nothing leaves after the end of the mailing: the rest is expired', async () => {
    await createClients(db, actor, 100);
    const mailing = await createMailing(db, actor, { endsAt: hours(1) });
    const server = interrupted(async () => clock.set(hours(1)));
    const { sent } = await pass(server, small);
    expect(sent).toBeLessThanOrEqual(10);
    const run = await onlyRun(mailing.id);
    expect(run.status).toBe('partly_done');
    expect(await countsOf(run.id)).toMatchObject({ sent, expired: 100 - sent });
    expect(await statusOf(mailing.id)).toBe('completed');
  });

  it('a client who unsubscribes does not get it any more, and one added later does not get this run', async () => {
    const clients = await createClients(db, actor, 30);
    const last = clients[29];
    const mailing = await createMailing(db, actor);
    const server = interrupted(async () => {
      await db
        .insert(suppressions)
        .values({ ownerId: actor.id, emailKey: last?.emailKey ?? '', reason: 'unsubscribed' });
      await createClient(db, actor, { email: 'late@clients.example' });
    });
    await pass(server, small);
    const to = server.handed.map(({ letter }) => letter.to.address);
    expect(to).toHaveLength(29);
    expect(to).not.toContain(last?.email);
    expect(to).not.toContain('late@clients.example');
    expect(await countsOf((await onlyRun(mailing.id)).id)).toMatchObject({ total: 30, skipped: 1, sent: 29 });
  });
});

describe('repeating mailings', () => {
  it('each slot comes once at its wall-clock time while the clock moves on', async () => {
    await createClients(db, actor, 1);
    const mailing = await createMailing(db, actor, {
      periodicity: 'weekly',
      startsLocal: '2026-03-15T09:00',
      zone: 'Europe/Berlin',
      startsAt: new Date('2026-03-15T08:00:00Z'),
    });
    const server = playedTransport();
    for (
      let at = Date.parse('2026-03-15T00:00:00Z');
      at < Date.parse('2026-04-10T00:00:00Z');
      at += 6 * 3600_000
    ) {
      clock.set(new Date(at));
      await pass(server);
    }
    expect((await runsOf(mailing.id)).map((run) => [run.slotAt?.toISOString(), run.status])).toEqual([
      ['2026-03-15T08:00:00.000Z', 'done'],
      ['2026-03-22T08:00:00.000Z', 'done'],
      ['2026-03-29T07:00:00.000Z', 'done'],
      ['2026-04-05T07:00:00.000Z', 'done'],
    ]);
    expect(server.handed).toHaveLength(4);
    expect(await statusOf(mailing.id)).toBe('running');
  });

  it('after a downtime the latest slot is sent, older ones are noted as missed, and there is no burst', async () => {
    await createClients(db, actor, 1);
    const mailing = await createMailing(db, actor, { periodicity: 'daily' });
    const server = playedTransport();
    await pass(server);
    clock.set(new Date(days(5).getTime() + 3600_000));
    await pass(server);
    expect((await runsOf(mailing.id)).map((run) => run.status)).toEqual([
      'done',
      'missed',
      'missed',
      'missed',
      'missed',
      'done',
    ]);
    expect(server.handed).toHaveLength(2);
  });

  it('a slot 24 hours late or more is missed; the first slot of a mailing is sent at any lateness', async () => {
    await createClients(db, actor, 1);
    const weekly = await createMailing(db, actor, { periodicity: 'weekly' });
    const server = playedTransport();
    clock.set(days(3));
    await pass(server);
    expect((await runsOf(weekly.id)).map((run) => run.status)).toEqual(['done']);
    clock.set(days(8));
    await pass(server);
    expect((await runsOf(weekly.id)).map((run) => run.status)).toEqual(['done', 'missed']);
  });

  it('a slot that comes while the run before it is open waits for it', async () => {
    await createClients(db, actor, 2);
    const mailing = await createMailing(db, actor, { periodicity: 'daily' });
    let isDown = true;
    const server = playedTransport(undefined, {
      ready: () => (isDown ? { waitCode: 'unreachable', response: '' } : null),
    });
    await pass(server);
    clock.set(days(1));
    await pass(server);
    expect(await runsOf(mailing.id)).toHaveLength(1);
    isDown = false;
    clock.set(hours(30));
    await pass(server);
    await pass(server);
    expect((await runsOf(mailing.id)).map((run) => [run.slotAt?.toISOString(), run.status])).toEqual([
      [start.toISOString(), 'done'],
      [days(1).toISOString(), 'done'],
    ]);
  });

  it('a paused mailing catches up by the rule when it is resumed, and ends while it is paused', async () => {
    await createClients(db, actor, 1);
    const mailing = await createMailing(db, actor, { periodicity: 'daily', endsAt: days(6) });
    const server = playedTransport();
    await pass(server);
    await pauseMailing(actor, { mailingId: mailing.id }, db, clock);
    clock.set(new Date(days(3).getTime() + 60_000));
    expect((await pass(server)).runsOpened).toBe(0);
    await resumeMailing(actor, { mailingId: mailing.id });
    expect((await pass(server)).sent).toBe(1);
    expect((await runsOf(mailing.id)).map((run) => run.status)).toEqual(['done', 'missed', 'missed', 'done']);
    await pauseMailing(actor, { mailingId: mailing.id }, db, clock);
    clock.set(days(7));
    await pass(server);
    expect(await statusOf(mailing.id)).toBe('completed');
    expect((await runsOf(mailing.id)).map((run) => run.status)).toEqual([
      'done',
      'missed',
      'missed',
      'done',
      'missed',
      'missed',
    ]);
  });

  it('slots that came while a manager had disabled it are not sent, and an old open run is cancelled', async () => {
    const manager = asActor(await createUser(db, { isStaff: true }));
    await createClients(db, actor, 2);
    const mailing = await createMailing(db, actor, { periodicity: 'daily' });
    const down = playedTransport(undefined, { ready: () => ({ waitCode: 'unreachable', response: '' }) });
    await pass(down);
    await disableMailing(manager, { mailingId: mailing.id, reason: 'asked to' }, db, clock);
    clock.set(new Date(days(2).getTime() + 60_000));
    await pass(down);
    await enableMailing(manager, { mailingId: mailing.id }, db, clock);
    const server = playedTransport();
    await pass(server);
    expect((await runsOf(mailing.id)).map((run) => run.status)).toEqual(['partly_done', 'missed', 'missed']);
    expect(server.handed).toHaveLength(0);
    clock.set(days(3));
    expect((await pass(server)).sent).toBe(2);
  });
});

describe('manual runs and finishing', () => {
  it('"send now" works while the mailing is paused or completed, does not move the series, and pressing twice returns the open run', async () => {
    await createClients(db, actor, 1);
    const mailing = await createMailing(db, actor, { periodicity: 'daily', startsAt: days(1) });
    await pauseMailing(actor, { mailingId: mailing.id }, db, clock);
    const first = await startRun(actor, { mailingId: mailing.id }, db, clock);
    const second = await startRun(actor, { mailingId: mailing.id }, db, clock);
    expect(first).toMatchObject({ ok: true, data: { isNew: true } });
    expect(second).toMatchObject({
      ok: true,
      data: { isNew: false, runId: first.ok ? first.data.runId : 0 },
    });
    const server = playedTransport();
    expect((await pass(server)).sent).toBe(1);
    const [row] = await db.select().from(mailings).where(eq(mailings.id, mailing.id));
    expect([row?.nextSlotAt?.toISOString(), row?.status]).toEqual([days(1).toISOString(), 'running']);
  });

  it('finish sends exactly to the outcomes chosen, with the same letter and the same Message-ID', async () => {
    const clients = await createClients(db, actor, 6);
    const mailing = await createMailing(db, actor);
    const server = playedTransport((letter) => {
      const nth = clients.findIndex((client) => client.email === letter.to.address);
      return nth < 2 ? refusedForGood : nth < 4 ? noAnswer : accepted;
    });
    await pass(server);
    const run = await onlyRun(mailing.id);
    expect(await statusOf(mailing.id)).toBe('completed');
    const again = playedTransport();
    expect(await finishRun(actor, { mailingId: mailing.id, outcomes: ['failed'] }, db, clock)).toMatchObject({
      ok: true,
      data: { runId: run.id, requeued: 2 },
    });
    expect(await statusOf(mailing.id)).toBe('running');
    expect((await pass(again)).sent).toBe(2);
    const ids = (list: typeof server.handed) =>
      list
        .filter(({ letter }) => letter.to.address === clients[0]?.email)
        .map(({ letter }) => letter.messageId);
    expect(ids(again.handed)).toEqual(ids(server.handed));
    expect(await countsOf(run.id)).toMatchObject({ sent: 4, unknown: 2, failed: 0 });
    expect([(await onlyRun(mailing.id)).status, await statusOf(mailing.id)]).toEqual([
      'partly_done',
      'completed',
    ]);
    expect(await finishRun(actor, { mailingId: mailing.id, outcomes: ['expired'] }, db, clock)).toMatchObject(
      {
        ok: false,
        error: { code: 'nothing_to_finish' },
      },
    );
  });

  it("nobody but the owner starts, pauses, stops or finishes a mailing: another's does not exist", async () => {
    const mailing = await createMailing(db, actor);
    const stranger = asActor(await createUser(db));
    const manager = asActor(await createUser(db, { isStaff: true }));
    for (const who of [stranger, manager])
      for (const result of [
        await startRun(who, { mailingId: mailing.id }, db, clock),
        await pauseMailing(who, { mailingId: mailing.id }, db, clock),
        await resumeMailing(who, { mailingId: mailing.id }),
        await stopMailing(who, { mailingId: mailing.id }, db, clock),
        await finishRun(who, { mailingId: mailing.id, outcomes: ['failed'] }, db, clock),
      ])
        expect(result).toMatchObject({ ok: false, error: { code: 'not_found' } });
    expect(await disableMailing(stranger, { mailingId: mailing.id, reason: 'x' }, db, clock)).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
  });
});

describe('a transport that repeats safely', () => {
  const unanswered = { repeatsSafely: true, batchMax: 100 };

  it('a batch without an answer is repeated with the same key and the same bytes, and nobody is unknown', async () => {
    await createClients(db, actor, 3);
    const mailing = await createMailing(db, actor);
    let isHanging = true;
    const server = playedTransport(() => (isHanging ? noAnswer : accepted), unanswered);
    expect(await pass(server)).toMatchObject({ unknown: 0, remaining: 3 });
    isHanging = false;
    clock.set(hours(1));
    expect((await pass(server)).sent).toBe(3);
    expect(server.handed).toHaveLength(6);
    expect(new Set(server.handed.map(({ key }) => key)).size).toBe(1);
    const bodies = server.handed.map(({ letter }) =>
      JSON.stringify([letter.to, letter.subject, letter.html]),
    );
    expect(bodies.slice(0, 3)).toEqual(bodies.slice(3));
    expect((await onlyRun(mailing.id)).status).toBe('done');
  });

  it('so is each batch of a long run, whichever it follows: one key a client, the same bytes under it, nobody unknown', async () => {
    await createClients(db, actor, 60);
    const mailing = await createMailing(db, actor);
    let isHanging = true;
    const answered = new Set<string | undefined>();
    // Slow enough that a batch has been claimed before the one it follows is answered.
    const server = playedTransport(
      async (_letter, nth) => {
        const key = server.handed[nth - 1]?.key;
        if (answered.size < 4) answered.add(key);
        await afterMs(4);
        return isHanging && !answered.has(key) ? noAnswer : accepted;
      },
      { ...unanswered, batchMax: 5 },
    );
    expect(await pass(server)).toMatchObject({ unknown: 0 });
    const first = [...server.handed];
    isHanging = false;
    clock.set(hours(1));
    expect(await pass(server)).toMatchObject({ unknown: 0, remaining: 0 });
    expect((await onlyRun(mailing.id)).status).toBe('done');
    const before = new Map(first.map(({ letter, key }) => [letter.to.address, [key, letter.html]]));
    expect([first.length, before.size]).toEqual([60, 60]);
    const again = server.handed.slice(first.length);
    expect(again).toHaveLength(40);
    for (const { letter, key } of again) expect([key, letter.html]).toEqual(before.get(letter.to.address));
  });

  it('a batch whose bytes are others now is not repeated, also behind one that is, and no attempt is written that was not made', async () => {
    await createClients(db, actor, 30);
    const [same, changed] = [await createMailing(db, actor), await createMailing(db, actor)];
    let isHanging = true;
    const server = playedTransport(() => afterMs(4).then(() => (isHanging ? noAnswer : accepted)), {
      ...unanswered,
      batchMax: 5,
    });
    await pass(server);
    const [kept, other] = [await onlyRun(same.id), await onlyRun(changed.id)];
    await db.update(runs).set({ body: '<p>Other words</p>' }).where(eq(runs.id, other.id));
    isHanging = false;
    clock.set(hours(1));
    expect(await pass(server)).toMatchObject({ sent: 30, unknown: 30, remaining: 0 });
    expect((await deliveriesOf(kept.id)).every((row) => row.status === 'sent')).toBe(true);
    const rows = await deliveriesOf(other.id);
    expect(rows.every((row) => row.status === 'unknown' && row.reason === 'letter_changed')).toBe(true);
    expect(await db.select().from(attempts).where(eq(attempts.runId, other.id))).toHaveLength(30);
  });

  it('after 24 hours the key is no good any more: unknown, and not repeated', async () => {
    await createClients(db, actor, 2);
    const mailing = await createMailing(db, actor);
    const server = playedTransport(() => noAnswer, unanswered);
    await pass(server);
    clock.set(hours(25));
    await pass(server);
    expect(server.handed).toHaveLength(2);
    expect(
      (await deliveriesOf((await onlyRun(mailing.id)).id)).map((row) => [row.status, row.reason]),
    ).toEqual([
      ['unknown', 'key_expired'],
      ['unknown', 'key_expired'],
    ]);
  });

  it('where a gate closed meanwhile it is not repeated but unknown', async () => {
    const [first] = await createClients(db, actor, 2);
    const mailing = await createMailing(db, actor);
    const server = playedTransport(() => noAnswer, unanswered);
    await pass(server);
    await db
      .insert(suppressions)
      .values({ ownerId: actor.id, emailKey: first?.emailKey ?? '', reason: 'unsubscribed' });
    clock.set(hours(1));
    await pass(server);
    expect(server.handed).toHaveLength(2);
    const rows = await deliveriesOf((await onlyRun(mailing.id)).id);
    expect(rows.every((row) => row.status === 'unknown' && row.reason === 'not_repeated')).toBe(true);
  });
});

describe('rates', () => {
  it('the daily limit makes the transport wait until the next UTC day, and nobody is dropped', async () => {
    await createClients(db, actor, 25);
    await createMailing(db, actor);
    const server = playedTransport();
    expect(await pass(server, { SEND_PER_DAY: '10' })).toMatchObject({ sent: 10, remaining: 15 });
    const [waiting] = await db.select().from(transports);
    expect([waiting?.waitCode, waiting?.waitsUntil?.toISOString()]).toEqual([
      'quota_daily',
      '2026-01-06T00:00:00.000Z',
    ]);
    clock.set(new Date('2026-01-06T00:00:01Z'));
    expect((await pass(server, { SEND_PER_DAY: '10' })).sent).toBe(10);
  });

  it('no more letters leave in a second than the rate allows, whoever sends them', async () => {
    await createClients(db, actor, 60);
    await createMailing(db, actor);
    const began = performance.now();
    // Time runs twenty times as fast.
    const fast = { now: () => new Date(start.getTime() + (performance.now() - began) * 20) };
    const left: number[] = [];
    const settings = parseEnv({ ...process.env, SEND_PER_SECOND: '50' });
    const engine = () =>
      sendDueMailings({
        clock: fast,
        deadline: new Date('2999-01-01'),
        transport: playedTransport(() => {
          left.push(fast.now().getTime());
          return accepted;
        }),
        settings,
      });
    await Promise.all([engine(), engine(), engine()]);
    expect(left).toHaveLength(60);
    // What a tenth of a second lets out may leave at once; the rest of a second's share is spread over it.
    for (const from of left)
      expect(left.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(55);
    expect(Math.max(...left) - Math.min(...left)).toBeGreaterThanOrEqual(1000);
  });

  it('a server that says "slow down" gets half as many letters a second, and twice as many with each minute after', async () => {
    await createClients(db, actor, 200);
    await createMailing(db, actor);
    const server = playedTransport((_letter, nth) => (nth === 50 ? senderRefused : accepted));
    const { sent } = await pass(server);
    const [slowed] = await db.select().from(transports);
    const rate = slowed?.slowRate ?? 0;
    expect(rate).toBeGreaterThanOrEqual(20);
    expect(rate).toBeLessThanOrEqual(sent / 2);
    const until = slowed?.waitsUntil ?? start;
    clock.set(until);
    const { granted } = await takeAllowance('played', 1000, false, unlimited, clock.now());
    expect(granted).toBe(Math.floor(rate / 10));
    const rateAt = async (minutes: number) => {
      clock.set(new Date(until.getTime() + minutes * 60_000));
      return (await takeAllowance('played', 1000, false, unlimited, clock.now())).granted;
    };
    expect(await rateAt(1)).toBe(Math.floor((rate * 2) / 10));
    expect(await rateAt(3)).toBe(Math.floor((rate * 8) / 10));
    expect(await rateAt(30)).toBe(1000);
  });
});

const unlimited = { perSecond: null, perDay: null };
