import { and, desc, eq, gt, isNull, ne, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { audit, postSlugs, posts } from '@/db/schema';
import { recordAudit } from '@/lib/audit/mutations';
import type { AuditAction } from '@/lib/audit/schema';
import { databaseErrorCode, done, type Result, refuse, refuseField } from '@/lib/errors';
import { type Actor, canManagePosts } from '@/lib/policy/rules';
import { managed } from '@/lib/policy/scopes';
import { toInstant } from '@/lib/recurrence/slots';
import { storeImage } from '@/lib/uploads/mutations';
import { sanitizeArticle } from './sanitize';
import { bodyOctetsMax, daysKept, type Saved, saysSomething } from './schema';
import { firstFree, isSlugOfTitle, slugOfTitle, toSlug } from './slug';

/**
 * What a change concerns: the list of drafts, and the public addresses of articles that are or become published, now or at their
 * date; none when the public never heard of any of it.
 */
export type Touched = { drafts: boolean; slugs: string[] };
/** What a mutation answers, with what whoever keeps copies has to forget. */
type Changed<T> = Result<T & { touched: Touched }>;

type Fields = {
  title: string;
  /** Empty: made from the title, or left as it is once published. */
  slug: string;
  summary: string;
  body: string;
  /** Empty: none. Left out: as it was; so with what follows. */
  imageUrl?: string | undefined;
  coverAlt?: string | undefined;
  coverWidth?: number | null | undefined;
  coverHeight?: number | null | undefined;
  cover?: File | undefined;
};

type Row = typeof posts.$inferSelect;
type Seen = Pick<Row, 'slug' | 'status' | 'deletedAt'>;

/** Somebody may take an address by typing it while another's is made of a title: the loser looks again, so many times. */
const triesMax = 5;
/** An admin or a manager who writes in another's draft is written down once in so long, not with every autosave. */
const auditPauseMinutes = 60;

function touchedBy(before: Seen | null, after: Seen | null, former: string[] = []): Touched {
  const lives = [before, after].filter((seen): seen is Seen => seen !== null && seen.deletedAt === null);
  const known = lives.filter(({ status }) => status === 'published').map(({ slug }) => slug);
  return {
    drafts: lives.some(({ status }) => status === 'draft'),
    slugs: known.length > 0 ? [...new Set([...known, ...former])] : [],
  };
}

/** The body as it will be kept. Codes of the field `body`: `body_too_large`. */
function prepare(fields: Fields): Result<{ body: string }> {
  const body = sanitizeArticle(fields.body);
  if (Buffer.byteLength(body) > bodyOctetsMax)
    return refuseField('body', 'body_too_large', { max: bodyOctetsMax / 1024 });
  return done({ body: saysSomething(body) ? body : '' });
}

type Cover = Pick<Row, 'imageUrl' | 'coverAlt' | 'coverWidth' | 'coverHeight'>;

/** Picture and words of the cover, as far as the form speaks of them. Stores a file that came along; codes of `storeImage`. */
async function readCover(actor: Actor, fields: Fields): Promise<Result<Partial<Cover>>> {
  const { imageUrl, coverAlt, coverWidth, coverHeight, cover } = fields;
  const words = coverAlt === undefined ? {} : { coverAlt };
  if (cover && cover.size > 0) {
    const bytes = new Uint8Array(await cover.arrayBuffer());
    const stored = await storeImage(actor, { bytes, purpose: 'post' });
    if (stored.ok) {
      const { url, width, height } = stored.data;
      return done({ ...words, imageUrl: url, coverWidth: width, coverHeight: height });
    }
    const { image, ...others } = stored.error.fields ?? {};
    return refuse(
      stored.error.code,
      image ? { ...others, cover: image } : stored.error.fields,
      stored.error.params,
    );
  }
  if (imageUrl === undefined) return done(words);
  if (imageUrl === '') return done({ imageUrl: null, coverAlt: '', coverWidth: null, coverHeight: null });
  return done({
    ...words,
    imageUrl,
    ...(coverWidth === undefined ? {} : { coverWidth }),
    ...(coverHeight === undefined ? {} : { coverHeight }),
  });
}

/** Addresses like `base` and `base-2` that other articles have, or had. */
async function takenLike(base: string, exceptId: number | null, tx: Db): Promise<Set<string>> {
  const like = `${base}-%`;
  const rows = await tx.execute<{ slug: string }>(sql`
    select slug from posts where deleted_at is null and (slug = ${base} or slug like ${like}) and id is distinct from ${exceptId}
    union select slug from post_slugs where (slug = ${base} or slug like ${like}) and post_id is distinct from ${exceptId}
    limit 10000`);
  return new Set([...rows].map(({ slug }) => slug));
}

/**
 * The address for an article, typed or made from the title. One that was typed may be an old address of another article, which
 * then loses it. Codes of the field `slug`: `slug_wrong` (nothing of it can stand in an address), `slug_taken` (`suggestion`).
 */
async function chooseSlug(
  typed: string,
  title: string,
  current: Pick<Row, 'id' | 'slug' | 'publishedAt'> | null,
  tx: Db,
): Promise<Result<string>> {
  const id = current?.id ?? null;
  if (typed === '') {
    // An address that readers know stays; and one with a number does not change with every letter that is typed.
    if (current && (current.publishedAt || isSlugOfTitle(current.slug, title))) return done(current.slug);
    const base = slugOfTitle(title);
    // Those who want the same one come one after the other, each seeing what the one before took, until its transaction ends.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`post_slug:${base}`}, 0))`);
    return done(firstFree(base, await takenLike(base, id, tx)));
  }
  const wanted = toSlug(typed);
  if (wanted === '') return refuseField('slug', 'slug_wrong');
  if (wanted === current?.slug) return done(wanted);
  const [other] = await tx
    .select({ id: posts.id })
    .from(posts)
    .where(and(eq(posts.slug, wanted), isNull(posts.deletedAt), id === null ? undefined : ne(posts.id, id)));
  if (!other && firstFree(wanted, new Set()) === wanted) return done(wanted);
  return slugTaken(wanted, id, tx);
}

async function slugTaken(wanted: string, id: number | null, tx: Db): Promise<Result<never>> {
  const suggestion = firstFree(wanted, new Set([...(await takenLike(wanted, id, tx)), wanted]));
  return refuseField('slug', 'slug_taken', { suggestion });
}

/** Runs it again when another took the address between looking and writing. */
async function againIfTaken<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (databaseErrorCode(error) !== '23505' || attempt >= triesMax) throw error;
    }
  }
}

