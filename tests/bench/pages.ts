import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { db } from '@/db/client';
import { hashPassword } from '@/lib/auth/passwords';
import { buildProduction } from '../../scripts/prepare.mjs';
import { endProcesses, mark, startWorker, tail } from '../../scripts/processes.mjs';
import { signInAt } from '../support/visit';
import { watchBusy } from './busy';
import {
  compare,
  type Ground,
  type Measured,
  median,
  progress,
  quantile,
  type Row,
  rate,
  rowOf,
  type Sink,
  startSink,
} from './ground';
import { firstByte, serve } from './site';
import { dueMailing, stock } from './stock';

const page = '/mailings';
const perSecond = 10;
const password = 'a long and honest passphrase';

/**
 * The time to the first byte of the page of mailings, asked for at a steady rate: while a worker sends a large run beside it ÷
 * while none does. The production build, the worker as a process of its own, as `npm run up` starts them.
 */
export async function benchPages(ground: Ground): Promise<Row[]> {
  const phaseSeconds = Math.max(2, Math.round(ground.letters / 1000));
  const sink = await startSink(ground, 'sink.ts');
  const directory = mkdtempSync(path.join(tmpdir(), 'mailroom-bench-pages-'));
  ground.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const env = { ...process.env, ...sendingTo(sink), MAILROOM_DATA_DIR: directory };
  await buildProduction(progress, process.env);
  const server = await serve(ground, env);

  // More than leave in all busy phases together, at twenty thousand a second.
  const owner = await stock(ground.letters * 20 * (ground.rounds + 1));
  await dueMailing(owner, new Date(Date.now() - 1000));
  const hash = await hashPassword(password);
  await db.execute(sql`update users set password_hash = ${hash} where id = ${owner.ownerId}`);
  const cookie = await signInAt(server.base, 'owner@bench.test', password);
  const measure = async (workerPid: number | null): Promise<Measured> => {
    const readBusy = watchBusy([
      { name: 'the server', pid: server.pid },
      ...(workerPid ? [{ name: 'the worker', pid: workerPid }] : []),
      { name: 'Postgres', pid: ground.postgresPid, withChildren: true },
      { name: 'the sink', pid: sink.pid },
      { name: 'this client', pid: process.pid },
    ]);
    const times = await firstBytes(`${server.base}${page}`, cookie, phaseSeconds);
    return { value: quantile(times, 0.95), busy: readBusy() };
  };
  // The first requests load the page's code; the first worker opens the run.
  await measure(null);
  await whileSending(ground, sink, env, directory, async () => {});

  const sent: number[] = [];
  const measured = await compare(
    ground,
    () =>
      whileSending(ground, sink, env, directory, async (workerPid) => {
        const before = await sink.count();
        const found = await measure(workerPid);
        sent.push(((await sink.count()) - before) / phaseSeconds);
        return found;
      }),
    () => measure(null),
  );
  ground.note(`${rate(median(sent))} left meanwhile`);
  const milliseconds = (value: number) => `${value.toFixed(1)} ms`;
  const row = {
    what: 'p95 of the time to the first byte of a page while a worker sends ÷ while nothing is sent',
    ...measured,
    ours: milliseconds(measured.ours),
    peer: milliseconds(measured.peer),
  };
  return [rowOf(row, { sign: '≤', must: 2, aim: 1.3 })];
}

const sendingTo = (sink: Sink) => ({
  EMAIL_TRANSPORT: 'smtp',
  SMTP_URL: `smtp://127.0.0.1:${sink.port}`,
  EMAIL_FROM: 'bench@bench.test',
});

/** Does `work` while a worker of its own process sends, and ends the worker. Fails when the run was over before `work` was. */
async function whileSending<T>(
  ground: Ground,
  sink: Sink,
  env: NodeJS.ProcessEnv,
  directory: string,
  work: (workerPid: number) => Promise<T>,
): Promise<T> {
  await sink.reset();
  const logFile = path.join(directory, 'worker.log');
  const worker = startWorker({ env, logFile });
  const one = mark(worker);
  const end = () => endProcesses([one], 30);
  ground.atEnd(end);
  try {
    for (const limit = Date.now() + 120_000; (await sink.count()) === 0; await pause(100))
      if (worker.exitCode !== null || Date.now() > limit)
        throw new Error(`The worker sends nothing.\n${tail(logFile)}`);
    const result = await work(one.pid);
    const [left] = await db.execute(sql`select 1 from deliveries where status = 'queued' limit 1`);
    if (!left) throw new Error('the run was over before the measurement was');
    return result;
  } finally {
    await end();
  }
}

/**
 * Milliseconds to the first byte of each answer, at a fixed rate for so long. Counted from the instant a request was due, so that
 * a server that keeps everybody waiting is not asked less for it.
 */
async function firstBytes(url: string, cookie: string, phaseSeconds: number): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true });
  const from = performance.now() + 100;
  const times = await Promise.all(
    Array.from({ length: phaseSeconds * perSecond }, async (_, index) => {
      const due = from + (index * 1000) / perSecond;
      await pause(due - performance.now());
      return firstByte(url, cookie, agent, due);
    }),
  );
  agent.destroy();
  return times;
}
