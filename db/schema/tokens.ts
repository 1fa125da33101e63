import { index, pgEnum, pgTable, text } from 'drizzle-orm/pg-core';
import { tokenKinds } from '../enums';
import { createdAt, instant, ref } from './columns';
import { users } from './users';

export const tokenKindEnum = pgEnum('token_kind', tokenKinds);

/** Single-use links that were mailed. */
export const tokens = pgTable(
  'tokens',
  {
    /** SHA-256 of the secret in the link, hex. */
    tokenHash: text('token_hash').primaryKey(),
    userId: ref('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    kind: tokenKindEnum('kind').notNull(),
    /** The new address, for `change_email`; null otherwise. */
    newEmail: text('new_email'),
    expiresAt: instant('expires_at').notNull(),
    /** Null: not used yet. */
    usedAt: instant('used_at'),
    createdAt: createdAt(),
  },
  (t) => [index('tokens_user_kind').on(t.userId, t.kind)],
);