/** An address that a published article takes leads nowhere else any more; the one that readers knew before leads to it. */
async function keepAddresses(known: Seen | null, after: Row, tx: Db): Promise<void> {
  if (after.status === 'published') await tx.delete(postSlugs).where(eq(postSlugs.slug, after.slug));
  if (known && known.slug !== after.slug)
    await tx
      .insert(postSlugs)
      .values({ slug: known.slug, postId: after.id })
      .onConflictDoUpdate({ target: postSlugs.slug, set: { postId: after.id, createdAt: sql`now()` } });
}

async function formerSlugs(id: number, tx: Db): Promise<string[]> {
  const rows = await tx.select({ slug: postSlugs.slug }).from(postSlugs).where(eq(postSlugs.postId, id));
  return rows.map(({ slug }) => slug);
}

function saved(row: Row): Saved {
  const { id, version, slug, imageUrl, updatedAt } = row;
  return { id, version, slug, imageUrl: imageUrl ?? '', savedAt: updatedAt.toISOString() };
}

function only(rows: Row[]): Row {
  const [row] = rows;
  if (!row) throw new Error('a row that is locked is gone');
  return row;
}

/** The article, locked until the end of the transaction; null for who is no manager, and where there is none. */
async function lock(actor: Actor, id: number, tx: Db): Promise<Row | null> {
  const [row] = await tx
    .select()
    .from(posts)
    .where(and(eq(posts.id, id), managed(actor)))
    .for('update');
  return row ?? null;
}

/** The actor's newest draft in which nothing stands yet. */
async function findBlank(actor: Actor, tx: Db): Promise<Row | null> {
  const [row] = await tx
    .select()
    .from(posts)
    .where(
      and(
        eq(posts.authorId, actor.id),
        eq(posts.status, 'draft'),
        isNull(posts.deletedAt),
        isNull(posts.publishedAt),
        isNull(posts.imageUrl),
        eq(posts.title, ''),
        eq(posts.summary, ''),
        eq(posts.body, ''),
      ),
    )
    .orderBy(desc(posts.id))
    .limit(1);
  return row ?? null;
}

/** Makes a draft of the actor's; an empty one is the empty one that they have already, if they do. Codes: `not_found` for who is no manager, those of the fields. */
export async function createPost(actor: Actor, input: Fields, on: Db = db): Promise<Changed<Saved>> {
  if (!canManagePosts(actor)) return refuse('not_found');
  const prepared = prepare(input);
  if (!prepared.ok) return prepared;
  const cover = await readCover(actor, input);
  if (!cover.ok) return cover;
  return againIfTaken(() =>
    on.transaction(async (tx) => {
      const isBlank = !input.title && !input.slug && !input.summary && !prepared.data.body;
      const blank = isBlank && !cover.data.imageUrl ? await findBlank(actor, tx) : null;
      if (blank) return done({ ...saved(blank), touched: { drafts: false, slugs: [] } });
      const slug = await chooseSlug(input.slug, input.title, null, tx);
      if (!slug.ok) return slug;
      const row = only(
        await tx
          .insert(posts)
          .values({
            title: input.title,
            summary: input.summary,
            body: prepared.data.body,
            ...cover.data,
            slug: slug.data,
            authorId: actor.id,
            editorId: actor.id,
          })
          .returning(),
      );
      return done({ ...saved(row), touched: touchedBy(null, row) });
    }),
  );
}

