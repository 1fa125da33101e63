import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { closeDatabase, db } from '@/db/client';
import { attempts, mailings } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { parseEnv } from '@/lib/env';
import { startRun } from '@/lib/runs/mutations';
import { sendDueMailings } from '@/lib/sending/engine';
import { rawConnection } from '../support/database';
import { type DatabaseWire, layDatabaseWire } from '../support/database-wire';
import { asActor, createClients, createMailing, createUser } from '../support/factories';
import { recount } from '../support/ledger';
import { accepted, noAnswer, playedTransport } from '../support/transport';

/*
 * What happens between two steps of an engine, while it waits for the database's answer: its lease runs out and nobody has noticed
 * yet when it goes on, or what it has taken up may not go any more.
 */

const start = new Date('2026-01-05T09:00:00Z');
/** When a batch without an answer may go again. */
const later = new Date('2026-01-05T10:00:00Z');
const many = 90;

/** Past the wire, which speaks to nobody while an answer waits. */
const raw = rawConnection();
let wire: DatabaseWire;

beforeAll(async () => {
  wire = await layDatabaseWire(process.env.DATABASE_URL ?? '');
  process.env.DATABASE_URL = wire.url;
});
beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
});
afterEach(() => {
  wire.answered = null;
});
afterAll(async () => {
  await closeDatabase();
  await raw.end();
  await wire.close();
});

/** Lets the lease of one batch run out when a statement that has `words` is done, before its engine hears so. */
function lapseAfter(words: string, find: () => Promise<number | undefined>): { batch: () => number } {
  let lapsed = 0;
  wire.answered = async ({ query }) => {
    if (lapsed > 0 || !query.includes(words)) return;
    const batch = await find();
    if (batch === undefined) return;
    lapsed = batch;
    await raw`update batches set leased_until = now() - interval '1 second' where id = ${batch}`;
  };
  return { batch: () => lapsed };
}

/** The nth batch, as soon as it is there. */
async function nthBatch(nth: number): Promise<number | undefined> {
  const [row] = await raw<{ id: string }[]>`select id from batches order by id offset ${nth - 1} limit 1`;
  return row && Number(row.id);
}

/** The batch of which it is written down that its letters had no answer. */
async function unansweredBatch(): Promise<number | undefined> {
  const [row] = await raw<{ batch_id: string }[]>`
    select batch_id from attempts where status = 'unknown' limit 1`;
  return row && Number(row.batch_id);
}

/** A mailing to `many` that is due, opened; answers its run. */
async function mailMany(): Promise<number> {
  const owner = await createUser(db);
  await createClients(db, owner, many);
  const mailing = await createMailing(db, owner);
  const opened = await startRun(asActor(owner), { mailingId: mailing.id }, db, fixedClock(start));
  await db.update(mailings).set({ nextSlotAt: null });
  return opened.ok ? opened.data.runId : 0;
}

function pass(
  transport: ReturnType<typeof playedTransport>,
  { now = start, signal }: { now?: Date; signal?: AbortSignal } = {},
) {
  return sendDueMailings({
    clock: fixedClock(now),
    deadline: new Date('2999-01-01'),
    transport,
    settings: parseEnv({ ...process.env, SEND_BATCH: '30' }),
    ...(signal ? { signal } : {}),
  });
}

/** Sends a mailing to `many` in claims of few; everybody is mailed by it in the end. */
async function send(transport: ReturnType<typeof playedTransport>) {
  const run = await mailMany();
  expect(await pass(transport)).toMatchObject({ sent: many, unknown: 0, failed: 0, remaining: 0 });
  expect(await recount(run)).toMatchObject({ total: many, sent: many, unknown: 0 });
}

describe('an engine whose lease has run out', () => {
  it.each([
    ['before its first letter', 1],
    ['on what it claimed while the letters before were on their way', 3],
  ])(
    '%s hands nothing of that claim over; its clients are mailed by the next claim, once',
    async (_, nth) => {
      const late = lapseAfter('claim_batch(', () => nthBatch(nth));
      const server = playedTransport();
      await send(server);
      const to = server.handed.map(({ letter }) => letter.to.address);
      expect(to).toHaveLength(many);
      expect(new Set(to).size).toBe(many);
      expect(late.batch()).toBeGreaterThan(0);
      const written = await db.select().from(attempts);
      expect(written.filter(({ batchId }) => batchId === late.batch())).toEqual([]);
    },
  );

  it('when it had no answer for a batch repeats that batch under its key, and mails nobody anew', async () => {
    const late = lapseAfter('record_outcomes(', unansweredBatch);
    const server = forgetfulServer();
    await send(server);
    expect(late.batch()).toBeGreaterThan(0);
    expectRepeatedUnderOneKey(server);
  });
});

describe('a batch that had no answer and is taken up again', () => {
  const once = (end: () => Promise<unknown>) => {
    let ended = false;
    wire.answered = async ({ query }) => {
      if (ended || !query.includes('repeats = b.repeats + 1')) return;
      ended = true;
      await end();
    };
    return () => ended;
  };

  it.each<[title: string, end: (stop: AbortController) => Promise<unknown>, begin: () => Promise<unknown>]>([
    [
      'but whose run is paused in that moment is repeated under its key after the resume',
      () => raw`update runs set paused_at = now()`,
      () => raw`update runs set paused_at = null`,
    ],
    [
      'by a pass that has to end in that moment is repeated under its key by the next',
      async (stop) => stop.abort(),
      async () => {},
    ],
  ])('%s, and nobody is mailed anew', async (_, end, begin) => {
    const server = forgetfulServer();
    const run = await mailMany();
    await pass(server);
    expect(await recount(run)).toMatchObject({ sent: many - 30, unknown: 0 });

    const stop = new AbortController();
    const isEnded = once(() => end(stop));
    await pass(server, { now: later, signal: stop.signal });
    expect(isEnded()).toBe(true);
    expect(server.handed).toHaveLength(many);

    await begin();
    await raw`update batches set leased_until = now() - interval '1 second' where ended_at is null`;
    await pass(server, { now: later });
    expect(await recount(run)).toMatchObject({ total: many, sent: many, unknown: 0 });
    expectRepeatedUnderOneKey(server);
  });
});

/** Takes batches under keys, and does not answer the first one at its first time. */
function forgetfulServer(): ReturnType<typeof playedTransport> {
  const server = playedTransport(
    () => {
      const [first] = server.handed;
      const isFirst = server.handed.at(-1)?.key === first?.key;
      return isFirst && server.handed.filter(({ key }) => key === first?.key).length <= 30
        ? noAnswer
        : accepted;
    },
    { repeatsSafely: true, batchMax: 30 },
  );
  return server;
}

/** The first batch was handed over twice, whole and under its key, and the others once. */
function expectRepeatedUnderOneKey(server: ReturnType<typeof playedTransport>) {
  const keys = new Map<string, (string | undefined)[]>();
  for (const { letter, key } of server.handed)
    keys.set(letter.to.address, [...(keys.get(letter.to.address) ?? []), key]);
  const [first] = server.handed;
  const twice = [...keys.values()].filter((each) => each.length > 1);
  expect(twice).toEqual(Array.from({ length: 30 }, () => [first?.key, first?.key]));
}
