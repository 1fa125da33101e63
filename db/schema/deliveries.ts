import { sql } from 'drizzle-orm';
import { check, index, pgEnum, pgTable, smallint, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { deliveryStatuses } from '../enums';
import { answerKindEnum } from './attempts';
import { id, instant, ref } from './columns';

export const deliveryStatusEnum = pgEnum('delivery_status', deliveryStatuses);

/**
 * One run × one client: what is queued, claimed, and ends in one outcome. On disk it is `queued` until it ends; that it is being
 * sent is told by the batch that has claimed it, so that a claim writes one row instead of hundreds.
 */
export const deliveries = pgTable(
  'deliveries',
  {
    id: id(),
    /**
     * No foreign key, which would look up the run once a row and makes opening a run of 100,000 a third slower: a statement trigger
     * refuses rows of no run, and one on `runs` takes them along.
     */
    runId: ref('run_id').notNull(),
    /** The client it was made for. No foreign key: history outlives the client. */
    clientId: ref('client_id').notNull(),
    /** Frozen address. */
    email: text('email').notNull(),
    /** Frozen name. */
    fullName: text('full_name').notNull(),
    /** Never `sending`: see above. */
    status: deliveryStatusEnum('status').notNull(),
    /** Why it ended as it did, as a code; null for queued, sending and sent. */
    reason: text('reason'),
    /** Tries that count against the limit: those the recipient's side answered. */
    tries: smallint('tries').notNull().default(0),
    /**
     * Not before this instant, by the engine's clock. Only what has to come again has one: retries, what was given back, what is
     * finished later. Null with `batch_id` null: nobody has claimed it yet, or its first claim has it.
     */
    nextTryAt: instant('next_try_at'),
    /** The claim that took it again; null when it was claimed once at most, then the claim's range tells. */
    batchId: ref('batch_id'),
    /** When it ended; null while queued or sending. */
    endedAt: instant('ended_at'),
    /** The outcome if it is another than sent; null before the end, and for what was sent. */
    miss: deliveryStatusEnum('miss').generatedAlwaysAs(
      sql`case when status in ('failed', 'skipped', 'expired', 'cancelled', 'unknown') then status end`,
    ),
    /** Of what failed or is unknown: what the answer that ended it means. Kept in step with the status by a trigger. */
    kind: answerKindEnum('kind'),
  },
  (t) => [
    uniqueIndex('deliveries_run_client').on(t.runId, t.clientId),
    index('deliveries_again').on(t.runId, t.nextTryAt, t.id).where(sql`${t.nextTryAt} is not null`),
    // No index names `status`: a letter that is sent at the first try changes nothing that is indexed, and its row is updated in
    // place (HOT). The outcomes that somebody looks for among many have a column of their own.
    index('deliveries_missed').on(t.runId, t.miss, t.clientId).where(sql`${t.miss} is not null`),
    index('deliveries_kind').on(t.runId, t.kind, t.clientId).where(sql`${t.kind} is not null`),
    index('deliveries_batch').on(t.batchId).where(sql`${t.batchId} is not null`),
    index('deliveries_client').on(t.clientId, t.id),
    check('deliveries_ended', sql`(${t.status} = 'queued') = (${t.endedAt} is null)`),
    check('deliveries_kind_of_miss', sql`(${t.kind} is not null) = (${t.status} in ('failed', 'unknown'))`),
    check('deliveries_next_try', sql`${t.status} = 'queued' or ${t.nextTryAt} is null`),
  ],
);
