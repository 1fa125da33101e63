import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, lte, ne, type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { type Db, db } from '@/db/client';
import { postSlugs, posts, users } from '@/db/schema';
import type { Locale } from '@/lib/i18n/paths';
import { countLimit, decodeCursor, likePattern, type Page, pageSize, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { managed } from '@/lib/policy/scopes';
import { readingOf, relatedTo } from './reading';
import type { PostLine, PostState } from './schema';
import { isSlugOfTitle } from './slug';

/** What a list of articles shows of one. Instants are ISO 8601, because a cached answer is JSON. */
export type PostCard = {
  slug: string;
  title: string;
  summary: string;
  imageUrl: string | null;
  coverAlt: string;
  /** Pixels; null = unknown. */
  coverWidth: number | null;
  coverHeight: number | null;
  publishedAt: string;
  author: string | null;
  /** Of the text; the interface may speak another. */
  language: Locale;
  /** How long it takes to read, at least 1. */
  minutes: number;
};

/** A page of the public list, and how many there are; no page has none but the first of an empty blog. */
export type PostPage = { posts: PostCard[]; pages: number };

/** An article whole, with nothing left out, for those who read it elsewhere. */
export type FeedPost = PostCard & { id: number; body: string; updatedAt: string };

/** What leads from one article to others. */
export type Surroundings = {
  newer: PostCard | null;
  older: PostCard | null;
  related: PostCard[];
};

export type Post = PostCard & { id: number; body: string; views: number; updatedAt: string };

const card = {
  slug: posts.slug,
  title: posts.title,
  summary: posts.summary,
  imageUrl: posts.imageUrl,
  coverAlt: posts.coverAlt,
  coverWidth: posts.coverWidth,
  coverHeight: posts.coverHeight,
  publishedAt: posts.publishedAt,
  author: users.name,
  body: posts.body,
};

/** Published, not before its time, and not deleted. */
export function isPublic(now: Date): SQL {
  return (
    and(eq(posts.status, 'published'), lte(posts.publishedAt, now), isNull(posts.deletedAt)) ?? sql`false`
  );
}

type CardRow = { title: string; body: string; publishedAt: Date | null };

function toCard<Row extends CardRow>({ body, ...row }: Row) {
  const publishedAt = (row.publishedAt ?? new Date(0)).toISOString();
  return { ...row, publishedAt, ...readingOf(row.title, body) };
}

const isoOfLater = (...dates: (Date | null)[]) =>
  new Date(Math.max(...dates.map((date) => date?.getTime() ?? 0))).toISOString();

/** With its text. What was written before it was published has not changed since. */
function toPost<Row extends CardRow & { updatedAt: Date }>(row: Row) {
  return { ...toCard(row), body: row.body, updatedAt: isoOfLater(row.updatedAt, row.publishedAt) };
}

const newestFirst = [desc(posts.publishedAt), desc(posts.id)];

/** The public articles from `offset` on, the newest first. Anybody may read them, so there is no actor. */
export async function listPublishedPosts(
  { now, limit, offset = 0 }: { now: Date; limit: number; offset?: number },
  on: Db = db,
): Promise<PostCard[]> {
  const rows = await on
    .select(card)
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .where(isPublic(now))
    .orderBy(...newestFirst)
    .limit(limit)
    .offset(offset);
  return rows.map(toCard);
}

/** A page of the public articles, the newest first; `number` counts from 1. Null beyond the last one; the first is always there. */
export async function findPostPage(
  { now, number, size }: { now: Date; number: number; size: number },
  on: Db = db,
): Promise<PostPage | null> {
  const pages = Math.max(1, Math.ceil((await on.$count(posts, isPublic(now))) / size));
  if (number < 1 || number > pages) return null;
  return { posts: await listPublishedPosts({ now, limit: size, offset: (number - 1) * size }, on), pages };
}

/** The newest public articles with their whole texts. */
export async function listWholePosts(
  { now, limit }: { now: Date; limit: number },
  on: Db = db,
): Promise<FeedPost[]> {
  const rows = await on
    .select({ ...card, id: posts.id, updatedAt: posts.updatedAt })
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .where(isPublic(now))
    .orderBy(...newestFirst)
    .limit(limit);
  return rows.map(toPost);
}

/** Where the public articles are found, and when each changed last; the newest first, so many at most. */
export async function listAddresses(
  { now, limit }: { now: Date; limit: number },
  on: Db = db,
): Promise<{ slug: string; updatedAt: string }[]> {
  const rows = await on
    .select({ slug: posts.slug, updatedAt: posts.updatedAt, publishedAt: posts.publishedAt })
    .from(posts)
    .where(isPublic(now))
    .orderBy(...newestFirst)
    .limit(limit);
  return rows.map(({ slug, updatedAt, publishedAt }) => ({
    slug,
    updatedAt: isoOfLater(updatedAt, publishedAt),
  }));
}

/**
 * What a reader of a public article may go on with: its neighbours in time, and up to three of the 500 newest others that are about
 * the same ({@link relatedTo}). Nothing for what is not public.
 */
export async function findSurroundings(
  { slug, now }: { slug: string; now: Date },
  on: Db = db,
): Promise<Surroundings> {
  const [post] = await on
    .select({ id: posts.id, title: posts.title, summary: posts.summary })
    .from(posts)
    .where(and(isPublic(now), eq(posts.slug, slug)))
    .limit(1);
  if (!post) return { newer: null, older: null, related: [] };
  // In the database: it keeps microseconds, and a Date does not.
  const here = sql`(select at.published_at, at.id from posts at where at.id = ${post.id})`;
  const beside = (isNewer: boolean) =>
    on
      .select({ id: posts.id })
      .from(posts)
      .where(
        and(isPublic(now), sql`(${posts.publishedAt}, ${posts.id}) ${sql.raw(isNewer ? '>' : '<')} ${here}`),
      )
      .orderBy(...(isNewer ? [asc(posts.publishedAt), asc(posts.id)] : newestFirst))
      .limit(1);
  const [[newer], [older], others] = await Promise.all([
    beside(true),
    beside(false),
    on
      .select({ id: posts.id, title: posts.title, summary: posts.summary })
      .from(posts)
      .where(and(isPublic(now), ne(posts.id, post.id)))
      .orderBy(...newestFirst)
      .limit(500),
  ]);
  const related = relatedTo(post, others, 5)
    .filter(({ id }) => id !== newer?.id && id !== older?.id)
    .slice(0, 3)
    .map(({ id }) => id);
  const wanted = [newer?.id, older?.id, ...related].filter((id) => id !== undefined);
  if (wanted.length === 0) return { newer: null, older: null, related: [] };
  const rows = await on
    .select({ id: posts.id, ...card })
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .where(and(isPublic(now), inArray(posts.id, wanted)));
  const cards = new Map(rows.map(({ id, ...row }) => [id, toCard(row)]));
  const cardOf = (id: number | undefined) => (id === undefined ? null : (cards.get(id) ?? null));
  return {
    newer: cardOf(newer?.id),
    older: cardOf(older?.id),
    related: related.map(cardOf).filter((found) => found !== null),
  };
}

/** Some public articles by chance, out of the 500 newest. */
export async function pickPublishedPosts(
  { now, count }: { now: Date; count: number },
  on: Db = db,
): Promise<PostCard[]> {
  const newest = on
    .select({ id: posts.id })
    .from(posts)
    .where(isPublic(now))
    .orderBy(...newestFirst)
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
  on: Db = db,
): Promise<Post | null> {
  const [row] = await on
    .select({ ...card, id: posts.id, views: posts.views, updatedAt: posts.updatedAt })
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .where(and(isPublic(now), eq(posts.slug, slug)))
    .limit(1);
  return row ? toPost(row) : null;
}

/** The address that a public article has now which once had this one; null when there is none. */
export async function findMovedPost(
  { slug, now }: { slug: string; now: Date },
  on: Db = db,
): Promise<string | null> {
  const [row] = await on
    .select({ slug: posts.slug })
    .from(postSlugs)
    .innerJoin(posts, eq(posts.id, postSlugs.postId))
    .where(and(eq(postSlugs.slug, slug), isPublic(now)))
    .limit(1);
  return row?.slug ?? null;
}

/** The instant (ISO 8601) at which an article, or the one at `slug`, becomes public next; null when none is planned. */
export async function findNextPublication(
  { now, slug }: { now: Date; slug?: string | undefined },
  on: Db = db,
): Promise<string | null> {
  const [row] = await on
    .select({ publishedAt: posts.publishedAt })
    .from(posts)
    .where(and(states.scheduled(now), slug === undefined ? undefined : eq(posts.slug, slug)))
    .orderBy(posts.publishedAt)
    .limit(1);
  return row?.publishedAt?.toISOString() ?? null;
}

// ---- the managers' side

const states: Record<PostState, (now: Date) => SQL | undefined> = {
  draft: () => and(eq(posts.status, 'draft'), isNull(posts.deletedAt)),
  scheduled: (now) => and(eq(posts.status, 'published'), gt(posts.publishedAt, now), isNull(posts.deletedAt)),
  published: (now) => isPublic(now),
  deleted: () => isNotNull(posts.deletedAt),
};

/** By what a list is ordered. The next scheduled one comes first; everything else is newest first. */
function orderOf(state: PostState | undefined) {
  switch (state) {
    case 'scheduled':
      return { column: posts.publishedAt, isAscending: true };
    case 'published':
      return { column: posts.publishedAt, isAscending: false };
    case 'deleted':
      return { column: posts.deletedAt, isAscending: false };
    default:
      return { column: posts.updatedAt, isAscending: false };
  }
}

function foundPosts(actor: Actor, q: string | undefined): SQL | undefined {
  const pattern = likePattern(q?.replaceAll('\0', ''));
  return and(managed(actor), pattern ? sql`${posts.search} like ${pattern}` : undefined);
}

const stateOf = (now: Date) =>
  sql<PostState>`case when ${posts.deletedAt} is not null then 'deleted' when ${posts.status} = 'draft' then 'draft'
    when ${posts.publishedAt} > ${now.toISOString()}::timestamptz then 'scheduled' else 'published' end`;

const microseconds = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

/**
 * A page of the articles, whoever wrote them; empty for who is no manager. Without a state: all that are not deleted, those
 * written last first. `q` is looked for inside title and summary. Rows that stay are seen once however many come or go.
 */
export async function listPosts(
  actor: Actor,
  input: {
    now: Date;
    q?: string | undefined;
    state?: PostState | undefined;
    after?: string | undefined;
    size?: number;
  },
  on: Db = db,
): Promise<Page<PostLine>> {
  const { now, state, size = pageSize } = input;
  const { column, isAscending } = orderOf(state);
  // To the microsecond, which a Date does not hold.
  const at = sql<string>`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const [key, id] = decodeCursor(input.after) ?? [];
  const from =
    typeof key === 'string' && microseconds.test(key) && Number.isSafeInteger(id)
      ? sql`(${column}, ${posts.id}) ${sql.raw(isAscending ? '>' : '<')} (${key}::timestamptz, ${id})`
      : undefined;
  const direction = sql.raw(isAscending ? 'asc' : 'desc');
  const rows = await on
    .select({
      id: posts.id,
      title: posts.title,
      slug: posts.slug,
      state: stateOf(now),
      author: users.name,
      views: posts.views,
      publishedAt: posts.publishedAt,
      updatedAt: posts.updatedAt,
      deletedAt: posts.deletedAt,
      at,
    })
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .where(and(foundPosts(actor, input.q), state ? states[state](now) : isNull(posts.deletedAt), from))
    .orderBy(sql`${column} ${direction}, ${posts.id} ${direction}`)
    .limit(size + 1);
  const page = toPage(rows, size, (last) => [last.at, last.id]);
  return {
    next: page.next,
    items: page.items.map(({ at: _, publishedAt, updatedAt, deletedAt, ...line }) => ({
      ...line,
      publishedAt: publishedAt?.toISOString() ?? null,
      updatedAt: updatedAt.toISOString(),
      deletedAt: deletedAt?.toISOString() ?? null,
    })),
  };
}

/** How many articles of each state `q` finds, and how often those were read, among at most 10,000; zeros for who is no manager. */
export async function countPosts(
  actor: Actor,
  { q, now }: { q?: string | undefined; now: Date },
  on: Db = db,
): Promise<Record<PostState | 'views', number>> {
  const found = on
    .select({ state: stateOf(now).as('state'), views: posts.views })
    .from(posts)
    .where(foundPosts(actor, q))
    .limit(countLimit)
    .as('found');
  const of = (state: PostState) => sql<number>`(count(*) filter (where ${found.state} = ${state}))::int`;
  const [row] = await on
    .select({
      draft: of('draft'),
      scheduled: of('scheduled'),
      published: of('published'),
      deleted: of('deleted'),
      views: sql<number>`coalesce(sum(${found.views}) filter (where ${found.state} <> 'deleted'), 0)::int`,
    })
    .from(found);
  if (!row) throw new Error('a count returned no row');
  return row;
}

/** An article as its editor needs it, deleted or not; null for who is no manager, and where there is none. */
export async function findPost(actor: Actor, { id, now }: { id: number; now: Date }, on: Db = db) {
  if (!Number.isSafeInteger(id)) return null;
  const editors = alias(users, 'editors');
  const [row] = await on
    .select({
      id: posts.id,
      title: posts.title,
      slug: posts.slug,
      summary: posts.summary,
      body: posts.body,
      imageUrl: posts.imageUrl,
      coverAlt: posts.coverAlt,
      coverWidth: posts.coverWidth,
      coverHeight: posts.coverHeight,
      views: posts.views,
      version: posts.version,
      state: stateOf(now),
      publishedAt: posts.publishedAt,
      updatedAt: posts.updatedAt,
      deletedAt: posts.deletedAt,
      authorId: posts.authorId,
      author: users.name,
      editor: editors.name,
    })
    .from(posts)
    .leftJoin(users, eq(users.id, posts.authorId))
    .leftJoin(editors, eq(editors.id, posts.editorId))
    .where(and(eq(posts.id, id), managed(actor)))
    .limit(1);
  if (!row) return null;
  /** Its address follows the title: nobody chose another, and no reader knows it. */
  return {
    ...row,
    ...readingOf(row.title, row.body),
    hasSlugOfTitle: !row.publishedAt && isSlugOfTitle(row.slug, row.title),
  };
}
export type EditedPost = NonNullable<Awaited<ReturnType<typeof findPost>>>;
