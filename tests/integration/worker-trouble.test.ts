import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { closeDatabase, db } from '@/db/client';
import { attempts, clients } from '@/db/schema';
import { type Engine, type EngineKind, startEngine } from '../chaos/engines';
import { type Sink, startSmtpSink } from '../chaos/smtp-sink';
import { until } from '../chaos/trial';
import { rawConnection } from '../support/database';
import { type DatabaseWire, type Fate, layDatabaseWire, type Statement } from '../support/database-wire';
import { createMailing, createUser } from '../support/factories';
import { deliveriesOf, recount, runsOf } from '../support/ledger';

/*
 * A worker, a process of its own, in the middle of a run when its connections to the database break in ways that no query of its
 * own can answer for.
 */

const many = 400;
/** Letters that may be on disk as intents and not yet recorded. */
const recordWindow = 100;

const raw = rawConnection();
let wire: DatabaseWire;
let sink: Sink;
let worker: Engine;

beforeAll(async () => {
  wire = await layDatabaseWire(process.env.DATABASE_URL ?? '');
});
beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
  sink = await startSmtpSink({ latencyMs: 5, takesOrphans: true });
});
afterEach(async () => {
  worker.kill();
  await worker.ended;
  await sink.close();
});
afterAll(async () => {
  await raw.end();
  await wire.close();
});

/** A mailing that is due, to `many`; answers its id. */
async function mailMany() {
  const owner = await createUser(db);
  const addresses = Array.from({ length: many }, (_, index) => `c${index + 1}@mail.org`);
  await db
    .insert(clients)
    .values(
      addresses.map((email) => ({ ownerId: owner.id, email, emailKey: email, fullName: 'Grace Hopper' })),
    );
  const mailing = await createMailing(db, owner);
  // What happens to connections must not happen to ours.
  await closeDatabase();
  return mailing.id;
}

const start = (kind: EngineKind, settings: Record<string, string>) =>
  startEngine(kind, {
    DATABASE_URL: wire.url,
    AUTH_SECRET: 'a secret of the tests, long enough to be taken',
    APP_URL: 'https://mail.sender.test',
    EMAIL_FROM: 'mailroom@sender.test',
    SEND_LEASE_SECONDS: '5',
    SEND_CONNECTIONS: '2',
    SEND_BATCH: '200',
    ...sink.settings,
    ...settings,
  });

const isOver = async () => {
  const [row] = await raw<{ over: boolean }[]>`
    select exists (select 1 from runs) and not exists (select 1 from runs where status = 'open') as over`;
  return row?.over ?? false;
};

/** Lets a worker send a run to `many` while things happen to its connections, and holds what came of it against every promise. */
async function sendWhile({
  watch = null,
  settings = {},
}: {
  watch?: ((statement: Statement) => Fate) | null;
  settings?: Record<string, string>;
}) {
  const mailingId = await mailMany();
  wire.watch = watch;
  worker = start('work', settings);
  await until(async () => !worker.isAlive() || (await isOver()), 60_000);
  expect(await isOver(), worker.said()).toBe(true);
  expect(worker.isAlive(), worker.said()).toBe(true);
  worker.ask();
  expect(await worker.ended, worker.said()).toEqual({ code: 0, signal: null });
  return { tally: await expectPromisesKept(mailingId), said: worker.said() };
}

/** Everybody was mailed, or is known to be in doubt. */
async function expectPromisesKept(mailingId: number) {
  const taken = sink.accepted.map(({ recipient }) => recipient);
  expect(taken.length, 'letters to somebody twice').toBe(new Set(taken).size);
  const [run] = await runsOf(mailingId);
  const tally = await recount(run?.id ?? 0);
  const sent = (await deliveriesOf(run?.id ?? 0)).filter(({ status }) => status === 'sent');
  expect(
    sent.filter(({ email }) => !taken.includes(email)),
    'sent that nobody took',
  ).toEqual([]);
  expect(tally).toMatchObject({ total: many, queued: 0, sending: 0, failed: 0 });
  expect(tally.sent + tally.unknown).toBe(many);
  expect(taken.length).toBeGreaterThanOrEqual(tally.sent);
  const known = await db.select().from(attempts);
  expect(known.filter(({ status }) => status === 'success')).toHaveLength(tally.sent);
  return tally;
}

describe('a worker in the middle of a run', { timeout: 120_000 }, () => {
  it('whose database driver throws outside of any query gives that pass up, goes on with the next, and mails everybody', async () => {
    // In the middle of a transaction the driver rolls back on a connection it no longer has, and nobody can catch what it throws.
    let asked = 0;
    const { tally, said } = await sendWhile({
      watch: ({ query }) => {
        if (!query.includes('from transports where name = $2 for update')) return 'pass';
        asked += 1;
        return asked === 4 || asked === 15 ? 'ended-before' : 'pass';
      },
      settings: { SEND_PER_SECOND: '200' },
    });
    expect(said.match(/"pass_failed"/g)?.length).toBeGreaterThanOrEqual(2);
    expect(tally.unknown).toBeLessThanOrEqual(2 * recordWindow);
  });

  it('whose connections the database ends, all at once and again and again, mails everybody', async () => {
    const at = [1, 90, 170, 310];
    const ended: Promise<number>[] = [];
    const endAll = async () => {
      const rows = await raw`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'mailroom'`;
      return rows.length;
    };
    sink.watch = (stage, n) => {
      if (stage === 'accepted' && at.includes(n)) ended.push(endAll());
    };
    const { tally } = await sendWhile({});
    expect((await Promise.all(ended)).filter((connections) => connections > 0)).toHaveLength(at.length);
    expect(tally.unknown).toBeLessThanOrEqual(at.length * recordWindow);
  });
});

describe('a call of send-due in the middle of a run', { timeout: 120_000 }, () => {
  it('whose database driver throws outside of any query says so and ends with 1; later calls mail everybody', async () => {
    const mailingId = await mailMany();
    let asked = 0;
    wire.watch = ({ query }) => {
      if (!query.includes('from transports where name = $2 for update')) return 'pass';
      asked += 1;
      return asked === 4 ? 'ended-before' : 'pass';
    };
    const settings = { SEND_PER_SECOND: '200' };
    worker = start('send-due', settings);
    expect(await worker.ended).toEqual({ code: 1, signal: null });
    expect(worker.said()).toMatch(
      /^The connection to the database broke in the middle of the pass \(.+\)\. .*send-due.*\n$/,
    );
    expect(await isOver()).toBe(false);

    await until(async () => {
      worker = start('send-due', settings);
      expect(await worker.ended, worker.said()).toEqual({ code: 0, signal: null });
      return isOver();
    }, 60_000);
    expect((await expectPromisesKept(mailingId)).unknown).toBeLessThanOrEqual(recordWindow);
  });
});
