import { sql } from 'drizzle-orm';
import { check, index, integer, pgEnum, pgTable, text } from 'drizzle-orm/pg-core';
import { uploadKinds, uploadPurposes, uploadStorages } from '../enums';
import { createdAt, instant, ref } from './columns';
import { users } from './users';

export const uploadPurposeEnum = pgEnum('upload_purpose', uploadPurposes);
export const uploadKindEnum = pgEnum('upload_kind', uploadKinds);
export const uploadStorageEnum = pgEnum('upload_storage', uploadStorages);

/**
 * Pictures that were stored. Written before the files are, so that no file is left without a row to find it by. `kind`, `bytes`,
 * `width` and `height` are null until all files are there: what a browser sent to Vercel Blob by itself and nobody made anew yet.
 */
export const uploads = pgTable(
  'uploads',
  {
    /** 32 hexadecimal digits that nobody guesses; the names of its files begin with them. */
    name: text('name').primaryKey(),
    /** Null once the owner's account is gone: letters and posts go on showing it. */
    ownerId: ref('owner_id').references(() => users.id, { onDelete: 'set null' }),
    purpose: uploadPurposeEnum('purpose').notNull(),
    storage: uploadStorageEnum('storage').notNull(),
    kind: uploadKindEnum('kind'),
    /** Bytes of all its files together. */
    bytes: integer('bytes'),
    /** Pixels of the largest file, as it is looked at. */
    width: integer('width'),
    height: integer('height'),
    /** Pixels of the narrower files beside it, ascending. */
    widths: integer('widths').array().notNull().default(sql`'{}'::integer[]`),
    /** Since when it is in a letter of a run, and therefore never removed; set by a trigger on `runs`. Null: in none. */
    sentAt: instant('sent_at'),
    /** Since when nothing was found to refer to it; null: something does, or nobody has looked yet. */
    orphanedAt: instant('orphaned_at'),
    createdAt: createdAt(),
  },
  (t) => [
    index('uploads_owner').on(t.ownerId),
    index('uploads_orphaned').on(t.orphanedAt).where(sql`${t.sentAt} is null`),
    check('uploads_name', sql`${t.name} ~ '^[0-9a-f]{32}$'`),
    check('uploads_whole_or_not', sql`num_nulls(${t.kind}, ${t.bytes}, ${t.width}, ${t.height}) in (0, 4)`),
    check('uploads_sizes', sql`least(${t.bytes}, ${t.width}, ${t.height}) > 0`),
  ],
);
