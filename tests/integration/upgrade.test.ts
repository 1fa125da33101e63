import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { closeDatabase, db } from '@/db/client';
import { fixedClock } from '@/lib/clock';
import type { Transport } from '@/lib/email/transport';
import { parseEnv } from '@/lib/env';
import { compileLetter } from '@/lib/sending/compose';
import { sendDueMailings } from '@/lib/sending/engine';
import { getFrozenRun } from '@/lib/sending/ledger';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { recount } from '../support/ledger';
import { createOldDatabase } from '../support/old-database';
import { playedTransport } from '../support/transport';

/*
 * Mailroom is upgraded in the middle of everything: a database that an older version left, with a row of every kind that one could
 * leave behind, is brought to the newest schema, and the engine goes on with it.
 */

const now = new Date();
const minutes = (n: number) => new Date(now.getTime() + n * 60_000);

let old: { url: string; drop: () => Promise<void> };
let raw: postgres.Sql;
let ownerId: number;

/** A delivery as the old version kept it. */
type Left = {
  status: 'queued' | 'sending' | 'sent' | 'failed' | 'skipped' | 'expired' | 'cancelled' | 'unknown';
  batch?: number;
  reason?: string;
  tries?: number;
  nextTryAt?: Date;
  /** Its attempts, the last of them in its batch. */
  attempts?: ('success' | 'failure' | 'unknown')[];
};

async function insert(table: string, row: Record<string, unknown>): Promise<number> {
  const [made] = await raw<{ id: string }[]>`insert into ${raw(table)} ${raw(row)} returning id`;
  return Number(made?.id);
}

/** A run of a mailing of its own. */
async function leaveRun(name: string, run: Record<string, unknown> = {}): Promise<number> {
  const messageId = await insert('messages', { owner_id: ownerId, subject: name, body: '<p>Hello</p>' });
  const status = run.status ?? 'open';
  const mailingId = await insert('mailings', {
    ...{ owner_id: ownerId, name, message_id: messageId, audience: 'all', periodicity: 'once' },
    ...{ starts_local: '2026-01-05T09:00', zone: 'UTC', starts_at: '2026-01-05T09:00:00Z' },
    ...{ status: status === 'open' ? 'running' : 'completed', paused_at: run.paused_at ?? null },
  });
  return insert('runs', {
    ...{ mailing_id: mailingId, owner_id: ownerId, kind: 'scheduled', slot_at: minutes(-60), status },
    ...{ subject: name, body: '<p>Hello {{ client.full_name }}</p>', from_name: 'Ada Lovelace' },
    ...{
      from_email: 'mailroom@sender.example',
      reply_to: 'ada@mail.org',
      link_base: 'http://localhost:3000',
    },
    ...{
      opened_at: minutes(-60),
      served_at: minutes(-30),
      closed_at: status === 'open' ? null : minutes(-20),
    },
    ...run,
  });
}

const leaveBatch = (runId: number, batch: Record<string, unknown> = {}) =>
  insert('batches', {
    ...{ run_id: runId, transport: 'smtp:played', holder: 'an engine of the old version' },
    ...{ leased_until: minutes(-10), ...batch },
  });

/** The deliveries of a run, by the name that stands before the @ of each address. */
async function leave(runId: number, left: Record<string, Left>): Promise<void> {
  const [run] = await raw<{ mailing_id: string }[]>`select mailing_id from runs where id = ${runId}`;
  for (const [name, { status, batch, reason, tries, nextTryAt, attempts = [] }] of Object.entries(left)) {
    const email = `${name}@mail.org`;
    const clientId = await insert('clients', {
      ...{ owner_id: ownerId, email, email_key: email, full_name: name },
    });
    const deliveryId = await insert('deliveries', {
      ...{ run_id: runId, client_id: clientId, email, full_name: name, status, reason: reason ?? null },
      ...{ tries: tries ?? 0, next_try_at: nextTryAt ?? null, batch_id: batch ?? null },
      ended_at: status === 'queued' || status === 'sending' ? null : minutes(-25),
    });
    for (const [index, attempt] of attempts.entries())
      await insert('attempts', {
        ...{ delivery_id: deliveryId, run_id: runId, mailing_id: run?.mailing_id, owner_id: ownerId },
        ...{ batch_id: index === attempts.length - 1 ? batch : await leaveBatch(runId, ended) },
        ...{ attempted_at: minutes(-26), status: attempt, transport: 'smtp:played' },
      });
  }
}
const ended = { ended_at: minutes(-25) };

