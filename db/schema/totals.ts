import { bigint, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { instant } from './columns';

/**
 * The home page's numbers: `mailings`, `active_mailings`, `unique_clients`. Kept by triggers in the transactions that change
 * them; spread over shards so that writers do not queue behind one row. A number is the sum over its shards.
 */
export const totals = pgTable(
  'totals',
  {
    name: text('name').notNull(),
    shard: integer('shard').notNull(),
    value: bigint('value', { mode: 'number' }).notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.name, t.shard] })],
);

/** Counters of the rate limiter, one row a key and window. */
export const rateLimits = pgTable('rate_limits', {
  /** A keyed digest of what is limited (address, network), never the thing itself. */
  key: text('key').primaryKey(),
  count: integer('count').notNull(),
  /** When the window ends and the row may go. */
  resetsAt: instant('resets_at').notNull(),
});

/** One-row facts of this installation, such as when demo data was loaded. */
export const facts = pgTable('facts', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
});
