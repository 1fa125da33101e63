import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GET, maxDuration } from '@/app/api/cron/send-due/route';
import { db } from '@/db/client';
import { attempts, clients, deliveries, runs } from '@/db/schema';
import { callBudget, readCallBudget } from '@/lib/sending/call';
import type { PassCounts } from '@/lib/sending/engine';
import { processTransport } from '@/lib/sending/wake';
import { createMailing, createUser } from '../support/factories';
import { withRequest } from '../support/request-scope';
import { type ScriptedServer, scriptedSmtp } from '../support/scripted-smtp';

/*
 * The cron route itself, over a real mail server on a socket. Only here a test waits by the clock on the wall: it is what a
 * platform that ends calls goes by.
 */

const root = path.resolve(import.meta.dirname, '../..');
let server: ScriptedServer;
/** How long the server thinks about a letter before it takes it; null: for ever. */
let thinksMs: number | null = 0;
const taken: string[] = [];

beforeAll(async () => {
  const recipients = new Map<unknown, string>();
  server = await scriptedSmtp({
    on: {
      rcpt: ({ line, socket }) => {
        recipients.set(socket, /<(.*)>/.exec(line)?.[1] ?? '');
        return '250 2.1.5 ok';
      },
      dot: ({ socket }) => {
        const to = recipients.get(socket) ?? '';
        const ms = thinksMs;
        if (ms === null) return undefined;
        return setTimeout(ms).then(() => {
          taken.push(to);
          return '250 2.0.0 taken';
        });
      },
    },
  });
  process.env.EMAIL_TRANSPORT = 'smtp';
  process.env.SMTP_URL = `smtp://127.0.0.1:${server.port}?tls=off`;
  process.env.SEND_CONNECTIONS = '10';
  process.env.SEND_BATCH = '50';
});

afterAll(async () => {
  await processTransport().close();
  await server.close();
});

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, transports, engines cascade`);
  taken.length = 0;
  thinksMs = 0;
});

/** A mailing to so many clients, due now. Their addresses are none that our own rules keep back. */
async function dueMailing(howMany: number): Promise<void> {
  const owner = await createUser(db);
  const rows = Array.from({ length: howMany }, (_, index) => {
    const email = `client${index}@people.test`;
    return { ownerId: owner.id, email, emailKey: email, fullName: `Client ${index}` };
  });
  await db.insert(clients).values(rows);
  await createMailing(db, owner);
}

const bearer = () => ({ authorization: `Bearer ${process.env.CRON_SECRET}` });
const request = (query = '', headers: Record<string, string> = bearer(), signal?: AbortSignal) =>
  new Request(`http://localhost:3000/api/cron/send-due${query}`, { headers, ...(signal ? { signal } : {}) });

async function call(query: string): Promise<PassCounts & { tookMs: number }> {
  const from = Date.now();
  const response = await GET(request(query));
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return { ...((await response.json()) as PassCounts), tookMs: Date.now() - from };
}

const totals = (answers: PassCounts[]) =>
  answers.reduce(
    (sum, { runsOpened, claimed, sent, failed, unknown, retried }) => ({
      runsOpened: sum.runsOpened + runsOpened,
      claimed: sum.claimed + claimed,
      sent: sum.sent + sent,
      failed: sum.failed + failed,
      unknown: sum.unknown + unknown,
      retried: sum.retried + retried,
    }),
    { runsOpened: 0, claimed: 0, sent: 0, failed: 0, unknown: 0, retried: 0 },
  );

const statuses = async () => {
  const rows = await db
    .select({ status: deliveries.status, n: sql<number>`count(*)::int` })
    .from(deliveries)
    .groupBy(deliveries.status);
  return Object.fromEntries(rows.map((row) => [row.status, row.n]));
};

describe('who may call', () => {
  it('nobody without the secret, and the answer tells nothing', async () => {
    await dueMailing(1);
    for (const headers of [
      {},
      { authorization: 'Bearer' },
      { authorization: 'Bearer wrong' },
      { authorization: `Basic ${process.env.CRON_SECRET}` },
    ]) {
      const response = await GET(request('?budget=1', headers as Record<string, string>));
      expect([response.status, await response.json()]).toEqual([401, { error: 'unauthorized' }]);
    }
    expect(taken).toHaveLength(0);
  });
});

