import { sql } from 'drizzle-orm';
import {
  check,
  foreignKey,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core';
import { audiences, mailingStatuses, periodicities } from '../enums';
import { clients } from './clients';
import { createdAt, id, instant, ref, updatedAt } from './columns';
import { messages } from './messages';
import { users } from './users';

export const audienceEnum = pgEnum('audience', audiences);
export const periodicityEnum = pgEnum('periodicity', periodicities);
export const mailingStatusEnum = pgEnum('mailing_status', mailingStatuses);

/** When, how often, which message, to which clients. */
export const mailings = pgTable(
  'mailings',
  {
    id: id(),
    ownerId: ref('owner_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    messageId: ref('message_id').notNull(),
    /** `all`: evaluated when each run opens; `chosen`: the rows of mailing_clients. */
    audience: audienceEnum('audience').notNull(),
    periodicity: periodicityEnum('periodicity').notNull(),
    /** The anchor's wall-clock time in `zone`, ISO 8601 without offset; every slot is counted from it. */
    startsLocal: text('starts_local').notNull(),
    /** IANA zone of the schedule. */
    zone: text('zone').notNull(),
    /** The anchor as an instant: slot 0. */
    startsAt: instant('starts_at').notNull(),
    /** Bounds the series and its scheduled runs; null = never. */
    endsAt: instant('ends_at'),
    status: mailingStatusEnum('status').notNull().default('created'),
    /** Held by its owner since; null = not held. */
    pausedAt: instant('paused_at'),
    /** Held by a manager since; null = not held. */
    disabledAt: instant('disabled_at'),
    disabledById: ref('disabled_by_id').references(() => users.id, { onDelete: 'set null' }),
    disabledReason: text('disabled_reason'),
    /** The next slot to open; null = no slot left. */
    nextSlotAt: instant('next_slot_at'),
    /** The index of that slot, counted from the anchor (slot 0). */
    nextSlotIndex: integer('next_slot_index').notNull().default(0),
    /** Deleted while it has runs: kept for the ledger, hidden from lists. Null: in use. */
    archivedAt: instant('archived_at'),
    search: text('search').notNull().generatedAlwaysAs(sql`lower(name)`),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('mailings_id_owner').on(t.id, t.ownerId),
    foreignKey({
      name: 'mailings_message_of_owner',
      columns: [t.messageId, t.ownerId],
      foreignColumns: [messages.id, messages.ownerId],
    }),
    index('mailings_owner_id').on(t.ownerId, t.id),
    index('mailings_message').on(t.messageId),
    index('mailings_due').on(t.nextSlotAt).where(sql`${t.nextSlotAt} is not null`),
    index('mailings_over').on(t.id).where(sql`${t.nextSlotAt} is null and ${t.status} <> 'completed'`),
    index('mailings_status').on(t.status, t.id),
    index('mailings_paused').on(t.id).where(sql`${t.pausedAt} is not null`),
    index('mailings_disabled').on(t.id).where(sql`${t.disabledAt} is not null`),
    index('mailings_search').using('gin', t.ownerId, t.search.op('gin_trgm_ops')),
    check('mailings_name_length', sql`length(${t.name}) between 1 and 200`),
    check('mailings_name_one_line', sql`${t.name} !~ '[\r\n]'`),
    check('mailings_end_after_start', sql`${t.endsAt} is null or ${t.endsAt} > ${t.startsAt}`),
    check('mailings_disabled_with_reason', sql`(${t.disabledAt} is null) = (${t.disabledReason} is null)`),
    check('mailings_completed_has_no_slot', sql`${t.status} <> 'completed' or ${t.nextSlotAt} is null`),
  ],
);

/** The clients chosen for a mailing whose audience is `chosen`. */
export const mailingClients = pgTable(
  'mailing_clients',
  {
    mailingId: ref('mailing_id')
      .notNull()
      .references(() => mailings.id, { onDelete: 'cascade' }),
    clientId: ref('client_id')
      .notNull()
      .references(() => clients.id, { onDelete: 'cascade' }),
  },
  (t) => [primaryKey({ columns: [t.mailingId, t.clientId] }), index('mailing_clients_client').on(t.clientId)],
);
