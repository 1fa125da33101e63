import { date, doublePrecision, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns';

/** What all engines share about a way to send: whether it waits and why, and what of its rate is used. */
export const transports = pgTable('transports', {
  /** Kind, host and user, and a keyed digest of the settings: new settings are a new row, so a mended password takes hold at once. */
  name: text('name').primaryKey(),
  /** It takes nothing before this instant; null = it does not wait. */
  waitsUntil: instant('waits_until'),
  /** When the waiting began; null = it does not wait. Ends with the first letter accepted. */
  waitsSince: instant('waits_since'),
  /** Why, as a code of the catalogue; null = it does not wait. */
  waitCode: text('wait_code'),
  /** The server's own words; null when it said none. */
  waitResponse: text('wait_response'),
  /** Waits in a row; the pause grows with them. */
  waitsInRow: integer('waits_in_row').notNull().default(0),
  /** Letters a second that it was slowed down to by the server's "slow down"; doubles with each minute since. Null = never slowed. */
  slowRate: doublePrecision('slow_rate'),
  slowedAt: instant('slowed_at'),
  /** The next request may leave at this instant, where the provider announced how many a second it takes. */
  lastRequestAt: instant('last_request_at'),
  /** Token bucket: letters that may leave at once. */
  tokens: doublePrecision('tokens').notNull().default(0),
  tokensAt: instant('tokens_at').notNull().defaultNow(),
  /** The UTC day that `day_letters` counts. */
  day: date('day', { mode: 'string' }),
  dayLetters: integer('day_letters').notNull().default(0),
});

/** Engines that report in: whether a worker lives, and when a pass last happened. */
export const engines = pgTable('engines', {
  /** Random id of the process. */
  holder: text('holder').primaryKey(),
  /** worker, cron, cli or action. */
  kind: text('kind').notNull(),
  seenAt: instant('seen_at').notNull().defaultNow(),
});
