import { z } from 'zod';
import { benches } from './benches';
import { type Ground, type Report, startDatabase } from './ground';

/* One benchmark, named by the argument, on a database of its own. Prints its report as JSON, progress on standard error. */
const size = z
  .object({
    BENCH_LETTERS: z.coerce.number().int().min(100).default(10_000),
    BENCH_ATTEMPTS: z.coerce.number().int().min(10_000).default(10_000_000),
    BENCH_ROUNDS: z.coerce.number().int().min(1).default(5),
  })
  .parse(process.env);
const load = benches[process.argv[2] ?? ''];
if (!load) throw new Error(`there is no benchmark ${process.argv[2]}`);

const endings: (() => unknown)[] = [];
let ending: Promise<void> | null = null;
/** Undoes what was started, the last first; once, whoever asks. */
function end(): Promise<void> {
  ending ??= (async () => {
    for (const work of endings.reverse()) await work();
  })();
  return ending;
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => end().finally(() => process.exit(130)));

const database = await startDatabase();
endings.push(database.stop);
process.env.DATABASE_URL = database.url;
process.env.AUTH_SECRET ??= 'a secret of the benchmarks, long enough';
const { closeDatabase } = await import('@/db/client');
endings.push(closeDatabase);

const notes: string[] = [];
const ground: Ground = {
  databaseUrl: database.url,
  postgresPid: database.pid,
  letters: size.BENCH_LETTERS,
  attempts: size.BENCH_ATTEMPTS,
  rounds: size.BENCH_ROUNDS,
  note: (text) => notes.push(text),
  atEnd: (work) => endings.push(work),
};
try {
  const bench = await load();
  const report: Report = { rows: await bench(ground), notes };
  process.stdout.write(`${JSON.stringify(report)}\n`);
} catch (error) {
  // What breaks because it was stopped is no news.
  if (!ending) console.error(error);
  process.exitCode = 1;
}
await end();
process.exit();
