import { sql } from 'drizzle-orm';
import { check, index, pgEnum, pgTable, smallint, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { deliveryStatuses } from '../enums';
import { id, instant, ref } from './columns';

export const deliveryStatusEnum = pgEnum('delivery_status', deliveryStatuses);

/** One run × one client: what is queued, claimed, and ends in one outcome. */
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
    status: deliveryStatusEnum('status').notNull(),
    /** Why it ended as it did, as a code; null for queued, sending and sent. */
    reason: text('reason'),
    /** Tries that count against the limit: those the recipient's side answered. */
    tries: smallint('tries').notNull().default(0),
    /** Not before this instant, by the engine's clock; null = at once. */
    nextTryAt: instant('next_try_at'),
    /** The claim that took it last; null before the first. */
    batchId: ref('batch_id'),
    /** When it ended; null while queued or sending. */
    endedAt: instant('ended_at'),
  },
  (t) => [
    uniqueIndex('deliveries_run_client').on(t.runId, t.clientId),
    index('deliveries_queued')
      .on(t.runId, t.nextTryAt.asc().nullsFirst(), t.id)
      .where(sql`${t.status} = 'queued'`),
    index('deliveries_sending').on(t.batchId).where(sql`${t.status} = 'sending'`),
    // Few rows of a run that went well, so it costs little and finds the rare outcomes of a large one.
    index('deliveries_not_sent')
      .on(t.runId, t.status, t.clientId)
      .where(sql`${t.status} in ('failed', 'skipped', 'expired', 'cancelled', 'unknown')`),
    index('deliveries_client').on(t.clientId, t.id),
    check('deliveries_sending_has_batch', sql`${t.status} <> 'sending' or ${t.batchId} is not null`),
    check('deliveries_ended', sql`(${t.status} in ('queued', 'sending')) = (${t.endedAt} is null)`),
  ],
);
