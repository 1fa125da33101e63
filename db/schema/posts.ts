import { sql } from 'drizzle-orm';
import {
  check,
  customType,
  date,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { postStatuses } from '../enums';
import { createdAt, id, instant, ref, updatedAt } from './columns';
import { users } from './users';

const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const postStatusEnum = pgEnum('post_status', postStatuses);

/** Blog articles. */
export const posts = pgTable(
  'posts',
  {
    id: id(),
    /** Empty only while it is a draft. */
    title: text('title').notNull(),
    slug: text('slug').notNull(),
    summary: text('summary').notNull().default(''),
    /** Sanitised HTML. */
    body: text('body').notNull(),
    /** Public address of the picture; null = none. */
    imageUrl: text('image_url'),
    /** What the picture shows, for those who do not see it. */
    coverAlt: text('cover_alt').notNull().default(''),
    /** Pixels; null = unknown, or no picture. */
    coverWidth: integer('cover_width'),
    coverHeight: integer('cover_height'),
    views: integer('views').notNull().default(0),
    status: postStatusEnum('status').notNull().default('draft'),
    /** When it went or goes public; null for a draft never published. */
    publishedAt: instant('published_at'),
    /** Null once the author's account is gone. */
    authorId: ref('author_id').references(() => users.id, { onDelete: 'set null' }),
    /** Who changed it last; null = its author, or an account that is gone. */
    editorId: ref('editor_id').references(() => users.id, { onDelete: 'set null' }),
    /** Grows with every change of the text, so that a writer who has an older one is told. */
    version: integer('version').notNull().default(1),
    /** When it was deleted; null = it was not. Deleted ones are gone for good 30 days later. */
    deletedAt: instant('deleted_at'),
    search: text('search').notNull().generatedAlwaysAs(sql`lower(title || ' ' || summary)`),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex('posts_slug').on(t.slug).where(sql`${t.deletedAt} is null`),
    index('posts_published')
      .on(t.publishedAt, t.id)
      .where(sql`${t.status} = 'published' and ${t.deletedAt} is null`),
    index('posts_updated').on(t.updatedAt, t.id),
    index('posts_deleted').on(t.deletedAt).where(sql`${t.deletedAt} is not null`),
    index('posts_search').using('gin', t.search.op('gin_trgm_ops')),
    check('posts_published_has_date', sql`${t.status} <> 'published' or ${t.publishedAt} is not null`),
    check('posts_published_has_title', sql`${t.status} <> 'published' or ${t.title} <> ''`),
    check('posts_title_length', sql`length(${t.title}) <= 200`),
    check('posts_summary_length', sql`length(${t.summary}) <= 300`),
    check('posts_body_length', sql`octet_length(${t.body}) <= 204800`),
    check('posts_slug_shape', sql`${t.slug} ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(${t.slug}) <= 120`),
  ],
);

/** Addresses that published articles had before: each leads to the one that had it last. */
export const postSlugs = pgTable(
  'post_slugs',
  {
    slug: text('slug').primaryKey(),
    postId: ref('post_id')
      .notNull()
      .references(() => posts.id, { onDelete: 'cascade' }),
    createdAt: createdAt(),
  },
  (t) => [index('post_slugs_post').on(t.postId)],
);

/** Views of an article by day; `posts.views` is their sum, and what was counted before there were days. */
export const postViews = pgTable(
  'post_views',
  {
    postId: ref('post_id')
      .notNull()
      .references(() => posts.id, { onDelete: 'cascade' }),
    /** The day in UTC. */
    day: date('day', { mode: 'string' }).notNull(),
    views: integer('views').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.postId, t.day] }),
    index('post_views_day').on(t.day),
    check('post_views_positive', sql`${t.views} >= 0`),
  ],
);

/** Who looked at what lately, so that a visitor counts once in half an hour. Kept no longer than that. */
export const postVisits = pgTable(
  'post_visits',
  {
    postId: ref('post_id')
      .notNull()
      .references(() => posts.id, { onDelete: 'cascade' }),
    /** A digest salted anew each day: nobody can tell whose. */
    visitor: bytes('visitor').notNull(),
    /** When the visitor was counted last. */
    seenAt: instant('seen_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.postId, t.visitor] }), index('post_visits_seen').on(t.seenAt)],
);
