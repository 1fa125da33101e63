import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  boolean,
  check,
  index,
  pgEnum,
  pgTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { localeNames } from '../enums';
import { createdAt, id, instant, ref, updatedAt } from './columns';

export const localeEnum = pgEnum('locale', localeNames);

/** Accounts. */
export const users = pgTable(
  'users',
  {
    id: id(),
    /** As typed, trimmed. */
    email: text('email').notNull(),
    /** Lower case, domain as A-labels; what makes an address the same address. */
    emailKey: text('email_key').notNull(),
    name: text('name').notNull(),
    /** argon2id, encoded with its parameters. */
    passwordHash: text('password_hash').notNull(),
    /** IANA zone. */
    timeZone: text('time_zone').notNull().default('UTC'),
    locale: localeEnum('locale').notNull().default('en'),
    isStaff: boolean('is_staff').notNull().default(false),
    isSuperuser: boolean('is_superuser').notNull().default(false),
    /** Demo data: such an account signs in from loopback only. */
    isDemo: boolean('is_demo').notNull().default(false),
    /** Null until the link of the confirmation letter is opened. */
    confirmedAt: instant('confirmed_at'),
    /** Null: not blocked. */
    blockedAt: instant('blocked_at'),
    blockedById: ref('blocked_by_id').references((): AnyPgColumn => users.id, { onDelete: 'set null' }),
    blockedReason: text('blocked_reason'),
    /** What substring search looks in. */
    search: text('search').notNull().generatedAlwaysAs(sql`lower(email || ' ' || name)`),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex('users_email_key').on(t.emailKey),
    index('users_blocked_by').on(t.blockedById).where(sql`${t.blockedById} is not null`),
    index('users_search').using('gin', t.search.op('gin_trgm_ops')),
    // The few that managers look for among many.
    index('users_staff').on(t.id).where(sql`${t.isStaff}`),
    index('users_blocked').on(t.id).where(sql`${t.blockedAt} is not null`),
    index('users_unconfirmed').on(t.id).where(sql`${t.confirmedAt} is null`),
    check('users_superuser_is_staff', sql`not ${t.isSuperuser} or ${t.isStaff}`),
    check('users_blocked_with_reason', sql`(${t.blockedAt} is null) = (${t.blockedReason} is null)`),
    check('users_name_length', sql`length(${t.name}) between 1 and 200`),
  ],
);
