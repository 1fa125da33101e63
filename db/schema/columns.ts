import { bigint, timestamp } from 'drizzle-orm/pg-core';

/** A surrogate key: 64-bit, ascending with creation, so that keyset paging by it is paging by age. */
export const id = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
/** A reference to a surrogate key. */
export const ref = (name: string) => bigint(name, { mode: 'number' });
/** An instant, UTC, microseconds. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
export const createdAt = () => instant('created_at').notNull().defaultNow();
export const updatedAt = () => instant('updated_at').notNull().defaultNow();