/**
 * Changes what an article says, whoever wrote it, unless somebody else changed it since `version`: then `post_changed`, and
 * nothing is written. `auto` saves drafts only: what is published changes when its writer says so. Further codes: `not_found`,
 * `post_deleted`, those of the fields; a published one must have `title` and `body` (`required`).
 */
export async function savePost(
  actor: Actor,
  input: Fields & { id: number; version: number; auto?: 'on' | undefined },
  { now }: { now: Date },
  on: Db = db,
): Promise<Changed<Saved>> {
  if (!canManagePosts(actor)) return refuse('not_found');
  const prepared = prepare(input);
  if (!prepared.ok) return prepared;
  const cover = await readCover(actor, input);
  if (!cover.ok) return cover;
  return againIfTaken(() =>
    on.transaction(async (tx) => {
      const before = await lock(actor, input.id, tx);
      const ready = checkOpen(before, input.version);
      if (!ready.ok) return ready;
      const post = ready.data;
      if (post.status === 'published') {
        if (input.auto) return refuse('not_a_draft');
        const missing = missingIn({ title: input.title, body: prepared.data.body });
        if (missing) return missing;
      }
      const slug = await chooseSlug(input.slug, input.title, post, tx);
      if (!slug.ok) return slug;
      const after = only(
        await tx
          .update(posts)
          .set({
            title: input.title,
            summary: input.summary,
            body: prepared.data.body,
            ...cover.data,
            slug: slug.data,
            editorId: actor.id,
            version: sql`${posts.version} + 1`,
            updatedAt: sql`now()`,
          })
          .where(eq(posts.id, post.id))
          .returning(),
      );
      await keepAddresses(post.publishedAt && post.publishedAt <= now ? post : null, after, tx);
      await auditForeign(actor, 'update_post', post, after, tx);
      const former = post.slug === after.slug ? [] : await formerSlugs(post.id, tx);
      return done({ ...saved(after), touched: touchedBy(post, after, former) });
    }),
  );
}

/**
 * Publishes an article now, or at a time in the actor's zone: one to come makes it scheduled, one that is over is the date it
 * bears. Moves one that is published already. Codes: those of {@link savePost}, and `at`: `date_wrong`.
 */
export async function publishPost(
  actor: Actor,
  input: { id: number; version: number; when: 'now' | 'at'; at: string },
  { now }: { now: Date },
  on: Db = db,
): Promise<Changed<Saved & { publishedAt: string; isScheduled: boolean }>> {
  const publishedAt = input.when === 'now' ? now : toInstant(input.at, actor.timeZone);
  if (!publishedAt) return refuseField('at', 'date_wrong');
  return on.transaction(async (tx) => {
    const before = await lock(actor, input.id, tx);
    const ready = checkOpen(before, input.version);
    if (!ready.ok) return ready;
    const missing = missingIn(ready.data);
    if (missing) return missing;
    const after = await write(actor, ready.data, { status: 'published', publishedAt }, 'publish_post', tx);
    await keepAddresses(null, after, tx);
    return done({
      ...saved(after),
      publishedAt: publishedAt.toISOString(),
      isScheduled: publishedAt > now,
      touched: touchedBy(ready.data, after, await formerSlugs(after.id, tx)),
    });
  });
}

/** Makes a draft of a published or scheduled article; its text stays. Codes: `not_found`, `post_deleted`. */
export async function unpublishPost(
  actor: Actor,
  input: { id: number },
  { now }: { now: Date },
  on: Db = db,
): Promise<Changed<Saved>> {
  return on.transaction(async (tx) => {
    const before = await lock(actor, input.id, tx);
    const ready = checkOpen(before, null);
    if (!ready.ok) return ready;
    const { publishedAt } = ready.data;
    // Nobody has seen one that was only scheduled: it has no date, and no address that must be kept.
    const kept = publishedAt && publishedAt <= now ? publishedAt : null;
    const after = await write(
      actor,
      ready.data,
      { status: 'draft', publishedAt: kept },
      'unpublish_post',
      tx,
    );
    return done({
      ...saved(after),
      touched: touchedBy(ready.data, after, await formerSlugs(after.id, tx)),
    });
  });
}

