import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { ensurePostgres } from '../../scripts/postgres.mjs';

/** A PostgreSQL of the benchmark's own, with the settings a person's own would have (fsync on), migrated and empty. */
export async function startDatabase(): Promise<{ url: string; stop: () => Promise<void> }> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'mailroom-bench-'));
  const server = await ensurePostgres({ dataDir });
  await migrateDatabase(server.url);
  return {
    url: server.url,
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

/** The SMTP sink, in a process of its own. */
export async function startSink() {
  const child = spawnScript('sink.ts', []);
  if (!child.stdout || !child.stdin) throw new Error('the sink has no pipes');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => Number((await lines.next()).value);
  const port = await read();
  const ask = async (command: string) => {
    child.stdin?.write(`${command}\n`);
    return read();
  };
  return { port, count: () => ask('count'), reset: () => ask('reset'), stop: () => child.stdin?.end() };
}

export type Row = {
  what: string;
  ours: string;
  peer: string;
  ratio: number;
  spread: string;
  bar: string;
  isMet: boolean;
};

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export const spread = (values: number[]) =>
  `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;

export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const from = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - from) / 1e9;
}
