import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { ensurePostgres } from '../../scripts/postgres.mjs';
import { watchBusy } from './busy';

/** What a benchmark stands on. */
export type Ground = {
  databaseUrl: string;
  postgresPid: number;
  /** Letters of one measured pass; what needs more takes a multiple of it. */
  letters: number;
  /** Attempts of a long history. */
  attempts: number;
  /** Times each side is measured. */
  rounds: number;
  /** Said beside the table. */
  note(text: string): void;
  /** Runs when the benchmark is over, also after Ctrl-C. */
  atEnd(work: () => unknown): void;
};

const rowSchema = z.object({
  what: z.string(),
  ours: z.string(),
  peer: z.string(),
  ratio: z.string(),
  spread: z.string(),
  must: z.string(),
  aim: z.string(),
  met: z.enum(['aim', 'must', 'NO', '–']),
});
export type Row = z.output<typeof rowSchema>;

/** What the process of a benchmark hands to `main`. No row: it was skipped, and a note says why. */
export const reportSchema = z.object({ rows: z.array(rowSchema), notes: z.array(z.string()) });
export type Report = z.output<typeof reportSchema>;

/** A PostgreSQL of the benchmark's own, with the settings a person's own would have (fsync on), migrated and empty. */
export async function startDatabase(): Promise<{ url: string; pid: number; stop: () => Promise<void> }> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'mailroom-bench-'));
  const server = await ensurePostgres({ dataDir });
  await migrateDatabase(server.url);
  return {
    url: server.url,
    pid: server.pid,
    stop: async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Runs a TypeScript file of this folder as a process of its own. */
export function spawnScript(
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  const script = path.join(import.meta.dirname, file);
  return spawn(process.execPath, ['--expose-gc', '--import', 'tsx', script, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
}

/** All that a child prints, when it has ended well. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${child.spawnargs.slice(3).join(' ')} ended with ${code}`);
  return output;
}

export type Sink = Awaited<ReturnType<typeof startSink>>;

/** A mail server that takes everything, in a process of its own: `sink.ts` speaks SMTP, `resend-sink.ts` is in Resend's place. */
export async function startSink(ground: Ground, file: 'sink.ts' | 'resend-sink.ts', args: string[] = []) {
  const child = spawnScript(file, args);
  if (!child.stdout || !child.stdin || !child.pid) throw new Error('the sink has no pipes');
  const { stdin, pid } = child;
  ground.atEnd(() => stdin.end());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => Number((await lines.next()).value);
  const port = await read();
  const ask = (command: string) => {
    stdin.write(`${command}\n`);
    return read();
  };
  return {
    port,
    pid,
    /** Letters taken since the last reset. */
    count: () => ask('count'),
    /** Requests answered with 429 since then; only of `resend-sink.ts`. */
    refused: () => ask('refused'),
    reset: () => ask('reset'),
  };
}

/** Fails unless the sink has taken exactly so many letters since its last reset. */
export async function expectTaken(sink: Sink, howMany: number, who: string): Promise<void> {
  const taken = await sink.count();
  if (taken !== howMany) throw new Error(`${who}: the sink took ${taken} letters of ${howMany}`);
}

/** `must` is null where a number is only shown. */
export type Bar = { sign: '≥' | '≤'; must: number | null; aim: number | null; unit?: string };

/** A row of the table, judged. `ratio` is what the bar is about, in the bar's unit. */
export function rowOf(
  row: { what: string; ours: string; peer: string; ratio: number; spread: string },
  { sign, must, aim, unit = '' }: Bar,
): Row {
  const reaches = (limit: number) => (sign === '≥' ? row.ratio >= limit : row.ratio <= limit);
  const isMustMet = must === null || reaches(must);
  const isAimMet = aim !== null && reaches(aim);
  return {
    ...row,
    ratio: `${row.ratio.toFixed(2)}${unit}`,
    must: must === null ? '–' : `${sign} ${must}${unit}`,
    aim: aim === null ? '–' : `${sign} ${aim}${unit}`,
    met: !isMustMet ? 'NO' : isAimMet ? 'aim' : must === null ? '–' : 'must',
  };
}

/** One measurement: letters a second, milliseconds or whatever is compared, and which cores were busy meanwhile. */
export type Measured = { value: number; busy: string };

/**
 * Measures both sides in turn, the first one alternating so that neither always finds the warmer cache. A round before them is not
 * counted, since code is compiled while it runs: a note says how it went.
 */
export async function compare(
  ground: Ground,
  measureOurs: () => Promise<Measured>,
  measurePeer: () => Promise<Measured>,
): Promise<{ ours: number; peer: number; ratio: number; spread: string }> {
  const rounds: { ours: Measured; peer: Measured; ratio: number }[] = [];
  for (let round = 0; round <= ground.rounds; round += 1) {
    const before = round % 2 === 0 ? null : await measurePeer();
    const ours = await measureOurs();
    const peer = before ?? (await measurePeer());
    const ratio = ours.value / peer.value;
    const result = `${ours.value.toPrecision(4)} ÷ ${peer.value.toPrecision(4)} = ${ratio.toFixed(2)}`;
    if (round === 0) ground.note(`in a process that has just started, not counted: ${result}`);
    else rounds.push({ ours, peer, ratio });
    progress(round === 0 ? `to warm up: ${result}` : `round ${round}: ${result}`);
  }
  const last = rounds.at(-1);
  if (last) ground.note(`cores busy: ${last.ours.busy}; for the other side: ${last.peer.busy}`);
  const ratios = rounds.map((round) => round.ratio);
  return {
    ours: median(rounds.map((round) => round.ours.value)),
    peer: median(rounds.map((round) => round.peer.value)),
    ratio: median(ratios),
    spread: spread(ratios),
  };
}

/** The choice with which a side is fastest, tried once each: a peer is measured at its best. */
export async function fastest<T>(
  choices: [T, ...T[]],
  measure: (choice: T) => Promise<Measured>,
): Promise<T> {
  let [best] = choices;
  let highest = 0;
  for (const choice of choices) {
    const { value } = await measure(choice);
    if (value > highest) [best, highest] = [choice, value];
  }
  return best;
}

export function progress(text: string): void {
  process.stderr.write(`  ${text}\n`);
}

export const median = (values: number[]) => quantile(values, 0.5);

/** Between two values it lies where their distance says. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const lower = sorted[Math.floor(place)] ?? Number.NaN;
  const upper = sorted[Math.ceil(place)] ?? Number.NaN;
  return lower + (upper - lower) * (place - Math.floor(place));
}

export const spread = (values: number[]) =>
  values.length < 2 ? 'one run' : `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;

export const whole = (value: number) => Math.round(value).toLocaleString('en');
export const rate = (value: number) => `${whole(value)}/s`;

export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const from = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - from) / 1e9;
}

/** How long work took, and which cores were busy: this process, Postgres, a sink where there is one, and others that are named. */
export async function timed(
  ground: Ground,
  sink: Sink | null,
  work: () => Promise<unknown>,
  others: { name: string; pid: number }[] = [],
): Promise<{ time: number; busy: string }> {
  const readBusy = watchBusy([
    { name: 'this process', pid: process.pid },
    { name: 'Postgres', pid: ground.postgresPid, withChildren: true },
    ...(sink ? [{ name: 'the sink', pid: sink.pid }] : []),
    ...others,
  ]);
  const time = await seconds(work);
  return { time, busy: readBusy() };
}
