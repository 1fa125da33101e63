// First, for what it says about the order.
import '@/tests/support/request-scope';

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { getPayloadFromClientToken, put } from '@vercel/blob/client';
import { eq } from 'drizzle-orm';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { POST } from '@/app/api/uploads/route';
import { db } from '@/db/client';
import { uploads } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { takeSentImageAction } from '@/lib/uploads/actions';
import { storeImage, tidyUploads } from '@/lib/uploads/mutations';
import { imageKind, newImageName } from '@/lib/uploads/policy';
import { imageBytesMax, rawPath } from '@/lib/uploads/schema';
import { createActor, createUser } from '@/tests/support/factories';
import { listen } from '@/tests/support/listen';
import { png } from '@/tests/support/pictures';
import { withRequest } from '@/tests/support/request-scope';
import { signIn } from '@/tests/support/sign-in';

type Call = { method: string; url: string; headers: IncomingMessage['headers']; body: Buffer };
let calls: Call[] = [];
let answer: (call: Call, response: ServerResponse) => void;
/** What is kept, by its path. */
const kept = new Map<string, Buffer>();
let base = '';

/** Answers where Vercel Blob would. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method = '', url = '', headers } = request;
    const call = { method, url, headers, body: Buffer.concat(chunks) };
    calls.push(call);
    answer(call, response);
  });
});

/** Keeps, lists, serves and deletes as Vercel Blob does. */
function blob({ method, url, body }: Call, response: ServerResponse): void {
  const asked = new URL(url, base);
  const place = asked.searchParams.get('pathname');
  const about = (path: string) => ({
    url: `${base}/kept/${path}`,
    downloadUrl: `${base}/kept/${path}`,
    pathname: path,
    size: kept.get(path)?.length ?? 0,
    uploadedAt: '2026-01-01T00:00:00.000Z',
    contentType: 'image/webp',
    contentDisposition: 'inline',
    etag: '1',
  });
  if (method === 'PUT' && place) {
    kept.set(place, body);
    return void json(response, 200, about(place));
  }
  if (method === 'POST' && asked.pathname === '/delete') {
    const { urls } = JSON.parse(body.toString()) as { urls: string[] };
    for (const one of urls) kept.delete(one.slice(`${base}/kept/`.length));
    return void json(response, 200, null);
  }
  if (asked.pathname.startsWith('/kept/')) {
    const bytes = kept.get(asked.pathname.slice('/kept/'.length));
    return void (bytes ? response.writeHead(200).end(bytes) : response.writeHead(404).end());
  }
  const prefix = asked.searchParams.get('prefix') ?? '';
  const found = [...kept.keys()].filter((path) => path.startsWith(prefix));
  json(response, 200, { blobs: found.map(about), hasMore: false });
}

beforeAll(async () => {
  ({ base } = await listen(server));
  process.env.VERCEL_BLOB_API_URL = base;
  process.env.BLOB_READ_WRITE_TOKEN = 'vercel_blob_rw_store_secret';
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  calls = [];
  kept.clear();
  answer = blob;
});

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** What Blob's own client in the browser asks us for. */
const askFor = (name: string, purpose: string, cookie: string) =>
  withRequest({ cookie }, () =>
    POST(
      new Request('http://localhost:3000/api/uploads', {
        method: 'POST',
        body: JSON.stringify({
          type: 'blob.generate-client-token',
          payload: { pathname: rawPath(name), clientPayload: purpose, multipart: false },
        }),
      }),
    ),
  );

async function visitor(roles: { isStaff?: boolean } = {}) {
  const user = await createUser(db, { password: 'a sound password', ...roles });
  return { user, cookie: await signIn(user.email, 'a sound password') };
}

const take = (name: string, purpose: string, cookie: string) => {
  const form = new FormData();
  form.set('name', name);
  form.set('purpose', purpose);
  return withRequest({ cookie }, () => takeSentImageAction({ ok: null }, form));
};

