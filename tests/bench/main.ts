import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { benches, parts } from './benches';
import { outputOf, type Report, type Row, reportSchema, spawnScript } from './ground';

/*
 * `npm run bench [-- --only name,name]`: every bar against a limit or a peer in the same run, each benchmark in a process of its
 * own on a database of its own. Exits 1 when a bar is missed or a benchmark fails.
 * BENCH_LETTERS (10,000) and BENCH_ROUNDS (5) make it a quick look.
 */
const { values } = parseArgs({ options: { only: { type: 'string' } } });
const chosen = values.only?.split(',') ?? Object.keys(benches).filter((name) => !parts.includes(name));
const unheard = chosen.filter((name) => !(name in benches));
if (unheard.length > 0) {
  console.error(
    `There is no benchmark ${unheard.join(', ')}. There are: ${Object.keys(benches).join(', ')}.`,
  );
  process.exit(2);
}

const load = loadavg()[0] ?? 0;
if (load > 0.5) console.error(`This machine is busy (load ${load.toFixed(1)}): measure on a quiet one.`);

const rows: Row[] = [];
const notes: string[] = [];
const failed: string[] = [];
for (const name of chosen) {
  console.error(name);
  try {
    const report: Report = reportSchema.parse(JSON.parse(await outputOf(spawnScript('one.ts', [name]))));
    rows.push(...report.rows);
    notes.push(...report.notes.map((note) => `${name}: ${note}`));
  } catch (error) {
    failed.push(name);
    console.error(error);
  }
}

const columns = ['what', 'Mailroom', 'against', 'ratio', 'spread', 'must', 'aim', 'met'];
const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
console.log(
  `\n${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}\n`,
);
console.log([line(columns), line(columns.map(() => '---'))].join('\n'));
for (const { what, ours, peer, ratio, spread, must, aim, met } of rows)
  console.log(line([what, ours, peer, ratio, spread, must, aim, met]));
if (notes.length > 0) console.log(`\n${notes.map((note) => `- ${note}`).join('\n')}`);
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}`);
process.exit(failed.length === 0 && rows.every((row) => row.met !== 'NO') ? 0 : 1);
