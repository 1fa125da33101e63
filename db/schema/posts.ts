import { sql } from 'drizzle-orm';
import { check, index, integer, pgEnum, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { postStatuses } from '../enums';
import { createdAt, id, instant, ref, updatedAt } from './columns';
import { users } from './users';

export const postStatusEnum = pgEnum('post_status', postStatuses);

/** Blog articles. */
export const posts = pgTable(
  'posts',
  {
    id: id(),
    title: text('title').notNull(),
    slug: text('slug').notNull(),
    summary: text('summary').notNull().default(''),
    /** Sanitised HTML. */
    body: text('body').notNull(),
    /** Public address of the picture; null = none. */
    imageUrl: text('image_url'),
    views: integer('views').notNull().default(0),
    status: postStatusEnum('status').notNull().default('draft'),
    /** When it went or goes public; null for a draft never published. */
    publishedAt: instant('published_at'),
    /** Null once the author's account is gone. */
    authorId: ref('author_id').references(() => users.id, { onDelete: 'set null' }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex('posts_slug').on(t.slug),
    index('posts_published').on(t.publishedAt, t.id).where(sql`${t.status} = 'published'`),
    check('posts_published_has_date', sql`${t.status} <> 'published' or ${t.publishedAt} is not null`),
  ],
);
