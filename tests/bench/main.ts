import { cpus } from 'node:os';
import { type Row, startDatabase, startSink } from './ground';

/*
 * `npm run bench [-- --only open|send|memory]`: every bar against a limit or a peer in the same run. Exits 1 when one is missed.
 * BENCH_LETTERS and BENCH_MEMORY_LETTERS change the sizes for a quick look.
 */
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const letters = Number(process.env.BENCH_LETTERS ?? 10_000);
const memoryLetters = Number(process.env.BENCH_MEMORY_LETTERS ?? 100_000);

const database = await startDatabase();
process.env.DATABASE_URL = database.url;
process.env.AUTH_SECRET ??= 'a secret of the benchmarks, long enough';
const { benchOpenRun } = await import('./open-run');
const { benchSend } = await import('./send');
const { benchMemory } = await import('./memory');
const { closeDatabase } = await import('@/db/client');
const sink = await startSink();

const benches: Record<string, () => Promise<Row>> = {
  open: benchOpenRun,
  send: () => benchSend(sink, letters),
  memory: () => benchMemory(sink, memoryLetters),
};
const rows: Row[] = [];
try {
  for (const [name, bench] of Object.entries(benches)) {
    if (only && only !== name) continue;
    const row = await bench();
    rows.push(row);
    console.log(
      `${row.isMet ? 'met   ' : 'MISSED'} ${row.what}: ${row.ours} against ${row.peer}, ratio ${row.ratio.toFixed(2)} (${row.spread}), bar ${row.bar}`,
    );
  }
} finally {
  sink.stop();
  await closeDatabase();
  await database.stop();
}
console.log(`\n${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}\n`);
console.log('| what | Mailroom | against | ratio | spread | bar |\n|---|---|---|---|---|---|');
for (const row of rows)
  console.log(
    `| ${row.what} | ${row.ours} | ${row.peer} | ${row.ratio.toFixed(2)} | ${row.spread} | ${row.bar} |`,
  );
process.exit(rows.every((row) => row.isMet) && rows.length > 0 ? 0 : 1);
