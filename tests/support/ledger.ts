import { asc, eq, sql } from 'drizzle-orm';
import { expect } from 'vitest';
import { db } from '@/db/client';
import { deliveries, runs, runTallies } from '@/db/schema';
import { differingSums } from './sums';

/*
 * What a test asks of the ledger after something happened to it.
 */

export const runsOf = (mailingId: number) =>
  db.select().from(runs).where(eq(runs.mailingId, mailingId)).orderBy(asc(runs.slotAt), asc(runs.id));

export const deliveriesOf = (runId: number) =>
  db.select().from(deliveries).where(eq(deliveries.runId, runId)).orderBy(asc(deliveries.id));

/** The tally of a run; fails where it, or any sum of any run that pages read, is not what counting the rows gives. */
export async function recount(runId: number) {
  const [tally] = await db.select().from(runTallies).where(eq(runTallies.runId, runId));
  const [rows] = await db.execute<Record<string, number>>(sql`
    select count(*)::int as total,
      (count(*) filter (where d.status = 'queued' and c.delivery_id is null))::int as queued,
      (count(*) filter (where d.status = 'queued' and c.delivery_id is not null))::int as sending,
      (count(*) filter (where d.status = 'sent'))::int as sent,
      (count(*) filter (where d.status = 'failed'))::int as failed,
      (count(*) filter (where d.status = 'skipped'))::int as skipped,
      (count(*) filter (where d.status = 'expired'))::int as expired,
      (count(*) filter (where d.status = 'cancelled'))::int as cancelled,
      (count(*) filter (where d.status = 'unknown'))::int as unknown
    from deliveries d
    left join claimed_deliveries c on c.run_id = d.run_id and c.delivery_id = d.id
    where d.run_id = ${runId}`);
  const [tried] = await db.execute<Record<string, number>>(sql`
    select (count(*) filter (where status = 'success'))::int as "attemptsSucceeded",
      (count(*) filter (where status = 'failure'))::int as "attemptsFailed",
      (count(*) filter (where status = 'unknown'))::int as "attemptsUnknown"
    from attempts where run_id = ${runId}`);
  const { runId: _run, mailingId: _mailing, ownerId: _owner, ...counted } = tally ?? {};
  expect(counted).toEqual({ ...rows, ...tried });
  expect(await db.execute(sql.raw(differingSums))).toEqual([]);
  return counted as Record<
    'total' | 'queued' | 'sending' | 'sent' | 'failed' | 'skipped' | 'expired' | 'cancelled' | 'unknown',
    number
  >;
}

/** How many deliveries of a run ended for which reason: `cancelled stopped`, `sent`. */
export async function endings(runId: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status, reason } of await deliveriesOf(runId)) {
    const ending = reason ? `${status} ${reason}` : status;
    counts[ending] = (counts[ending] ?? 0) + 1;
  }
  return counts;
}