describe('the time budget of a call', () => {
  it('is 45 seconds unless the call names another, and at most 280, within the limit of 300 that the route declares', () => {
    expect(readCallBudget(null)).toBe(45);
    expect(readCallBudget('20')).toBe(20);
    expect(readCallBudget('2.5')).toBe(2.5);
    expect(readCallBudget('100000')).toBe(280);
    expect(readCallBudget('0')).toBe(1);
    expect(callBudget.max + 10).toBeLessThan(maxDuration);
    expect(callBudget.fallback + 10).toBeLessThan(60);
  });

  it('that is no number is refused in words, and nothing is sent', async () => {
    await dueMailing(1);
    for (const budget of ['ten', '-5', '1e3', 'NaN', '5s', '1 2']) {
      const response = await GET(request(`?budget=${encodeURIComponent(budget)}`));
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: 'invalid', fields: { budget: 'seconds, a number from 1 to 280' } },
      ]);
    }
    expect(taken).toHaveLength(0);
  });

  it('over a slow server: the call ends in time with what it finished, the next ones go on, and each letter leaves once', async () => {
    await dueMailing(150);
    thinksMs = 250;
    const answers: PassCounts[] = [];
    for (let n = 0; n < 12 && (answers.at(-1)?.remaining ?? 1) > 0; n += 1) {
      const before = taken.length;
      const answer = await call('?budget=1');
      // Its second, and the letters that were begun in it.
      expect(answer.tookMs).toBeLessThan(6000);
      expect(answer.sent).toBe(taken.length - before);
      expect(answer.unknown).toBe(0);
      expect(answer.remaining).toBe(150 - taken.length);
      answers.push(answer);
    }
    expect(answers.length).toBeGreaterThan(1);
    // What was claimed and not begun in time went back to the queue, and was claimed again by a later call.
    expect(totals(answers)).toMatchObject({ runsOpened: 1, sent: 150, failed: 0, unknown: 0, retried: 0 });
    expect(new Set(taken).size).toBe(150);
    expect(taken).toHaveLength(150);
    expect(await statuses()).toEqual({ sent: 150 });
    const written = await db.select().from(attempts);
    expect(written).toHaveLength(150);
    expect((await db.select().from(runs)).map((run) => run.status)).toEqual(['done']);
  });

  it('a call whose caller has gone stops as one whose budget is over', async () => {
    await dueMailing(150);
    thinksMs = 250;
    const caller = new AbortController();
    void setTimeout(700).then(() => caller.abort());
    const from = Date.now();
    const counts = (await (await GET(request('?budget=60', bearer(), caller.signal))).json()) as PassCounts;
    expect(Date.now() - from).toBeLessThan(6000);
    expect(counts.sent).toBe(taken.length);
    expect(counts.remaining).toBe(150 - counts.sent);
    expect(counts.remaining).toBeGreaterThan(0);
    expect(counts.unknown).toBe(0);
  });

  it('a server that falls silent does not hold the call: it answers ten seconds after its budget, and later answers are still recorded', async () => {
    await dueMailing(12);
    thinksMs = 14_000;
    const rests: Promise<unknown>[] = [];
    const from = Date.now();
    const response = await withRequest(bearer(), () => GET(request('?budget=1')), {
      after: (rest) => rests.push(Promise.resolve(typeof rest === 'function' ? rest() : rest)),
    });
    const tookMs = Date.now() - from;
    expect(tookMs).toBeGreaterThan(10_500);
    expect(tookMs).toBeLessThan(13_500);
    expect(await response.json()).toMatchObject({ sent: 0, unknown: 0, remaining: 12 });
    expect(rests).toHaveLength(1);
    await Promise.all(rests);
    // Ten connections had begun a letter each; nobody else's was begun.
    expect(await statuses()).toEqual({ sent: 10, queued: 2 });
    expect(taken).toHaveLength(10);
    thinksMs = 0;
    expect(await call('?budget=5')).toMatchObject({ sent: 2, remaining: 0 });
    expect(new Set(taken).size).toBe(12);
  }, 180_000);
});

/** Another machine that has started and waits: `begin` lets it make its two calls, `answers` are theirs. */
async function startMachine(): Promise<{ begin: () => void; answers: Promise<PassCounts[]> }> {
  const child = spawn(
    process.execPath,
    ['--conditions', 'react-server', '--import', 'tsx', 'tests/support/cron-calls.ts', '2', '25'],
    { cwd: root, env: process.env, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  return {
    begin: () => child.stdin.end(),
    answers: lines.next().then(({ value }) => JSON.parse(value ?? '') as PassCounts[]),
  };
}

describe('many calls at once', () => {
  it('six calls that overlap, of three machines, share the work: each letter once, and their counts add up', async () => {
    await dueMailing(900);
    thinksMs = 30;
    const machines = await Promise.all([1, 2, 3].map(startMachine));
    const [first, ...others] = machines;
    first?.begin();
    // A call that comes while the run is being opened has nothing to do: the others come when its letters are leaving.
    while (taken.length === 0) await setTimeout(5);
    for (const other of others) other.begin();
    const answers = (await Promise.all(machines.map(({ answers }) => answers))).flat();
    expect(answers).toHaveLength(6);
    const { claimed, ...done } = totals(answers);
    // A call that meets trouble gives back what it has not begun, and another claims it again.
    expect(claimed).toBeGreaterThanOrEqual(900);
    expect(done).toEqual({
      runsOpened: 1,
      sent: 900,
      failed: 0,
      unknown: 0,
      retried: 0,
    });
    expect(taken).toHaveLength(900);
    expect(new Set(taken).size).toBe(900);
    expect(answers.filter((answer) => answer.sent > 0).length).toBeGreaterThan(1);
    expect(await statuses()).toEqual({ sent: 900 });
    expect(await call('?budget=5')).toMatchObject({ claimed: 0, remaining: 0 });
    expect((await db.select().from(runs)).map((run) => run.status)).toEqual(['done']);
  }, 180_000);
});