describe('a picture that the browser sends to Vercel Blob by itself', () => {
  it('gets a token for one path, for pictures of 5 MB, and is made anew from there; what was sent is gone then', async () => {
    const { user, cookie } = await visitor({ isStaff: true });
    const name = newImageName();
    const response = await askFor(name, 'post', cookie);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toContain('no-store');
    const { clientToken } = (await response.json()) as { clientToken: string };
    expect(getPayloadFromClientToken(clientToken)).toMatchObject({
      pathname: rawPath(name),
      maximumSizeInBytes: imageBytesMax,
      allowedContentTypes: ['image/jpeg', 'image/png', 'image/webp', 'image/avif'],
      addRandomSuffix: false,
      allowOverwrite: false,
    });
    expect(clientToken).not.toContain('secret');

    const photo = await sharp({ create: { width: 600, height: 300, channels: 3, background: '#a06040' } })
      .jpeg()
      .withExif({ IFD0: { Copyright: 'Grace Hopper' } })
      .toBuffer();
    await put(rawPath(name), photo, { access: 'public', token: clientToken, contentType: 'image/jpeg' });
    expect(kept.has(rawPath(name))).toBe(true);

    const taken = await take(name, 'post', cookie);
    expect(taken).toMatchObject({
      ok: true,
      data: { url: expect.stringMatching(/-600x300\.webp$/), width: 600, height: 300 },
    });
    expect([...kept.keys()].some((path) => path.startsWith(`uploads/${name}`))).toBe(false);
    expect([...kept.keys()].filter((path) => path.endsWith('.webp'))).toHaveLength(2);
    for (const bytes of kept.values()) expect(bytes.includes('Grace')).toBe(false);
    const rows = await db.select().from(uploads).where(eq(uploads.ownerId, user.id));
    expect(rows).toMatchObject([{ kind: 'webp', width: 600, storage: 'blob' }]);
    // A name is good for one picture.
    expect(await take(name, 'post', cookie)).toMatchObject({ ok: false, error: { code: 'not_found' } });
  });

  it('is refused like every other when it is none, and is gone then too', async () => {
    const { cookie } = await visitor();
    const name = newImageName();
    expect((await askFor(name, 'letter', cookie)).status).toBe(200);
    kept.set(rawPath(name), Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'));
    expect(await take(name, 'letter', cookie)).toMatchObject({
      ok: false,
      error: { fields: { image: { code: 'not_an_image' } } },
    });
    expect(kept.size).toBe(0);
  });

  it('is not taken by anybody but who sent it, nor for another purpose', async () => {
    const [sender, other] = [await visitor(), await visitor({ isStaff: true })];
    const name = newImageName();
    await askFor(name, 'letter', sender.cookie);
    kept.set(rawPath(name), Buffer.from(png));
    for (const [cookie, purpose] of [
      [other.cookie, 'letter'],
      [sender.cookie, 'post'],
    ] as const)
      expect(await take(name, purpose, cookie)).toMatchObject({ ok: false, error: { code: 'not_found' } });
    expect(kept.size).toBe(1);
    expect((await take(name, 'letter', sender.cookie)).ok).toBe(true);
  });

  it('gets no token without signing in, for another’s purpose, for another path, or for a name in use', async () => {
    const { cookie } = await visitor();
    const name = newImageName();
    expect((await askFor(name, 'letter', '')).status).toBe(404);
    expect((await askFor(name, 'post', cookie)).status).toBe(404);
    expect((await askFor(name, 'else', cookie)).status).toBe(400);
    expect((await askFor('../../else', 'letter', cookie)).status).toBe(400);
    expect((await askFor(name, 'letter', cookie)).status).toBe(200);
    expect((await askFor(name, 'letter', cookie)).status).toBe(409);
    expect(calls).toEqual([]);
  });
});

describe('a picture kept by Vercel Blob', () => {
  it('is made anew and sent in all its widths, for everybody, under our own name, and answers the address it got there', async () => {
    const wide = await sharp({ create: { width: 1200, height: 600, channels: 3, background: '#a06040' } })
      .png()
      .toBuffer();
    const stored = await storeImage(await createActor(db, { isStaff: true }), {
      bytes: wide,
      purpose: 'post',
    });
    const [name] = [...kept.keys()].map((path) => path.slice('uploads/'.length).slice(0, 32));
    expect(stored).toEqual({
      ok: true,
      data: { url: `${base}/kept/uploads/${name}-1200x600.webp`, width: 1200, height: 600 },
    });
    expect([...kept.keys()].sort()).toEqual(
      ['1200x600', '480', '960'].map((size) => `uploads/${name}-${size}.webp`),
    );
    expect(calls).toHaveLength(3);
    for (const { method, headers, body } of calls) {
      expect(method).toBe('PUT');
      expect(imageKind(body)).toBe('webp');
      expect(headers).toMatchObject({
        authorization: 'Bearer vercel_blob_rw_store_secret',
        'x-content-type': 'image/webp',
        'x-add-random-suffix': '0',
        'x-cache-control-max-age': '31536000',
      });
    }
  });

  it('is removed there, copies and all, when nothing has referred to it for a day', async () => {
    const actor = await createActor(db, { isStaff: true });
    await storeImage(actor, { bytes: png, purpose: 'post' });
    expect(kept.size).toBe(1);
    const clock = fixedClock(new Date());
    const tidy = () => tidyUploads({ clock, deadline: new Date(clock.now().getTime() + 60_000) });
    expect(await tidy()).toEqual({ removed: 0 });
    clock.set(new Date(clock.now().getTime() + 25 * 3_600_000));
    // While the service is away nothing is forgotten: the next time does it.
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    answer = (_call, response) => json(response, 403, { error: { code: 'forbidden', message: 'no' } });
    expect(await tidy()).toEqual({ removed: 0 });
    answer = blob;
    clock.set(new Date(clock.now().getTime() + 3_600_000));
    expect((await tidy())?.removed).toBeGreaterThanOrEqual(1);
    expect(kept.size).toBe(0);
    expect(await db.select().from(uploads).where(eq(uploads.ownerId, actor.id))).toEqual([]);
  });

  it.each([
    [
      'refuses',
      (response: ServerResponse) => json(response, 403, { error: { code: 'forbidden', message: 'no' } }),
    ],
    ['answers without an address', (response: ServerResponse) => json(response, 200, {})],
    [
      'answers with something else than an address',
      (response: ServerResponse) => json(response, 200, { url: 'javascript:alert(1)' }),
    ],
    ['answers with garbage', (response: ServerResponse) => void response.writeHead(200).end('<html>')],
  ])('is not said to be stored when the service %s, and its key is in no log', async (_, say) => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    answer = (_call, response) => say(response);
    expect(await storeImage(await createActor(db), { bytes: png, purpose: 'letter' })).toEqual({
      ok: false,
      error: { code: 'storage_failed' },
    });
    expect(said.mock.calls.join()).toContain('upload_not_stored');
    expect(said.mock.calls.join()).not.toContain('secret');
  });

  it('costs seconds and not minutes when the service is dead, fails again and again, or never answers', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const moods = [
      (response: ServerResponse) => void response.destroy(),
      (response: ServerResponse) => json(response, 500, { error: { code: 'internal_server_error' } }),
      () => {},
    ];
    const moodOf = new Map<string, (response: ServerResponse) => void>();
    answer = ({ method, url }, response) => {
      // What was not stored is looked for, to be removed.
      if (method === 'GET') return void json(response, 200, { blobs: [], hasMore: false });
      const mood = moodOf.get(url) ?? moods[moodOf.size];
      if (!mood) throw new Error('a picture nobody stored');
      moodOf.set(url, mood);
      mood(response);
    };
    const begun = performance.now();
    const answers = await Promise.all(
      moods.map(async () => storeImage(await createActor(db), { bytes: png, purpose: 'letter' })),
    );
    expect(performance.now() - begun).toBeLessThan(13_000);
    for (const one of answers) expect(one).toEqual({ ok: false, error: { code: 'storage_failed' } });
    expect(moodOf.size).toBe(3);
  });
});