let running: number;
let paused: number;
let stopped: number;
let closed: number;
let overResend: number;
let done: number;
let anEngineLives: number;

const smtp = playedTransport(undefined, { name: 'smtp:played' });
const resend = playedTransport(undefined, { name: 'resend:played', repeatsSafely: true });

beforeAll(async () => {
  old = await createOldDatabase(inject('postgresUrl'), '0004_plan_client_counts_anew');
  process.env.DATABASE_URL = old.url;
  raw = postgres(old.url, { max: 1, onnotice: () => {} });
  ownerId = await insert('users', {
    ...{ email: 'ada@mail.org', email_key: 'ada@mail.org', name: 'Ada Lovelace', password_hash: 'none' },
    confirmed_at: minutes(-9999),
  });

  running = await leaveRun('Running');
  const over = await leaveBatch(running, ended);
  const lost = await leaveBatch(running);
  anEngineLives = await leaveBatch(running, { leased_until: minutes(60) });
  await leave(running, {
    'a-sent': { status: 'sent', batch: over, tries: 1, attempts: ['success'] },
    'a-sent-in-lost-batch': { status: 'sent', batch: lost, tries: 1, attempts: ['success'] },
    'a-failed': { status: 'failed', batch: over, reason: 'refused', tries: 1, attempts: ['failure'] },
    'a-skipped': { status: 'skipped', reason: 'unsubscribed' },
    'a-skipped-at-retry': {
      status: 'skipped',
      batch: over,
      reason: 'unsubscribed',
      tries: 1,
      nextTryAt: minutes(-28),
    },
    'a-unknown': { status: 'unknown', batch: over, reason: 'no_answer', tries: 1, attempts: ['unknown'] },
    'a-unknown-at-retry': {
      ...{ status: 'unknown', batch: over, reason: 'engine_died', tries: 1, nextTryAt: minutes(-28) },
      attempts: ['failure', 'unknown'],
    },
    'a-retry-due': { status: 'queued', batch: over, tries: 1, nextTryAt: minutes(-1), attempts: ['failure'] },
    'a-retry-later': {
      status: 'queued',
      batch: over,
      tries: 2,
      nextTryAt: minutes(50),
      attempts: ['failure', 'failure'],
    },
    'a-untouched': { status: 'queued' },
    'a-given-back': { status: 'queued', batch: over },
    'a-handed-over-and-lost': { status: 'sending', batch: lost, attempts: ['unknown'] },
    'a-claimed-and-lost': { status: 'sending', batch: lost },
    'a-retried-and-lost': { status: 'sending', batch: lost, tries: 1, nextTryAt: minutes(-28) },
    'a-put-off-and-lost': { status: 'queued', batch: lost, attempts: ['failure'] },
    'a-with-an-engine': { status: 'sending', batch: anEngineLives },
    'a-handed-over-and-batch-ended': { status: 'sending', batch: over, attempts: ['unknown'] },
  });

  paused = await leaveRun('Paused', { paused_at: minutes(-15) });
  const pausedBatch = await leaveBatch(paused);
  await leave(paused, {
    'b-untouched': { status: 'queued' },
    'b-retry': { status: 'queued', tries: 1, nextTryAt: minutes(-5) },
    'b-claimed-and-lost': { status: 'sending', batch: pausedBatch },
    'b-sent': { status: 'sent', batch: pausedBatch, tries: 1, attempts: ['success'] },
  });

  stopped = await leaveRun('Stopped', { stopped_at: minutes(-15) });
  const stoppedBatch = await leaveBatch(stopped);
  await leave(stopped, {
    'c-cancelled': { status: 'cancelled', reason: 'stopped' },
    'c-claimed-and-lost': { status: 'sending', batch: stoppedBatch },
    'c-handed-over-and-lost': { status: 'sending', batch: stoppedBatch, attempts: ['unknown'] },
  });

  closed = await leaveRun('Closed', { status: 'partly_done' });
  const closedBatch = await leaveBatch(closed, ended);
  await leave(closed, {
    'd-sent': { status: 'sent', batch: closedBatch, tries: 1, attempts: ['success'] },
    'd-expired': { status: 'expired', reason: 'deadline_passed', tries: 1, nextTryAt: minutes(-25) },
    'd-cancelled': { status: 'cancelled', reason: 'stopped' },
    'd-unknown': { status: 'unknown', batch: closedBatch, reason: 'engine_died', attempts: ['unknown'] },
  });
  done = await leaveRun('Done', { status: 'done' });
  await leave(done, {
    'f-sent': {
      status: 'sent',
      batch: await leaveBatch(done, ended),
      tries: 2,
      attempts: ['failure', 'success'],
    },
  });
  await leaveRun('Missed', { status: 'missed' });

  overResend = await leaveRun('Resend');
  const tried = { transport: 'resend:played', first_tried_at: minutes(-20) };
  const held = await leaveBatch(overResend, { ...tried, idempotency_key: 'held' });
  const waits = await leaveBatch(overResend, {
    ...{ ...tried, idempotency_key: 'waits', holder: null, repeat_at: minutes(-2), repeats: 1 },
  });
  const unused = await leaveBatch(overResend, { transport: 'resend:played', idempotency_key: 'unused' });
  const stale = await leaveBatch(overResend, {
    ...{
      ...tried,
      idempotency_key: 'stale',
      holder: null,
      repeat_at: minutes(-2),
      first_tried_at: minutes(-25 * 60),
    },
  });
  await leave(overResend, {
    'e-held-1': { status: 'sending', batch: held, attempts: ['unknown'] },
    'e-held-2': { status: 'sending', batch: held, attempts: ['unknown'] },
    'e-waits-1': { status: 'sending', batch: waits, attempts: ['unknown'] },
    'e-waits-2': { status: 'sending', batch: waits, attempts: ['unknown'] },
    'e-unused': { status: 'sending', batch: unused },
    'e-stale': { status: 'sending', batch: stale, attempts: ['unknown'] },
    'e-untouched': { status: 'queued' },
  });
  for (const batch of [held, waits])
    await raw`update batches set digest = ${await digestOf(batch)} where id = ${batch}`;
  await closeDatabase();

  await migrateDatabase(old.url);
}, 60_000);
afterAll(async () => {
  await closeDatabase();
  await raw.end();
  await old.drop();
});