/** Deletes an article so that it can be brought back for {@link daysKept} days. Codes: `not_found`, `post_deleted`. */
export async function deletePost(
  actor: Actor,
  input: { id: number },
  { now }: { now: Date },
  on: Db = db,
): Promise<Changed<{ id: number }>> {
  return on.transaction(async (tx) => {
    const before = await lock(actor, input.id, tx);
    const ready = checkOpen(before, null);
    if (!ready.ok) return ready;
    const after = await write(actor, ready.data, { deletedAt: now }, 'delete_post', tx);
    return done({
      id: after.id,
      touched: touchedBy(ready.data, after, await formerSlugs(after.id, tx)),
    });
  });
}

/**
 * Brings a deleted article back as it was; where its address has been taken meanwhile, under the next one that is free. Code:
 * `not_found`.
 */
export async function restorePost(actor: Actor, input: { id: number }, on: Db = db): Promise<Changed<Saved>> {
  return againIfTaken(() =>
    on.transaction(async (tx) => {
      const before = await lock(actor, input.id, tx);
      if (!before?.deletedAt) return refuse('not_found');
      const slug = firstFree(before.slug, await livingLike(before.slug, tx));
      const after = await write(actor, before, { deletedAt: null, slug }, 'restore_post', tx);
      await keepAddresses(null, after, tx);
      return done({
        ...saved(after),
        touched: touchedBy(before, after, await formerSlugs(after.id, tx)),
      });
    }),
  );
}

/** Removes for good what was deleted more than {@link daysKept} days ago, at most 500 at a time; answers how many. */
export async function purgePosts({ now }: { now: Date }, on: Db = db): Promise<number> {
  const before = new Date(now.getTime() - daysKept * 86_400_000);
  const gone = await on
    .delete(posts)
    .where(
      sql`${posts.id} in (select id from posts where deleted_at < ${before.toISOString()}::timestamptz
        order by deleted_at limit 500 for update skip locked)`,
    )
    .returning({ id: posts.id });
  return gone.length;
}

async function livingLike(base: string, tx: Db): Promise<Set<string>> {
  const rows = await tx
    .select({ slug: posts.slug })
    .from(posts)
    .where(and(isNull(posts.deletedAt), sql`(${posts.slug} = ${base} or ${posts.slug} like ${`${base}-%`})`))
    .limit(10_000);
  return new Set(rows.map(({ slug }) => slug));
}

/** May it be changed from the version that the writer knows? `null`: whatever version it is. */
function checkOpen(row: Row | null, version: number | null): Result<Row> {
  if (!row) return refuse('not_found');
  if (row.deletedAt) return refuse('post_deleted');
  if (version !== null && row.version !== version) return refuse('post_changed');
  return done(row);
}

function missingIn({ title, body }: { title: string; body: string }): Result<never> | null {
  const fields = {
    ...(title === '' ? { title: { code: 'required' } } : {}),
    ...(saysSomething(body) ? {} : { body: { code: 'required' } }),
  };
  return Object.keys(fields).length > 0 ? refuse('invalid', fields) : null;
}

/** Changes what an article is, and not what it says. */
async function write(
  actor: Actor,
  before: Row,
  change: Partial<Pick<Row, 'status' | 'publishedAt' | 'deletedAt' | 'slug'>>,
  action: AuditAction,
  tx: Db,
): Promise<Row> {
  const after = only(
    await tx
      .update(posts)
      .set({ ...change, version: sql`${posts.version} + 1` })
      .where(eq(posts.id, before.id))
      .returning(),
  );
  await auditForeign(actor, action, before, after, tx);
  return after;
}

/** Every change of another's article is written down, in the transaction that makes it. */
async function auditForeign(
  actor: Actor,
  action: AuditAction,
  before: Row,
  after: Row,
  tx: Db,
): Promise<void> {
  if (before.authorId === actor.id) return;
  const isDrafting = action === 'update_post' && before.status === 'draft';
  if (isDrafting && (await wroteLately(actor, action, before.id, tx))) return;
  await recordAudit(
    actor,
    { action, targetType: 'post', targetId: before.id, before: told(before), after: told(after) },
    tx,
  );
}

function told({ title, slug, summary, body, imageUrl, status, publishedAt, deletedAt }: Row) {
  return { title, slug, summary, body, imageUrl, status, publishedAt, isDeleted: deletedAt !== null };
}

async function wroteLately(actor: Actor, action: AuditAction, id: number, tx: Db): Promise<boolean> {
  const rows = await tx
    .select({ id: audit.id })
    .from(audit)
    .where(
      and(
        eq(audit.targetType, 'post'),
        eq(audit.targetId, id),
        eq(audit.actorId, actor.id),
        eq(audit.action, action),
        gt(audit.createdAt, sql`now() - make_interval(mins => ${auditPauseMinutes})`),
      ),
    )
    .limit(1);
  return rows.length > 0;
}
