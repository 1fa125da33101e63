import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { Redis } from '@upstash/redis';
import { and, eq, inArray, like, lt, notInArray, or, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { facts, posts } from '@/db/schema';
import { done, type Result, refuse } from '@/lib/errors';
import { isPublic } from '@/lib/posts/queries';
import { takeToken } from '@/lib/rate-limit';
import { askUpstash, upstash, upstashMs } from '@/lib/upstash';
import { pauseMinutes } from './schema';

const dayMs = 86_400_000;
const pauseMs = pauseMinutes * 60_000;
/** Enough for a house full of readers, too few to write a number that one likes. */
const viewLimit = { limit: 300, windowSeconds: 600 };

const dayOf = (at: Date) => at.toISOString().slice(0, 10);

/** Who looks at what: `network` and `userAgent` go into a digest and are kept nowhere. */
type View = { postId: number; network: string; userAgent: string };

/**
 * Counts a view of a public article, unless the same visitor was counted for it in the last half an hour, and answers how often
 * it was read. Counted in Upstash where it is set, and brought to Postgres by {@link flushViews}; in Postgres where it is not or
 * does not answer: then whoever was counted there may count once more. Codes: `not_found`; `too_many_requests` (`seconds`) for
 * a network that asks too often.
 */
export async function countView(
  view: View,
  { now }: { now: Date },
  on: Db = db,
): Promise<Result<{ views: number }>> {
  if (!Number.isSafeInteger(view.postId) || view.postId < 1) return refuse('not_found');
  const token = await takeToken('view', view.network, viewLimit, on);
  if (!token.ok) return refuse('too_many_requests', undefined, { seconds: token.retryAfterSeconds });
  const visitors = await visitorsOf(view, now, on);
  const remote = upstash();
  if (!remote) return countInPostgres(view.postId, visitors, now, on);
  const [post] = await on
    .select({ views: posts.views })
    .from(posts)
    .where(and(eq(posts.id, view.postId), isPublic(now)));
  if (!post) return refuse('not_found');
  const deadline = performance.now() + upstashMs;
  const isNew = await askUpstash(() => noteInUpstash(remote, view.postId, visitors), deadline);
  if (isNew === null) return countInPostgres(view.postId, visitors, now, on);
  // Whether a count without an answer was made, nobody knows: it is not made again.
  const waiting = await askUpstash(
    () => countInUpstash(remote, `${view.postId}:${dayOf(now)}`, isNew),
    deadline,
  );
  return done({ views: post.views + (waiting ?? 0) });
}

// ---- who it is, as far as anybody needs to know

/** Salts of this process's last days, so that a view does not ask for one. */
const salts = new Map<string, Buffer>();
const saltName = (day: string) => `view_salt:${day}`;

/** The salt of a day: made by whoever needs it first, the same for all, and gone when the day is over. */
async function saltOf(day: string, isMade: boolean, on: Db): Promise<Buffer | null> {
  const known = salts.get(day);
  if (known) return known;
  if (isMade)
    await on
      .insert(facts)
      .values({ name: saltName(day), value: randomBytes(32).toString('base64') })
      .onConflictDoNothing();
  const [row] = await on
    .select({ value: facts.value })
    .from(facts)
    .where(eq(facts.name, saltName(day)));
  if (!row) return null;
  const salt = Buffer.from(row.value, 'base64');
  salts.set(day, salt);
  return salt;
}

/** `earlier`: the same visitor by yesterday's salt, in the first half an hour of a day. */
type Visitors = { visitor: Buffer; earlier: Buffer | null };

async function visitorsOf(view: View, now: Date, on: Db): Promise<Visitors> {
  const today = dayOf(now);
  const before = dayOf(new Date(now.getTime() - pauseMs));
  const salt = await saltOf(today, true, on);
  if (!salt) throw new Error('the salt of the day is gone');
  const old = before === today ? null : await saltOf(before, false, on);
  for (const day of salts.keys()) if (day !== today && day !== before) salts.delete(day);
  const digest = (key: Buffer) =>
    createHmac('sha256', key)
      .update(`${view.postId}\n${view.network}\n${view.userAgent}`)
      .digest()
      .subarray(0, 16);
  return { visitor: digest(salt), earlier: old && digest(old) };
}

// ---- in Postgres

async function countInPostgres(
  postId: number,
  { visitor, earlier }: Visitors,
  now: Date,
  on: Db,
): Promise<Result<{ views: number }>> {
  const at = now.toISOString();
  const since = new Date(now.getTime() - pauseMs).toISOString();
  // One statement: of many at once, the row of the visitor lets one through. Rows are locked in one order: visit, article, day.
  const rows = await on.execute<{ views: number }>(sql`
    with post as (
      select id, views from posts where id = ${postId} and ${isPublic(now)}
    ), visit as (
      insert into post_visits as v (post_id, visitor, seen_at)
      select id, ${visitor}, ${at}::timestamptz from post
      where not exists (
        select 1 from post_visits where post_id = ${postId} and visitor = ${earlier} and seen_at > ${since}::timestamptz
      )
      on conflict (post_id, visitor) do update set seen_at = excluded.seen_at where v.seen_at <= ${since}::timestamptz
      returning post_id
    ), counted as (
      update posts set views = posts.views + 1 from visit where posts.id = visit.post_id returning posts.id, posts.views
    ), by_day as (
      insert into post_views as d (post_id, day, views) select id, ${dayOf(now)}::date, 1 from counted
      on conflict (post_id, day) do update set views = d.views + 1
    )
    select coalesce(counted.views, post.views) as views from post left join counted using (id)`);
  const [row] = [...rows];
  return row ? done({ views: row.views }) : refuse('not_found');
}

/** Forgets visits that are over, and salts of days that are. At most 100,000 visits at a time. */
export async function tidyVisits({ now }: { now: Date }, on: Db = db): Promise<void> {
  const since = new Date(now.getTime() - pauseMs);
  await on.execute(sql`
    delete from post_visits where (post_id, visitor) in (
      select post_id, visitor from post_visits where seen_at <= ${since.toISOString()}::timestamptz limit 100000
    )`);
  const needed = [dayOf(since), dayOf(now)].map(saltName);
  await on.delete(facts).where(
    or(
      and(like(facts.name, saltName('%')), notInArray(facts.name, needed)),
      // Batches that nobody can still be busy with.
      and(like(facts.name, batchName('%')), lt(facts.value, new Date(now.getTime() - dayMs).toISOString())),
    ),
  );
}

// ---- in Upstash

/*
 * `mailroom:views` is a hash of what was counted and is not in Postgres yet, a field for each article and day. Flushing gives it a
 * name of its own, listed in `mailroom:views:batches` before, so that whoever dies half-way leaves a batch that the next one finds;
 * Postgres notes the name in the transaction that adds its numbers, so that they are added once.
 */
const viewsKey = 'mailroom:views';
const batchesKey = `${viewsKey}:batches`;
const visitKey = (postId: number, visitor: Buffer) =>
  `mailroom:visit:${postId}:${visitor.toString('base64url')}`;
const batchKey = (batch: string) => `${viewsKey}:${batch}`;
const batchName = (batch: string) => `view_batch:${batch}`;
/** Batches of one flush. There is one, but for those that others left. */
const batchesMax = 20;

/** Is this a visitor who was not counted lately? Notes that they were. */
async function noteInUpstash(
  remote: Redis,
  postId: number,
  { visitor, earlier }: Visitors,
): Promise<boolean> {
  if (earlier && (await remote.exists(visitKey(postId, earlier))) === 1) return false;
  const answer = await remote.set(visitKey(postId, visitor), 1, { nx: true, ex: pauseMinutes * 60 });
  if (answer !== 'OK' && answer !== null) throw new Error('an answer that makes no sense');
  return answer === 'OK';
}

/** How many views of an article and day wait to be flushed, this one among them. */
async function countInUpstash(remote: Redis, field: string, isNew: boolean): Promise<number> {
  const waiting = Number(
    isNew ? await remote.hincrby(viewsKey, field, 1) : ((await remote.hget(viewsKey, field)) ?? 0),
  );
  if (!Number.isSafeInteger(waiting) || waiting < 0) throw new Error('an answer that makes no sense');
  return waiting;
}

/**
 * Brings what was counted in Upstash to Postgres, once: whoever stops half-way, the next call goes on. Answers how many views came.
 * Does nothing where Upstash is not set or does not answer.
 */
export async function flushViews({ now }: { now: Date }, on: Db = db): Promise<number> {
  const remote = upstash();
  if (!remote) return 0;
  if (await remote.exists(viewsKey)) {
    const batch = randomUUID();
    await remote.sadd(batchesKey, batch);
    await remote.rename(viewsKey, batchKey(batch)).catch((error: unknown) => {
      // Another one was quicker: the batch of ours stays empty.
      if (!(error instanceof Error && /no such key/i.test(error.message))) throw error;
    });
  }
  let flushed = 0;
  const batches = await remote.smembers(batchesKey);
  for (const batch of batches.slice(0, batchesMax)) {
    const counts = (await remote.hgetall<Record<string, unknown>>(batchKey(batch))) ?? {};
    flushed += await addViews(batch, counts, now, on);
    await remote.del(batchKey(batch));
    await remote.srem(batchesKey, batch);
  }
  return flushed;
}

/** Adds a batch's numbers, unless that was done. Articles that are gone have none. */
async function addViews(batch: string, counts: Record<string, unknown>, now: Date, on: Db): Promise<number> {
  const rows = Object.entries(counts).flatMap(([field, count]) => {
    const [, postId, day] = /^(\d{1,15}):(\d{4}-\d{2}-\d{2})$/.exec(field) ?? [];
    const views = Number(count);
    return postId && day && Number.isSafeInteger(views) && views > 0 ? [{ postId, day, views }] : [];
  });
  if (rows.length === 0) return 0;
  return on.transaction(async (tx) => {
    const noted = await tx
      .insert(facts)
      .values({ name: batchName(batch), value: now.toISOString() })
      .onConflictDoNothing()
      .returning({ name: facts.name });
    if (noted.length === 0) return 0;
    // In the order of their ids, so that two who flush never wait for each other.
    const living = await tx
      .select({ id: posts.id })
      .from(posts)
      .where(inArray(posts.id, [...new Set(rows.map(({ postId }) => Number(postId)))]))
      .orderBy(posts.id)
      .for('update');
    const ids = new Set(living.map(({ id }) => String(id)));
    const added = rows.filter(({ postId }) => ids.has(postId));
    const json = JSON.stringify(added);
    await tx.execute(sql`
      with rows as (select * from jsonb_to_recordset(${json}::jsonb) as r("postId" bigint, day date, views integer)),
      counted as (
        update posts set views = posts.views + s.views
        from (select "postId", sum(views)::integer as views from rows group by "postId") s where posts.id = s."postId"
      )
      insert into post_views as d (post_id, day, views) select "postId", day, views from rows
      on conflict (post_id, day) do update set views = d.views + excluded.views`);
    return added.reduce((sum, { views }) => sum + views, 0);
  });
}
