import { index, pgEnum, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { suppressionReasons } from '../enums';
import { createdAt, id, ref } from './columns';
import { users } from './users';

export const suppressionReasonEnum = pgEnum('suppression_reason', suppressionReasons);

/** An address an owner may never write to again. Belongs to (owner, address) and outlives the client row. */
export const suppressions = pgTable(
  'suppressions',
  {
    id: id(),
    ownerId: ref('owner_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    emailKey: text('email_key').notNull(),
    reason: suppressionReasonEnum('reason').notNull(),
    /** The delivery whose letter brought it; null when it came another way. No foreign key: the ledger may be older or gone. */
    deliveryId: ref('delivery_id'),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('suppressions_owner_email').on(t.ownerId, t.emailKey),
    // For reports, which count those of a period.
    index('suppressions_owner_created').on(t.ownerId, t.createdAt),
    index('suppressions_created').on(t.createdAt),
  ],
);
