import { and, eq, isNull, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { UploadPurpose, UploadStorage } from '@/db/enums';
import { uploads } from '@/db/schema';
import { type Clock, systemClock } from '@/lib/clock';
import { done, type Result, refuse, refuseField } from '@/lib/errors';
import { log } from '@/lib/log';
import { type Actor, canManage } from '@/lib/policy/rules';
import { type Limit, takeToken } from '@/lib/rate-limit';
import { newImageName } from './policy';
import { reencodeImage } from './reencode';
import { imageBytesMax, imageMegabytesMax, type StoredImage } from './schema';
import { findSent, keepFiles, removeFiles, removeHalfWritten, storageNow } from './storage';

/** Pictures one user may store: more than anybody writes letters with, and at most 300 MB. */
const perUser: Limit = { limit: 60, windowSeconds: 3600 };

type Asked = { purpose: UploadPurpose };

/**
 * Makes a picture anew ({@link reencodeImage}) and keeps it under a name of our own; answers its absolute address and its size.
 * Codes of the field `image`: `required`, `too_big` (`max` in megabytes) and those of {@link reencodeImage}; of the whole:
 * `not_found` (pictures of posts are for managers), `too_many_requests` (`minutes`), `storage_failed`.
 */
export async function storeImage(
  actor: Actor,
  { bytes, purpose }: Asked & { bytes: Uint8Array },
  on: Db = db,
): Promise<Result<StoredImage>> {
  if (!mayStore(actor, purpose)) return refuse('not_found');
  if (bytes.length === 0) return refuseField('image', 'required');
  if (bytes.length > imageBytesMax) return refuseField('image', 'too_big', { max: imageMegabytesMax });
  const refusal = await takeTurn(actor, on);
  return refusal ?? keepAnew(actor, { bytes, purpose }, on);
}

/**
 * Lets a browser send a picture to Vercel Blob by itself, under a name that it made: notes the name, so that nothing is left there
 * unknown. Codes: `not_found` where Blob is not set up or the purpose is not the actor's, `taken`, `too_many_requests`.
 */
export async function openSending(
  actor: Actor,
  { name, purpose }: Asked & { name: string },
  on: Db = db,
): Promise<Result<{ name: string }>> {
  if (storageNow() !== 'blob' || !mayStore(actor, purpose)) return refuse('not_found');
  const refusal = await takeTurn(actor, on);
  if (refusal) return refusal;
  const [opened] = await on
    .insert(uploads)
    .values({ name, ownerId: actor.id, purpose, storage: 'blob' })
    .onConflictDoNothing()
    .returning({ name: uploads.name });
  return opened ? done(opened) : refuse('taken');
}

/**
 * Takes what the actor's browser has sent to Vercel Blob, makes it anew and removes what was sent. Once only. Codes: `not_found`
 * for names that were not opened for this actor, and those of {@link storeImage}.
 */
export async function takeSent(
  actor: Actor,
  { name, purpose }: Asked & { name: string },
  on: Db = db,
): Promise<Result<StoredImage>> {
  // Whoever takes it first has it: a name is good for one picture.
  const [opened] = await on
    .update(uploads)
    .set({ orphanedAt: sql`now()` })
    .where(
      and(
        eq(uploads.name, name),
        eq(uploads.ownerId, actor.id),
        eq(uploads.purpose, purpose),
        eq(uploads.storage, 'blob'),
        isNull(uploads.kind),
        isNull(uploads.orphanedAt),
      ),
    )
    .returning({ name: uploads.name });
  if (!opened) return refuse('not_found');
  try {
    const bytes = await findSent(name);
    return bytes && bytes.length > 0
      ? await keepAnew(actor, { bytes, purpose }, on)
      : refuseField('image', 'required');
  } catch (error) {
    return notStored('blob', error);
  } finally {
    await forget('blob', name, on);
  }
}

function mayStore(actor: Actor, purpose: UploadPurpose): boolean {
  return purpose === 'letter' || canManage(actor);
}

async function takeTurn(actor: Actor, on: Db): Promise<ReturnType<typeof refuse> | null> {
  const token = await takeToken('upload', String(actor.id), perUser, on);
  if (token.ok) return null;
  return refuse('too_many_requests', undefined, { minutes: Math.ceil(token.retryAfterSeconds / 60) });
}

async function keepAnew(
  actor: Actor,
  { bytes, purpose }: Asked & { bytes: Uint8Array },
  on: Db,
): Promise<Result<StoredImage>> {
  const name = newImageName();
  const anew = await reencodeImage(bytes, purpose, name);
  if (!anew.ok) return anew;
  const { kind, width, height, widths, files } = anew.data;
  const storage = storageNow();
  // The row first: a process that ends now leaves no file that nothing knows of.
  await on.insert(uploads).values({ name, ownerId: actor.id, purpose, storage });
  try {
    const url = await keepFiles(storage, files);
    const octets = files.reduce((sum, file) => sum + file.bytes.length, 0);
    await on
      .update(uploads)
      .set({ kind, width, height, widths, bytes: octets })
      .where(eq(uploads.name, name));
    return done({ url, width, height });
  } catch (error) {
    const refusal = notStored(storage, error);
    await forget(storage, name, on);
    return refusal;
  }
}

function notStored(storage: UploadStorage, error: unknown): ReturnType<typeof refuse> {
  log.warn('upload_not_stored', {
    storage,
    reason: error instanceof Error ? error.message : String(error),
  });
  return refuse('storage_failed');
}

/** Removes files, then the row they are known by. What does not work now is done by {@link tidyUploads}. */
async function forget(storage: UploadStorage, name: string, on: Db): Promise<boolean> {
  try {
    await removeFiles(storage, name);
    await on.delete(uploads).where(and(eq(uploads.name, name), isNull(uploads.sentAt)));
    return true;
  } catch (error) {
    log.warn('upload_not_removed', {
      storage,
      reason: error instanceof Error ? error.message : String(error),
    });
    return false;
  }
}

/** Hours for which nothing has to refer to a picture before it goes: whoever takes one out of a text may want it back. */
const orphanHours = 24;
/** Pictures removed by one call. */
const removedMax = 100;

/**
 * Removes pictures to which nothing has referred for a day, and files never written to their end; does so at most once an hour
 * whoever calls, at most 100 pictures, and begins nothing after `deadline`. What a letter of a run shows stays for good, whatever
 * became of the run. Answers how many went; null when it was not yet time.
 */
export async function tidyUploads(
  { clock = systemClock, deadline }: { clock?: Clock; deadline: Date },
  on: Db = db,
): Promise<{ removed: number } | null> {
  const now = clock.now();
  if (now >= deadline) return null;
  const [turn] = await on.execute(sql`
    insert into facts (name, value) values ('uploads_tidied_at', ${now.toISOString()})
    on conflict (name) do update set value = excluded.value
    where facts.value::timestamptz <= excluded.value::timestamptz - interval '1 hour'
    returning name`);
  if (!turn) return null;
  await noteOrphans(now, on);
  const orphans = await on.execute<{ name: string; storage: UploadStorage }>(sql`
    select name, storage from uploads
    where sent_at is null and orphaned_at <= ${now.toISOString()}::timestamptz - make_interval(hours => ${orphanHours})
    order by orphaned_at limit ${removedMax}`);
  let removed = 0;
  for (const { name, storage } of orphans) {
    if (clock.now() >= deadline) break;
    if (await forget(storage, name, on)) removed += 1;
  }
  await removeHalfWritten(now);
  if (removed > 0) log.info('uploads_removed', { removed });
  return { removed };
}

/**
 * Notes since when nothing refers to a picture, and that something does again. Whoever copies a text takes its pictures along, so
 * texts of all owners count. A text that may hold pictures and is not named here would lose them.
 */
async function noteOrphans(now: Date, on: Db): Promise<void> {
  await on.execute(sql`
    with texts as (
      select body from messages where body like '%/uploads/%'
      union all select body from posts where body like '%/uploads/%'
      union all select image_url from posts where image_url like '%/uploads/%'
    ), used as materialized (
      select distinct found[1] as name from texts, regexp_matches(body, '/uploads/([0-9a-f]{32})', 'g') as found
    )
    update uploads u set orphaned_at = case when used.name is null then ${now.toISOString()}::timestamptz end
    from uploads each left join used on used.name = each.name
    where u.name = each.name and u.sent_at is null and (used.name is null) = (u.orphaned_at is null)`);
}