/** Of the letters of a batch as they were first handed over. */
async function digestOf(batch: number): Promise<string> {
  const members = await raw<{ id: string; email: string; full_name: string; run_id: string }[]>`
    select id, email, full_name, run_id from deliveries where batch_id = ${batch} order by id`;
  const letters = compileLetter(await getFrozenRun(Number(members[0]?.run_id)));
  return resend.digest(
    members.map(({ id, email, full_name }) =>
      letters.compose({ id: Number(id), email, fullName: full_name }),
    ),
  );
}

const pass = (transport: Transport, at: Date) =>
  sendDueMailings({
    clock: fixedClock(at),
    deadline: new Date('2999-01-01'),
    transport,
    settings: parseEnv({ ...process.env }),
  });

/** How the deliveries of a run stand, by the name before the @; `claimed` for what a batch holds. */
async function standing(runId: number): Promise<Record<string, string>> {
  const rows = await db.execute<{ name: string; status: string }>(sql`
    select d.full_name as name, case when c.delivery_id is null then d.status::text else 'claimed' end as status
    from deliveries d left join claimed_deliveries c on c.delivery_id = d.id where d.run_id = ${runId} order by d.id`);
  return Object.fromEntries(rows.map(({ name, status }) => [name, status]));
}
const statusOf = async (runId: number) =>
  (await db.execute<{ status: string }>(sql`select status from runs where id = ${runId}`))[0]?.status;
const recountAll = async () => {
  for (const runId of [running, paused, stopped, closed, done, overResend]) await recount(runId);
};
const handed = (transport: typeof smtp) =>
  transport.handed.map(({ letter }) => letter.to.address.split('@')[0]).toSorted();

