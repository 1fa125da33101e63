import { bigint, index, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { createdAt, instant, ref } from './columns';
import { users } from './users';

/** One signed-in browser. The row's absence ends the session at once, whatever its cookie says. */
export const sessions = pgTable(
  'sessions',
  {
    /** SHA-256 of the secret in the cookie, hex. */
    tokenHash: text('token_hash').primaryKey(),
    /** What its owner names it by when ending it from elsewhere; opens nothing. */
    id: bigint('id', { mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    userId: ref('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    userAgent: text('user_agent').notNull().default(''),
    /** Where it was signed in from: an IPv4 address or the /64 of an IPv6 one. Empty: not known. */
    network: text('network').notNull().default(''),
    lastSeenAt: instant('last_seen_at').notNull().defaultNow(),
    expiresAt: instant('expires_at').notNull(),
    createdAt: createdAt(),
  },
  (t) => [index('sessions_user').on(t.userId), uniqueIndex('sessions_id').on(t.id)],
);
