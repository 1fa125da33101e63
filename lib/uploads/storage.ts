import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { del, list, put } from '@vercel/blob';
import { handleUpload } from '@vercel/blob/client';
import type { UploadStorage } from '@/db/enums';
import { appUrl, env } from '@/lib/env';
import { imageTypeOf } from './policy';
import { imageAccept, imageBytesMax, rawPath } from './schema';

/** How long the Blob API may take for one call. Left alone its client tries for ten minutes. */
const blobTimeoutSeconds = 10;
/** A file that is being written is moved to its place within moments; after so long nobody writes it any more. */
const partLifeMs = 3_600_000;
/** Seconds within which a browser begins to send what it got a token for. */
const tokenLifeSeconds = 300;
/** Names are never used again, so what is behind one never changes. */
export const imageLifeSeconds = 31_536_000;

/** Where new pictures are kept. */
export function storageNow(): UploadStorage {
  return env().BLOB_READ_WRITE_TOKEN ? 'blob' : 'disk';
}

function directory(): string {
  return path.resolve(/* turbopackIgnore: true */ env().MAILROOM_DATA_DIR, 'uploads');
}

function blobToken(): string {
  const { BLOB_READ_WRITE_TOKEN: token } = env();
  if (!token) throw new Error('BLOB_READ_WRITE_TOKEN is not set, and this picture is kept by Vercel Blob');
  return token;
}

/** Keeps the files of one picture and answers the absolute address of the first. Throws when it can not. */
export async function keepFiles(
  storage: UploadStorage,
  files: { name: string; bytes: Uint8Array }[],
): Promise<string> {
  const urls = await Promise.all(
    files.map(({ name, bytes }) =>
      storage === 'blob' ? putBlob(name, bytes) : writeWhole(directory(), name, bytes),
    ),
  );
  if (!urls[0]) throw new Error('a picture without files');
  return urls[0];
}

/** Removes all files of a picture, also those of one that was never finished. Throws when it can not; may be asked again. */
export async function removeFiles(storage: UploadStorage, name: string): Promise<void> {
  if (storage === 'blob') {
    const found = await timely((call) => list({ ...call, prefix: `uploads/${name}`, limit: 20 }));
    const urls = found.blobs.map(({ url }) => url);
    if (urls.length > 0) await timely((call) => del(urls, call));
    return;
  }
  for (const file of await filesOnDisk())
    if (file.startsWith(name)) await rm(path.join(directory(), file), { force: true });
}

/** Removes from the disk what was begun to be written and never finished. Answers how many. */
export async function removeHalfWritten(now: Date): Promise<number> {
  let removed = 0;
  for (const file of await filesOnDisk()) {
    if (!file.endsWith('.part')) continue;
    const place = path.join(directory(), file);
    const age = await stat(place).then(
      ({ mtimeMs }) => now.getTime() - mtimeMs,
      // It has just been moved to its place.
      () => 0,
    );
    if (age < partLifeMs) continue;
    await rm(place, { force: true });
    removed += 1;
  }
  return removed;
}

async function filesOnDisk(): Promise<string[]> {
  try {
    return await readdir(directory());
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

const isMissing = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/**
 * A picture that is kept on this machine's disk; null for names that are not ours, and for pictures that are not here. What
 * Vercel Blob keeps, it serves itself; pictures from before it was set up go on being served from here.
 */
export async function findLocalImage(
  name: string,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; type: string } | null> {
  const type = imageTypeOf(name);
  if (!type) return null;
  try {
    return { bytes: new Uint8Array(await readFile(path.join(directory(), name))), type };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/**
 * What Vercel Blob's own client in the browser wants to hear before it sends one picture by itself: a token for this path, these
 * types and this size, good for five minutes.
 */
export function tokenForBrowser(request: Request, name: string): Promise<object> {
  return handleUpload({
    request,
    token: blobToken(),
    body: {
      type: 'blob.generate-client-token',
      payload: { pathname: rawPath(name), clientPayload: null, multipart: false },
    },
    onBeforeGenerateToken: async () => ({
      allowedContentTypes: imageAccept.split(','),
      maximumSizeInBytes: imageBytesMax,
      addRandomSuffix: false,
      allowOverwrite: false,
      validUntil: Date.now() + tokenLifeSeconds * 1000,
    }),
  });
}

/** What a browser has sent to Vercel Blob by itself; null when nothing is there, or more than a picture may have. */
export async function findSent(name: string): Promise<Uint8Array | null> {
  // Asked by its beginning: nothing there is an answer and not an error.
  const found = await timely((call) => list({ ...call, prefix: rawPath(name), limit: 1 }));
  const [sent] = found.blobs;
  if (!sent || sent.size > imageBytesMax) return null;
  return timely(async ({ abortSignal }) => {
    const response = await fetch(sent.url, { signal: abortSignal, cache: 'no-store' });
    if (!response.ok || !response.body) throw new Error(`Vercel Blob answered ${response.status}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body) {
      length += chunk.length;
      if (length > imageBytesMax) return null;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  });
}

async function putBlob(name: string, bytes: Uint8Array): Promise<string> {
  const { url } = await timely((call) =>
    put(`uploads/${name}`, Buffer.from(bytes), {
      ...call,
      access: 'public',
      addRandomSuffix: false,
      contentType: imageTypeOf(name) ?? 'application/octet-stream',
      cacheControlMaxAge: imageLifeSeconds,
    }),
  );
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Error('Vercel Blob answered without an address');
  return url;
}

/** Asks Vercel Blob, for ten seconds at most. */
async function timely<T>(ask: (call: { token: string; abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const answer = ask({ token: blobToken(), abortSignal: controller.signal });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // The client looks at the signal between its waits only, so we do not wait for it; its own late failure is known already.
      answer.catch(() => {});
      controller.abort();
      reject(new Error(`no answer from Vercel Blob within ${blobTimeoutSeconds} s`));
    }, blobTimeoutSeconds * 1000);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Writes beside the place and moves it there, so that a name never has half a picture behind it, even after a power cut. */
async function writeWhole(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  await mkdir(folder, { recursive: true });
  const temporary = path.join(folder, `.${randomBytes(16).toString('hex')}.part`);
  try {
    const file = await open(temporary, 'wx', 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path.join(folder, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return `${appUrl()}/api/uploads/${name}`;
}