describe('an upgrade in the middle of everything', () => {
  it('keeps every delivery and every count, and nobody is left out or held twice', async () => {
    expect(await standing(running)).toEqual({
      'a-sent': 'sent',
      'a-sent-in-lost-batch': 'sent',
      'a-failed': 'failed',
      'a-skipped': 'skipped',
      'a-skipped-at-retry': 'skipped',
      'a-unknown': 'unknown',
      'a-unknown-at-retry': 'unknown',
      'a-retry-due': 'queued',
      'a-retry-later': 'queued',
      'a-untouched': 'queued',
      'a-given-back': 'queued',
      'a-handed-over-and-lost': 'claimed',
      'a-claimed-and-lost': 'claimed',
      'a-retried-and-lost': 'claimed',
      'a-put-off-and-lost': 'claimed',
      'a-with-an-engine': 'claimed',
      'a-handed-over-and-batch-ended': 'unknown',
    });
    await recountAll();
    const unclear = await raw`
      select d.full_name, d.next_try_at, count(c.batch_id)::int as holders
      from deliveries d left join claimed_deliveries c on c.delivery_id = d.id
      where d.status = 'queued' group by d.id
      having count(c.batch_id) + (d.next_try_at is not null)::int <> 1`;
    expect([...unclear]).toEqual([]);
    expect([...(await raw`select conname from pg_constraint where not convalidated`)]).toEqual([]);
    const [retry] = await raw`select next_try_at, tries from deliveries where full_name = 'a-retry-later'`;
    expect(retry).toEqual({ next_try_at: minutes(50), tries: 2 });
  });

  it('lets the next pass mail once whoever is left, and nobody whose letter may have gone out before', async () => {
    await pass(smtp, minutes(1));
    expect(handed(smtp)).toEqual([
      'a-claimed-and-lost',
      'a-given-back',
      'a-put-off-and-lost',
      'a-retried-and-lost',
      'a-retry-due',
      'a-untouched',
      'e-untouched',
      'e-unused',
    ]);
    expect(await standing(running)).toMatchObject({
      'a-handed-over-and-lost': 'unknown',
      'a-handed-over-and-batch-ended': 'unknown',
      'a-retry-later': 'queued',
      'a-with-an-engine': 'claimed',
    });
    expect(await standing(stopped)).toEqual({
      'c-cancelled': 'cancelled',
      'c-claimed-and-lost': 'cancelled',
      'c-handed-over-and-lost': 'unknown',
    });
    expect(await statusOf(stopped)).toBe('stopped');
    expect(await standing(paused)).toEqual({
      'b-untouched': 'queued',
      'b-retry': 'queued',
      'b-claimed-and-lost': 'queued',
      'b-sent': 'sent',
    });
    await recountAll();
  });

  it('repeats what Resend may have under the same key, while the key is good', async () => {
    await pass(resend, minutes(2));
    expect(resend.handed.map(({ letter, key }) => [letter.to.address.split('@')[0], key]).toSorted()).toEqual(
      [
        ['e-held-1', 'held'],
        ['e-held-2', 'held'],
        ['e-waits-1', 'waits'],
        ['e-waits-2', 'waits'],
      ],
    );
    expect(await standing(overResend)).toMatchObject({
      'e-held-1': 'sent',
      'e-waits-2': 'sent',
      'e-stale': 'unknown',
      'e-unused': 'sent',
    });
    expect(await statusOf(overResend)).toBe('partly_done');
    await recountAll();
  });

  it('ends every run that was open once pauses are lifted, retries are due and old engines are gone', async () => {
    await raw`update runs set paused_at = null`;
    await raw`update mailings set paused_at = null`;
    await raw`update batches set leased_until = now() where id = ${anEngineLives}`;
    smtp.handed.length = 0;
    await pass(smtp, minutes(120));
    expect(handed(smtp)).toEqual([
      'a-retry-later',
      'a-with-an-engine',
      'b-claimed-and-lost',
      'b-retry',
      'b-untouched',
    ]);
    expect(await Promise.all([running, paused, closed, done].map(statusOf))).toEqual([
      'partly_done',
      'done',
      'partly_done',
      'done',
    ]);
    await recountAll();
  });
});
