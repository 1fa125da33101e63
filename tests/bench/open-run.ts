import { sql } from 'drizzle-orm';
import { db } from '@/db/client';
import { insertRun } from '@/lib/sending/ledger';
import { median, type Row, seconds, spread } from './ground';
import { dueMailing, stock } from './stock';

const howMany = 100_000;
const rounds = 5;

/** Opening a run of 100,000 deliveries ÷ the bare INSERT … SELECT into an equal table with the same indexes. */
export async function benchOpenRun(): Promise<Row> {
  const owner = await stock(howMany);
  await db.execute(sql`drop table if exists bare_deliveries`);
  await db.execute(sql`create table bare_deliveries (like deliveries including all)`);
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const measureOurs = async () => {
      await db.execute(sql`truncate runs, deliveries cascade`);
      const mailingId = await dueMailing(owner, new Date());
      const run = { mailingId, kind: 'manual' as const, slotAt: null, deadlineAt: null, now: new Date() };
      ours.push(
        await seconds(async () => {
          const opened = await db.transaction((tx) =>
            insertRun(tx, { ...run, fromEmail: 'bench@bench.test', linkBase: 'http://localhost:3000' }),
          );
          if (opened?.deliveries !== howMany) throw new Error(`opened ${opened?.deliveries} deliveries`);
        }),
      );
    };
    const measureBare = async () => {
      await db.execute(sql`truncate bare_deliveries`);
      bare.push(
        await seconds(async () => {
          const inserted = await db.execute(sql`
            insert into bare_deliveries (run_id, client_id, email, full_name, status)
            select 1, id, email, full_name, 'queued' from clients where owner_id = ${owner.ownerId} order by id`);
          if ((inserted as unknown as { count: number }).count !== howMany)
            throw new Error('the bare insert is short');
        }),
      );
    };
    // The order alternates, so that neither side always finds the warmer cache.
    for (const measure of round % 2 ? [measureOurs, measureBare] : [measureBare, measureOurs])
      await measure();
  }
  await db.execute(sql`drop table bare_deliveries`);
  const ratios = ours.map((time, round) => time / (bare[round] ?? Number.NaN));
  const ratio = median(ratios);
  return {
    what: 'open a run of 100,000 ÷ bare INSERT … SELECT (time)',
    ours: `${median(ours).toFixed(2)} s`,
    peer: `${median(bare).toFixed(2)} s`,
    ratio,
    spread: spread(ratios),
    bar: '≤ 1.5',
    isMet: ratio <= 1.5,
  };
}
