import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, pgTable, pgView, text } from 'drizzle-orm/pg-core';
import { createdAt, id, instant, ref } from './columns';
import { runs } from './runs';

/**
 * One claim: deliveries of one run that one engine has taken, under one lease. Where the transport repeats safely the row
 * also freezes what a repeat needs: its members point to it, and key and digest tell that the bytes are the same.
 */
export const batches = pgTable(
  'batches',
  {
    id: id(),
    runId: ref('run_id')
      .notNull()
      .references(() => runs.id, { onDelete: 'cascade' }),
    /**
     * A first claim holds the untouched deliveries (no `batch_id`, no `next_try_at`) of its run whose id lies between these two; a
     * claim of what comes again has neither, and its deliveries name it in `batch_id`.
     */
    firstId: ref('first_id'),
    lastId: ref('last_id'),
    /** Deliveries it has claimed that have neither ended nor gone back to the queue. */
    outstanding: integer('outstanding').notNull().default(0),
    /**
     * The intent: deliveries of it that may be on their way, on disk before the first of them is handed over. Each becomes an
     * attempt when what became of it is recorded, or `unknown` when nobody does. Empty: nothing is on its way.
     */
    intended: bigint('intended', { mode: 'number' }).array().notNull().default(sql`'{}'`),
    /** When that was put on disk, by the engine's clock; null before the first time. */
    intendedAt: instant('intended_at'),
    /** How many times something was intended: what is recorded names the intent it answers by this number. */
    parcel: integer('parcel').notNull().default(0),
    /** Name of the transport it was claimed for. */
    transport: text('transport').notNull(),
    /** The engine that holds the lease; null while it waits to be repeated. */
    holder: text('holder'),
    /** End of the lease, by the database's clock. */
    leasedUntil: instant('leased_until').notNull(),
    /** What makes a repeat harmless at the provider; null where the transport knows no such key. */
    idempotencyKey: text('idempotency_key'),
    /** SHA-256 of the bytes handed over, hex; null before the first try. */
    digest: text('digest'),
    /** When it was first handed over; a key is good for 24 hours from then. */
    firstTriedAt: instant('first_tried_at'),
    /** When to repeat it; null = it is not waiting. */
    repeatAt: instant('repeat_at'),
    repeats: integer('repeats').notNull().default(0),
    /** Null while its deliveries are being sent. */
    endedAt: instant('ended_at'),
    createdAt: createdAt(),
  },
  (t) => [
    // Of live batches only, and not on the lease, which is renewed all the time.
    index('batches_live').on(t.runId).where(sql`${t.endedAt} is null`),
    check('batches_range', sql`(${t.firstId} is null) = (${t.lastId} is null)`),
    check('batches_outstanding', sql`${t.outstanding} >= 0`),
    check('batches_intended', sql`${t.endedAt} is null or ${t.intended} = '{}'`),
  ],
);

/** What live batches have claimed and not yet settled: these deliveries are being sent. */
export const claimedDeliveries = pgView('claimed_deliveries', {
  batchId: ref('batch_id').notNull(),
  deliveryId: ref('delivery_id').notNull(),
  runId: ref('run_id').notNull(),
}).as(sql`
  select b.id as batch_id, d.id as delivery_id, d.run_id
  from batches b join deliveries d on d.id between b.first_id and b.last_id and d.run_id = b.run_id
  where b.ended_at is null and d.status = 'queued' and d.batch_id is null and d.next_try_at is null
  union all
  select b.id, d.id, d.run_id from batches b join deliveries d on d.batch_id = b.id
  where b.ended_at is null and b.first_id is null and d.status = 'queued' and d.next_try_at is null`);
