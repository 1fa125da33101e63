import { and, desc, eq, inArray, lte, type SQL, sql } from 'drizzle-orm';
import { db } from '@/db/client';
import { posts, users } from '@/db/schema';

/** What a list of articles shows of one. Instants are ISO 8601, because a cached answer is JSON. */
export type PostCard = {
  slug: string;
  title: string;
  summary: string;
  imageUrl: string | null;
  publishedAt: string;
  author: string | null;
};

export type Post = PostCard & { id: number; body: string; views: number; updatedAt: string };

const card = {
  slug: posts.slug,
  title: posts.title,
  summary: posts.summary,
  imageUrl: posts.imageUrl,
  publishedAt: posts.publishedAt,
  author: users.name,
};

/** Published, and not before its time. */
function isPublic(now: Date): SQL {
  return and(eq(posts.status, 'published'), lte(posts.publishedAt, now)) ?? sql`false`;
}

function toCard<Row extends { publishedAt: Date | null }>(row: Row) {
  return { ...row, publishedAt: (row.publishedAt ?? new Date(0)).toISOString() };
}

/** The newest public articles. Anybody may read them, so there is no actor. */
export async function listPublishedPosts(
  { now, limit }: { now: Date; limit: number },
  on: typeof db = db,
): Promise<PostCard[]> {
  const rows = await on
    .select(card)
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .where(isPublic(now))
    .orderBy(desc(posts.publishedAt), desc(posts.id))
    .limit(limit);
  return rows.map(toCard);
}

/** Some public articles by chance, out of the 500 newest. */
export async function pickPublishedPosts(
  { now, count }: { now: Date; count: number },
  on: typeof db = db,
): Promise<PostCard[]> {
  const newest = on
    .select({ id: posts.id })
    .from(posts)
    .where(isPublic(now))
    .orderBy(desc(posts.publishedAt), desc(posts.id))
    .limit(500)
    .as('newest');
  const rows = await on
    .select(card)
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .where(inArray(posts.id, on.select({ id: newest.id }).from(newest)))
    .orderBy(sql`random()`)
    .limit(count);
  return rows.map(toCard);
}

/** One public article; null for a draft as for nothing at all. */
export async function findPublishedPost(
  { slug, now }: { slug: string; now: Date },
  on: typeof db = db,
): Promise<Post | null> {
  const [row] = await on
    .select({ ...card, id: posts.id, body: posts.body, views: posts.views, updatedAt: posts.updatedAt })
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .where(and(isPublic(now), eq(posts.slug, slug)))
    .limit(1);
  return row ? { ...toCard(row), updatedAt: row.updatedAt.toISOString() } : null;
}
