import { sql } from 'drizzle-orm';
import { check, index, integer, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { createdAt, id, ref, updatedAt } from './columns';
import { users } from './users';

/** People who receive mail; each belongs to one user. */
export const clients = pgTable(
  'clients',
  {
    id: id(),
    ownerId: ref('owner_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    email: text('email').notNull(),
    /** Lower case, domain as A-labels; unique within the owner. */
    emailKey: text('email_key').notNull(),
    fullName: text('full_name').notNull().default(''),
    comment: text('comment').notNull().default(''),
    /** What substring search looks in. */
    search: text('search').notNull().generatedAlwaysAs(sql`lower(email || ' ' || full_name)`),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex('clients_owner_email').on(t.ownerId, t.emailKey),
    index('clients_owner_id').on(t.ownerId, t.id),
    index('clients_owner_name').on(t.ownerId, t.fullName, t.id),
    index('clients_search').using('gin', t.ownerId, t.search.op('gin_trgm_ops')),
    check('clients_email_length', sql`length(${t.email}) between 3 and 254`),
    check('clients_name_length', sql`length(${t.fullName}) <= 200`),
    check('clients_comment_length', sql`length(${t.comment}) <= 2000`),
    check('clients_one_line', sql`${t.email} !~ '[\r\n]' and ${t.fullName} !~ '[\r\n]'`),
  ],
);

/**
 * Addresses under which letters went to clients who have been deleted since, or have another address now, so that the history of these
 * is found by them. No more than what the letters themselves keep; kept by triggers on `clients`, and gone with the owner's account.
 */
export const formerAddresses = pgTable(
  'former_addresses',
  {
    /** As in the letters, in lower case. */
    address: text('address').notNull(),
    ownerId: ref('owner_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** Whose letters these were. No foreign key: it outlives the client. */
    clientId: ref('client_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.address, t.ownerId, t.clientId] }),
    index('former_addresses_owner').on(t.ownerId),
  ],
);

/** How many clients bear an address, over all users; kept by triggers on `clients` so that unique ones can be counted. */
export const clientAddresses = pgTable(
  'client_addresses',
  {
    emailKey: text('email_key').primaryKey(),
    clients: integer('clients').notNull(),
  },
  (t) => [check('client_addresses_positive', sql`${t.clients} >= 0`)],
);
