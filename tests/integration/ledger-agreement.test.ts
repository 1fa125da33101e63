// First, for what it says about the order.
import '@/tests/support/request-scope';

import { sql } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { GET as exportOf } from '@/app/api/mailings/[id]/attempts/route';
import { db } from '@/db/client';
import { answerKinds, attemptStatuses, deliveryStatuses } from '@/db/enums';
import { listAllAttempts, listAttempts } from '@/lib/attempts/queries';
import { listMailings, mailingOverview } from '@/lib/mailings/queries';
import type { Page } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import {
  countUnfinished,
  findHighRefusal,
  findReport,
  listAnsweringDomains,
  listAnswers,
  listRates,
  listReportRows,
  mailingFigures,
  sumPeriod,
} from '@/lib/reports/queries';
import { readReportAsked } from '@/lib/reports/schema';
import { finishRun, pauseMailing, resumeMailing } from '@/lib/runs/mutations';
import {
  findLastRun,
  findProgress,
  findRun,
  listDeliveries,
  listLastRuns,
  listOwnProgress,
  listRuns,
  listTroubledRuns,
} from '@/lib/runs/queries';
import { finishableOutcomes } from '@/lib/runs/schema';
import {
  asActor,
  createActor,
  createClient,
  createClients,
  createMailing,
  createSuppression,
  createUser,
} from '@/tests/support/factories';
import { recount, runsOf } from '@/tests/support/ledger';
import { withRequest } from '@/tests/support/request-scope';
import { scriptedSmtp } from '@/tests/support/scripted-smtp';
import { signIn } from '@/tests/support/sign-in';
import { type Engine, startEngine } from '../chaos/engines';

/*
 * One run to which everything happens: refusals of many kinds, connections that break after the final dot, an engine killed while
 * letters are with the server, a pause, retries, and a finish. What every page says of it is held against the rows.
 */

/** How often each address has been named to the server. */
const named = new Map<string, number>();
let isKind = false;
const server = await scriptedSmtp({
  on: {
    rcpt: ({ line }) => {
      const to = /<(.*)>/.exec(line)?.[1] ?? '';
      const times = (named.get(to) ?? 0) + 1;
      named.set(to, times);
      if (isKind) return '250 2.1.5 ok';
      if (to.startsWith('gone')) return '550 5.1.1 User unknown';
      if (to.startsWith('full')) return '552 5.2.2 Mailbox full';
      if (to.startsWith('grey') && times < 2) return '450 4.7.1 Greylisted, come back later';
      if (to.startsWith('never')) return '450 4.2.1 Mailbox busy';
      return '250 2.1.5 ok';
    },
    dot: async ({ line, socket }) => {
      if (isKind) return '250 2.0.0 taken';
      // Slowly enough for something to happen meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (/^to:.*\bspam\d/im.test(line)) return '554 5.7.1 Message rejected under suspicion of SPAM';
      if (/^to:.*\bdrop\d/im.test(line)) {
        socket.destroy();
        return '';
      }
      return '250 2.0.0 taken';
    },
  },
});
const engines: Engine[] = [];
afterAll(async () => {
  for (const engine of engines) {
    engine.kill();
    await engine.ended;
  }
  await server.close();
});

/** A pass in a process of its own, as cron makes one. */
function pass(): Engine {
  const engine = startEngine(
    'send-due',
    {
      DATABASE_URL: process.env.DATABASE_URL ?? '',
      AUTH_SECRET: process.env.AUTH_SECRET ?? '',
      APP_URL: 'https://mail.sender.test',
      EMAIL_FROM: 'mailroom@sender.test',
      EMAIL_TRANSPORT: 'smtp',
      SMTP_URL: `smtp://127.0.0.1:${server.port}?tls=off`,
      SEND_LEASE_SECONDS: '5',
      SEND_BATCH: '10',
      SEND_CONNECTIONS: '2',
      SEND_TRIES_MAX: '2',
      SEND_RETRY_BASE_SECONDS: '1',
    },
    { budgetSeconds: 20 },
  );
  engines.push(engine);
  return engine;
}

const until = (holds: () => Promise<boolean> | boolean) =>
  expect.poll(holds, { timeout: 100_000, interval: 20 }).toBe(true);

