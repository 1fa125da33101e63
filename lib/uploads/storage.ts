import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { put } from '@vercel/blob';
import { appUrl, env } from '@/lib/env';
import { done, type Result, refuse, refuseField } from '@/lib/errors';
import { log } from '@/lib/log';
import type { Actor } from '@/lib/policy/rules';
import { type Limit, takeToken } from '@/lib/rate-limit';
import { imageKind, imageTypeOf, newImageName } from './policy';
import { imageBytesMax, imageMegabytesMax, type StoredImage } from './schema';

/** Pictures one user may store: more than anybody writes letters with, and at most 300 MB. */
const perUser: Limit = { limit: 60, windowSeconds: 3600 };
/** How long the Blob API may take for one picture. Left alone its client tries for ten minutes. */
const blobTimeoutSeconds = 10;
/** Names are never used again, so what is behind one never changes. */
export const imageLifeSeconds = 31_536_000;

/** Where pictures are kept. */
type Storage = { kind: 'blob'; token: string } | { kind: 'disk'; directory: string };

function storageNow(): Storage {
  const { BLOB_READ_WRITE_TOKEN: token, MAILROOM_DATA_DIR } = env();
  if (token) return { kind: 'blob', token };
  return { kind: 'disk', directory: path.resolve(/* turbopackIgnore: true */ MAILROOM_DATA_DIR, 'uploads') };
}

/**
 * Keeps a picture for good under a name of our own and answers its absolute address. Codes of the field `image`: `required`,
 * `too_big` (`max` in megabytes), `not_an_image`; of the whole: `too_many_requests` (`minutes`), `storage_failed`.
 */
export async function storeImage(actor: Actor, bytes: Uint8Array): Promise<Result<StoredImage>> {
  if (bytes.length === 0) return refuseField('image', 'required');
  if (bytes.length > imageBytesMax) return refuseField('image', 'too_big', { max: imageMegabytesMax });
  const kind = imageKind(bytes);
  if (!kind) return refuseField('image', 'not_an_image');
  const token = await takeToken('upload', String(actor.id), perUser);
  if (!token.ok)
    return refuse('too_many_requests', undefined, { minutes: Math.ceil(token.retryAfterSeconds / 60) });

  const storage = storageNow();
  const name = newImageName(kind);
  try {
    switch (storage.kind) {
      case 'blob':
        return done({ url: await putBlob(storage.token, name, bytes) });
      case 'disk':
        await writeWhole(storage.directory, name, bytes);
        return done({ url: `${appUrl()}/api/uploads/${name}` });
    }
  } catch (error) {
    log.warn('upload_not_stored', {
      storage: storage.kind,
      reason: error instanceof Error ? error.message : String(error),
    });
    return refuse('storage_failed');
  }
}

/**
 * A picture that is kept on this machine's disk; null for names that are not ours, and for pictures that are not here. What
 * Vercel Blob keeps, it serves itself; pictures from before it was set up go on being served from here.
 */
export async function findLocalImage(
  name: string,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; type: string } | null> {
  const type = imageTypeOf(name);
  if (!type) return null;
  const directory = path.resolve(/* turbopackIgnore: true */ env().MAILROOM_DATA_DIR, 'uploads');
  try {
    return { bytes: new Uint8Array(await readFile(path.join(directory, name))), type };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function putBlob(token: string, name: string, bytes: Uint8Array): Promise<string> {
  const controller = new AbortController();
  const stored = put(`uploads/${name}`, Buffer.from(bytes), {
    access: 'public',
    addRandomSuffix: false,
    contentType: imageTypeOf(name) ?? 'application/octet-stream',
    cacheControlMaxAge: imageLifeSeconds,
    token,
    abortSignal: controller.signal,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // The client looks at the signal between its waits only, so we do not wait for it; its own late failure is known already.
      stored.catch(() => {});
      controller.abort();
      reject(new Error(`no answer from Vercel Blob within ${blobTimeoutSeconds} s`));
    }, blobTimeoutSeconds * 1000);
  });
  try {
    const { url } = await Promise.race([stored, late]);
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new Error('Vercel Blob answered without an address');
    return url;
  } finally {
    clearTimeout(timer);
  }
}

/** Writes beside the place and moves it there, so that a name never has half a picture behind it, even after a power cut. */
async function writeWhole(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(directory, { recursive: true });
  const temporary = path.join(directory, `.${randomBytes(16).toString('hex')}.part`);
  try {
    const file = await open(temporary, 'wx', 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path.join(directory, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
