import { sql } from 'drizzle-orm';
import { index, integer, pgTable, text } from 'drizzle-orm/pg-core';
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
    index('batches_leased').on(t.leasedUntil).where(sql`${t.endedAt} is null`),
    index('batches_run').on(t.runId).where(sql`${t.endedAt} is null`),
  ],
);
