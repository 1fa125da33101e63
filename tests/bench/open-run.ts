import { sql } from 'drizzle-orm';
import { db } from '@/db/client';
import { insertRun } from '@/lib/sending/ledger';
import { compare, type Ground, type Row, rowOf, timed, whole } from './ground';
import { dueMailing, stock } from './stock';

/** Opening a run of 100,000 deliveries ÷ the bare INSERT … SELECT into an equal table with the same indexes. */
export async function benchOpenRun(ground: Ground): Promise<Row[]> {
  const howMany = ground.letters * 10;
  const owner = await stock(howMany);
  await db.execute(sql`create table bare_deliveries (like deliveries including all)`);
  const measured = await compare(
    ground,
    async () => {
      await db.execute(sql`truncate runs, deliveries cascade`);
      const mailingId = await dueMailing(owner, new Date());
      const run = { mailingId, kind: 'manual' as const, slotAt: null, deadlineAt: null, now: new Date() };
      const { time, busy } = await timed(ground, null, async () => {
        const opened = await db.transaction((tx) =>
          insertRun(tx, { ...run, fromEmail: 'bench@bench.test', linkBase: 'http://localhost:3000' }),
        );
        if (opened?.deliveries !== howMany) throw new Error(`opened ${opened?.deliveries} deliveries`);
      });
      return { value: time, busy };
    },
    async () => {
      await db.execute(sql`truncate bare_deliveries`);
      const { time, busy } = await timed(ground, null, () =>
        db.execute(sql`
          insert into bare_deliveries (run_id, client_id, email, full_name, status)
          select 1, id, email, full_name, 'queued' from clients where owner_id = ${owner.ownerId} order by id`),
      );
      const [bare] = await db.execute<{ count: string }>(sql`select count(*) from bare_deliveries`);
      if (Number(bare?.count) !== howMany) throw new Error('the bare insert is short');
      return { value: time, busy };
    },
  );
  const row = {
    what: `open a run of ${whole(howMany)} ÷ bare INSERT … SELECT (time)`,
    ...measured,
    ours: `${measured.ours.toFixed(2)} s`,
    peer: `${measured.peer.toFixed(2)} s`,
  };
  return [rowOf(row, { sign: '≤', must: 1.5, aim: null })];
}
