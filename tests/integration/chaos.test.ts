import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Cluster } from '@/tests/chaos/ground';
import { type RowName, rows, runTrial, startClusterFor } from '@/tests/chaos/rows';

/*
 * The short form of `npm run test:chaos`: one fixed seed of each row, with real processes and PostgreSQL servers of their own.
 * A failure names the command that repeats it.
 */
let cluster: Cluster;
let mortal: Cluster;

beforeAll(async () => {
  [cluster, mortal] = await Promise.all([startClusterFor('kill'), startClusterFor('postgres')]);
}, 120_000);
afterAll(async () => {
  await Promise.all([cluster?.stop(), mortal?.stop()]);
}, 60_000);

describe.concurrent('while a run is being sent', () => {
  it.each<[promise: string, row: RowName, seed: number]>([
    ['engines killed over SMTP forget nobody, mail nobody twice, and list what is in doubt', 'kill', 2],
    ['engines killed over Resend leave nobody in doubt', 'resend', 3],
    ['eight engines at once mail each client once', 'race', 3],
    ['an engine that wakes late changes nothing of what others did meanwhile', 'freeze', 2],
    ['a database that goes away loses nobody, and the worker goes on when it is back', 'postgres', 5],
    ['nothing leaves after a gate has closed, and all are accounted for', 'gates', 30],
  ])('%s', { timeout: 400_000 }, async (_, row, seed) => {
    const { fellsServer = false } = rows[row] as { fellsServer?: boolean };
    const { result, notes } = await runTrial(row, seed, fellsServer ? mortal : cluster, 'short');
    const again = `again: npm run test:chaos -- --short --only ${row} --seed ${seed}`;
    if (result.problems.length > 0) throw new Error([...result.problems, ...notes, again].join('\n'));
    if (result.faults === 0) throw new Error(`no fault came about\n${notes.join('\n')}\n${again}`);
  });
});
