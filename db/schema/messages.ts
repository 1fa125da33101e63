import { sql } from 'drizzle-orm';
import { check, index, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { createdAt, id, instant, ref, updatedAt } from './columns';
import { users } from './users';

/** Subject and body, reusable by many mailings. */
export const messages = pgTable(
  'messages',
  {
    id: id(),
    ownerId: ref('owner_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** A Liquid template, one line. */
    subject: text('subject').notNull(),
    /** Sanitised HTML with Liquid in it. */
    body: text('body').notNull(),
    /** Deleted while in use: kept for its mailings, hidden from lists. Null: in use. */
    archivedAt: instant('archived_at'),
    search: text('search').notNull().generatedAlwaysAs(sql`lower(subject)`),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('messages_id_owner').on(t.id, t.ownerId),
    index('messages_owner_id').on(t.ownerId, t.id),
    index('messages_search').using('gin', t.ownerId, t.search.op('gin_trgm_ops')),
    check('messages_subject_length', sql`length(${t.subject}) between 1 and 200`),
    check('messages_subject_one_line', sql`${t.subject} !~ '[\r\n]'`),
    check('messages_body_length', sql`octet_length(${t.body}) <= 204800`),
  ],
);
