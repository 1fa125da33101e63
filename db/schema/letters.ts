import { boolean, index, pgTable, text } from 'drizzle-orm/pg-core';
import { createdAt, id, ref } from './columns';
import { users } from './users';

/** The outbox: letters kept instead of sent. */
export const letters = pgTable(
  'letters',
  {
    id: id(),
    /** Whose mailing it came from; null for letters of the system. */
    ownerId: ref('owner_id').references(() => users.id, { onDelete: 'cascade' }),
    deliveryId: ref('delivery_id'),
    isTest: boolean('is_test').notNull().default(false),
    toEmail: text('to_email').notNull(),
    subject: text('subject').notNull(),
    html: text('html').notNull(),
    text: text('text').notNull(),
    /** The letter as it would have left: headers and MIME, for reading. */
    raw: text('raw').notNull(),
    createdAt: createdAt(),
  },
  (t) => [index('letters_owner').on(t.ownerId, t.id), index('letters_to').on(t.toEmail, t.id)],
);
