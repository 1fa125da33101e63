import { createInterface } from 'node:readline';
import { sql } from 'drizzle-orm';
import { db } from '@/db/client';
import { hashPassword } from '@/lib/auth/passwords';
import { createTransport } from '@/lib/email/transport';
import { buildProduction } from '../../scripts/prepare.mjs';
import { signInAt } from '../support/visit';
import {
  compare,
  expectTaken,
  type Ground,
  type Measured,
  median,
  progress,
  type Row,
  rate,
  rowOf,
  spawnScript,
  startSink,
  timed,
  whole,
} from './ground';
import { expectRecorded, passToTheEnd, settingsFor } from './pass';
import { type Site, serve } from './site';
import { openRun } from './stock';

const people = 50;
const password = 'a long and honest passphrase';

/** How fast a run goes out while fifty people have its page open ÷ while nobody has. */
export async function benchWatched(ground: Ground): Promise<Row[]> {
  await buildProduction(progress, process.env);
  const sink = await startSink(ground, 'sink.ts');
  const settings = settingsFor({ EMAIL_TRANSPORT: 'smtp', SMTP_URL: `smtp://127.0.0.1:${sink.port}` });
  const site = await serve(ground);
  const hash = await hashPassword(password);
  const asked: number[] = [];
  const measure = async (isWatched: boolean): Promise<Measured> => {
    const run = await openRun(ground.letters);
    await db.execute(sql`update users set password_hash = ${hash}`);
    await sink.reset();
    const watchers = isWatched ? await startWatchers(ground, site, run) : null;
    const transport = createTransport(settings);
    const { time, busy } = await timed(ground, sink, () => passToTheEnd(transport, settings), [
      { name: 'the server', pid: site.pid },
      ...(watchers ? [{ name: 'those who watch', pid: watchers.pid }] : []),
    ]);
    if (watchers) asked.push((await watchers.end()) / time);
    await transport.close();
    await expectTaken(sink, ground.letters, 'engine');
    await expectRecorded(ground.letters);
    return { value: ground.letters / time, busy };
  };
  // The first pass compiles the engine, the first to watch the server.
  await measure(true);
  const measured = await compare(
    ground,
    () => measure(true),
    () => measure(false),
  );
  ground.note(`${people} pages asked ${median(asked).toFixed(0)} times a second together`);
  const row = {
    what: `send ${whole(ground.letters)} letters while ${people} people have the page of the run open ÷ while nobody has`,
    ...measured,
    ours: rate(measured.ours),
    peer: rate(measured.peer),
  };
  return [rowOf(row, { sign: '≥', must: 0.9, aim: null })];
}

/** People at the page of a run, each of whom has had an answer. */
async function startWatchers(ground: Ground, site: Site, run: { mailingId: number; runId: number }) {
  const cookie = await signInAt(site.base, 'owner@bench.test', password);
  const args = [site.base, cookie, run.mailingId, run.runId, people].map(String);
  const child = spawnScript('watchers.ts', args);
  const { stdin, stdout, pid } = child;
  if (!stdin || !stdout || !pid) throw new Error('those who watch have no pipes');
  ground.atEnd(() => stdin.end());
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const said = await lines.next();
  if (said.value !== 'ready') throw new Error('those who watch got no answer');
  return {
    pid,
    /** Ends it, and answers how often they asked. */
    end: async () => {
      stdin.end();
      return Number((await lines.next()).value);
    },
  };
}