/** Passes until the run is over. */
async function passUntilOver(mailingId: number) {
  await until(async () => {
    // A sender that waits is let go on at once: it would by itself, in a quarter of a minute.
    await db.execute(sql`update transports set waits_until = now()`);
    const engine = pass();
    expect(await engine.ended, engine.said()).toEqual({ code: 0, signal: null });
    return (await runsOf(mailingId)).every((run) => run.status !== 'open');
  });
}

type Tally<Name extends string> = Partial<Record<Name, number>>;

/** How many rows there are of each value. */
async function countBy(table: string, column: string, runId: number): Promise<Tally<string>> {
  const rows = await db.execute<{ value: string; count: number }>(
    sql`select ${sql.raw(column)}::text as value, count(*)::int as count from ${sql.raw(table)}
      where run_id = ${runId} and ${sql.raw(column)} is not null group by 1`,
  );
  return Object.fromEntries(rows.map(({ value, count }) => [value, count]));
}

/** Every row of a list, page after page. */
async function all<T>(page: (after: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const found: T[] = [];
  let after: string | undefined;
  do {
    const { items, next } = await page(after);
    found.push(...items);
    after = next ?? undefined;
  } while (after);
  return found;
}

const inAll = (sums: Tally<string>) => Object.values(sums).reduce<number>((sum, n) => sum + (n ?? 0), 0);
const present = (sums: Record<string, number>) =>
  Object.fromEntries(Object.entries(sums).filter(([, n]) => n > 0));

/** Holds whatever a page, or the export, says of the run against the rows themselves. */
async function expectAgreement(actor: Actor, mailingId: number, runId: number) {
  await recount(runId);
  const manager = await createActor(db, { isStaff: true });
  const ends = await countBy('deliveries', 'status', runId);
  const ofKind = await countBy('deliveries', 'kind', runId);
  const tried = await countBy('attempts', 'status', runId);
  const triedOfKind = await countBy('attempts', 'kind', runId);

  // The bar: on the dashboard, among mailings and runs, on the run itself and on the command line.
  const [own, run, last, listed, among, told, troubled] = await Promise.all([
    findProgress(actor, { mailingId, runId }),
    findRun(actor, { mailingId, runId }),
    findLastRun(actor, mailingId),
    listRuns(actor, { mailingId }),
    listMailings(actor),
    mailingOverview(actor, mailingId),
    listTroubledRuns(actor, new Date(0)),
  ]);
  const isOver = run?.status !== 'open' && run?.status !== 'waiting';
  const shown = isOver ? await listLastRuns(actor) : (await listOwnProgress(actor)).runs;
  for (const counts of [
    own?.runs[0]?.counts,
    run?.counts,
    last?.counts,
    listed.items[0]?.counts,
    told?.runs[0]?.counts,
    shown.find(({ id }) => id === runId)?.counts,
  ]) {
    const { total, sending, ...rest } = counts ?? { total: -1, sending: 0 };
    expect(total).toBe(inAll(ends));
    const { queued = 0, ...ended } = rest as Record<string, number>;
    expect(present({ ...ended, queued: queued + sending })).toEqual(ends);
  }
  expect(among.items[0]?.lastRun).toMatchObject({
    id: runId,
    total: inAll(ends),
    sent: ends.sent ?? 0,
    skipped: ends.skipped ?? 0,
  });
  const missed = finishableOutcomes.reduce((sum, outcome) => sum + (ends[outcome] ?? 0), 0);
  expect(troubled.map(({ id }) => id)).toEqual(isOver && missed > 0 ? [runId] : []);

  // How many were tried, in all and over time.
  const figures = {
    sent: ends.sent ?? 0,
    attemptsSucceeded: tried.success ?? 0,
    attemptsFailed: tried.failure ?? 0,
    attemptsUnknown: tried.unknown ?? 0,
  };
  expect(await mailingFigures(actor, mailingId)).toEqual(figures);
  // The reports, over all years there may be letters of, by day, mailing and, of what is over, domain.
  const { report } = await findReport(
    actor,
    readReportAsked({ from: '2010-01-01', to: '2040-12-31' }, 'own'),
  );
  if (!report) throw new Error('no report');
  const triedNow = { sent: figures.sent, failed: figures.attemptsFailed, unknown: figures.attemptsUnknown };
  const numbers = await sumPeriod(actor, report);
  expect(numbers.tried).toEqual(triedNow);
  expect(numbers.letters.sent).toBe(figures.sent);
  const ofMailings = await listReportRows(actor, report, { list: 'mailings' });
  expect(ofMailings.items).toMatchObject([{ id: String(mailingId), ...triedNow }]);
  if ((await countUnfinished(actor, report)) === 0) {
    const { items } = await listReportRows(actor, report, { list: 'domains', size: 10_000 });
    const all = (name: keyof typeof triedNow) => items.reduce((total, row) => total + row[name], 0);
    expect({ sent: all('sent'), failed: all('failed'), unknown: all('unknown') }).toEqual(triedNow);
  }
  const { steps } = await listRates(actor, runId);
  const over = (name: 'succeeded' | 'failed' | 'unknown') => steps.reduce((sum, step) => sum + step[name], 0);
  expect([over('succeeded'), over('failed'), over('unknown')]).toEqual([
    figures.attemptsSucceeded,
    figures.attemptsFailed,
    figures.attemptsUnknown,
  ]);

  // What was answered, of the run and of the mailing, by kind and by domain.
  for (const of of [{ runId }, { mailingId }]) {
    const kinds = await listAnswers(actor, of);
    expect(present(Object.fromEntries(kinds.map((each) => [each.kind, each.failed + each.unknown])))).toEqual(
      ofKind,
    );
    expect(present(Object.fromEntries(kinds.map((each) => [each.kind, each.attempts])))).toEqual(triedOfKind);
    const domains = await listAnsweringDomains(actor, of);
    expect(domains.reduce((sum, each) => sum + each.failed + each.unknown, 0)).toBe(inAll(ofKind));
    expect(domains.reduce((sum, each) => sum + each.attempts, 0)).toBe(inAll(triedOfKind));
    for (const { domain, failed, unknown } of of.runId ? domains : []) {
      const found = await all((after) => listDeliveries(actor, { runId, q: `@${domain}`, after, size: 20 }));
      expect(found.filter(({ kind }) => kind !== null)).toHaveLength(failed + unknown);
    }
  }
  const refusal = await findHighRefusal(actor, new Date(0));
  expect(refusal && { sent: refusal.sent, failed: refusal.failed }).toEqual(
    (ends.failed ?? 0) >= 10 ? { sent: ends.sent ?? 0, failed: ends.failed } : null,
  );

  // The lists, with each of their filters.
  for (const status of deliveryStatuses) {
    const found = await all((after) => listDeliveries(actor, { runId, status, after, size: 20 }));
    expect(found, status).toHaveLength(own?.runs[0]?.counts[status] ?? -1);
    expect(found.every((each) => each.status === status)).toBe(true);
  }
  // Those that came about, and one that did not.
  for (const kind of answerKinds.filter((each) => each === 'tls' || ofKind[each] || triedOfKind[each])) {
    const found = await all((after) => listDeliveries(actor, { runId, kind, after, size: 20 }));
    expect(found, kind).toHaveLength(ofKind[kind] ?? 0);
    for (const list of [
      (after?: string) => listAttempts(actor, { mailingId, kind, after, size: 20 }),
      (after?: string) => listAttempts(actor, { kind, after, size: 20 }),
      (after?: string) => listAllAttempts(manager, { kind, after, size: 20 }),
    ])
      expect(await all(list), kind).toHaveLength(triedOfKind[kind] ?? 0);
  }
  for (const status of attemptStatuses)
    for (const list of [
      (after?: string) => listAttempts(actor, { mailingId, status, after, size: 20 }),
      (after?: string) => listAttempts(actor, { status, after, size: 20 }),
      (after?: string) => listAllAttempts(manager, { status, from: new Date(0), after, size: 20 }),
    ])
      expect(await all(list), status).toHaveLength(tried[status] ?? 0);

  // The export, of the mailing and of the run; and it alone says who got the letter.
  const { cookie } = { cookie: await signIn(actor.email, 'correct horse battery') };
  for (const query of ['', `?run=${runId}`]) {
    const answer = await withRequest({ cookie }, () =>
      exportOf(new Request(`http://localhost:3000/api/mailings/${mailingId}/attempts${query}`), {
        params: Promise.resolve({ id: String(mailingId) }),
      }),
    );
    const [head, ...lines] = (await answer.text()).trimEnd().split('\r\n');
    expect(head).toContain('attempted_at,email,status,server_response,run_id,delivery_id');
    const cells = lines.map((line) => line.split(','));
    const counted: Tally<string> = {};
    for (const [, , status = ''] of cells) counted[status] = (counted[status] ?? 0) + 1;
    expect(counted).toEqual(tried);
    const taken = new Set(cells.flatMap(([, email, status]) => (status === 'success' ? [email] : [])));
    const sent = await all((after) => listDeliveries(actor, { runId, status: 'sent', after }));
    expect([...taken].toSorted()).toEqual(sent.map(({ email }) => email).toSorted());
  }
  return ends;
}

describe('after everything that can happen to a run', () => {
  it('dashboard, mailing, run, attempts and export agree with each other and with the rows, and it can be finished', {
    timeout: 240_000,
  }, async () => {
    const actor = asActor(await createUser(db, { password: 'correct horse battery' }));
    const [left] = await createClients(db, actor, 60);
    // Those whose connection breaks come last: a server that hangs up makes the sender wait.
    for (const [name, many] of Object.entries({ gone: 9, full: 4, spam: 5, grey: 6, never: 3, drop: 4 }))
      for (let n = 1; n <= many; n += 1)
        await createClient(db, actor, { email: `${name}${n}@${n % 2 ? 'one' : 'two'}.test` });
    await createSuppression(db, actor, left?.email ?? '');
    // The addresses that factories make are made-up ones, which nothing is handed over for.
    await db.execute(sql`
      update clients set email = replace(email, 'clients.example', 'three.test'), email_key = replace(email_key, 'clients.example', 'three.test')`);
    await db.execute(
      sql`update suppressions set email_key = replace(email_key, 'clients.example', 'three.test')`,
    );
    const mailing = await createMailing(db, actor, {
      startsAt: new Date(Date.now() - 1000),
      periodicity: 'once',
    });

    // Killed while letters are with the server.
    const first = pass();
    await until(() => server.letters.length >= 15 || !first.isAlive());
    expect(first.isAlive(), first.said()).toBe(true);
    first.kill();
    await first.ended;
    const [{ id: runId } = { id: 0 }] = await runsOf(mailing.id);
    await expectAgreement(actor, mailing.id, runId);

    // Paused while another sends, and gone on with.
    const taken = server.letters.length;
    const second = pass();
    await until(() => server.letters.length > taken);
    expect(await pauseMailing(actor, { mailingId: mailing.id })).toMatchObject({ ok: true });
    await second.ended;
    await expectAgreement(actor, mailing.id, runId);
    expect(await resumeMailing(actor, { mailingId: mailing.id })).toMatchObject({ ok: true });
    await passUntilOver(mailing.id);

    const ends = await expectAgreement(actor, mailing.id, runId);
    expect((await runsOf(mailing.id))[0]?.status).toBe('partly_done');
    // 9 gone, 4 full, 5 spam, 3 that were never taken; those whose connection broke and those of the killed engine are unknown.
    expect(ends).toMatchObject({ failed: 21, skipped: 1 });
    expect(ends.unknown).toBeGreaterThanOrEqual(4);
    expect(inAll(ends)).toBe(91);

    // Finished from what the page offers, at a server that takes everything.
    isKind = true;
    expect(
      await finishRun(actor, { mailingId: mailing.id, runId, outcomes: ['failed', 'unknown'] }),
    ).toMatchObject({ ok: true, data: { requeued: 21 + (ends.unknown ?? 0) } });
    await expectAgreement(actor, mailing.id, runId);
    await passUntilOver(mailing.id);
    expect(await expectAgreement(actor, mailing.id, runId)).toEqual({ sent: 90, skipped: 1 });
    expect((await runsOf(mailing.id))[0]?.status).toBe('done');
  });
});
