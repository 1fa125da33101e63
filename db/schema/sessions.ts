import { index, pgTable, text } from 'drizzle-orm/pg-core';
import { createdAt, instant, ref } from './columns';
import { users } from './users';

/** One signed-in browser. The row's absence ends the session at once, whatever its cookie says. */
export const sessions = pgTable(
  'sessions',
  {
    /** SHA-256 of the secret in the cookie, hex. */
    tokenHash: text('token_hash').primaryKey(),
    userId: ref('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    userAgent: text('user_agent').notNull().default(''),
    lastSeenAt: instant('last_seen_at').notNull().defaultNow(),
    expiresAt: instant('expires_at').notNull(),
    createdAt: createdAt(),
  },
  (t) => [index('sessions_user').on(t.userId)],
);
