// First, for what it says about the order.
import '@/tests/support/request-scope';

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eq } from 'drizzle-orm';
import sharp from 'sharp';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { GET } from '@/app/api/uploads/[name]/route';
import { db } from '@/db/client';
import { uploads } from '@/db/schema';
import type { Result } from '@/lib/errors';
import { uploadImageAction } from '@/lib/uploads/actions';
import { storeImage } from '@/lib/uploads/mutations';
import { imageKind } from '@/lib/uploads/policy';
import { imageBytesMax, pictureAttributes } from '@/lib/uploads/schema';
import { blockUser } from '@/lib/users/mutations';
import { createActor, createUser } from '@/tests/support/factories';
import { avif, jpeg, png, webp } from '@/tests/support/pictures';
import { withRequest } from '@/tests/support/request-scope';
import { signIn } from '@/tests/support/sign-in';

const dataDir = mkdtempSync(path.join(tmpdir(), 'mailroom-uploads-'));
process.env.MAILROOM_DATA_DIR = dataDir;
const directory = path.join(dataDir, 'uploads');
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

/** What lies in the directory of pictures, half-written files too. */
function kept(): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

const serve = (name: string) =>
  GET(new Request('http://localhost:3000/api/uploads/x'), { params: Promise.resolve({ name }) });

function nameOf(result: Result<{ url: string }>): string {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.data.url.split('/').at(-1) ?? '';
}

function upload(cookie: string, bytes: Uint8Array<ArrayBuffer>, name: string, type: string) {
  const form = new FormData();
  form.set('image', new File([bytes], name, { type }));
  return withRequest({ cookie }, () => uploadImageAction({ ok: null }, form));
}

describe('a picture that is stored', () => {
  it.each([
    ['JPEG', jpeg, 'letter', 'jpg', 'image/jpeg'],
    ['PNG', png, 'letter', 'png', 'image/png'],
    ['WebP', webp, 'letter', 'jpg', 'image/jpeg'],
    ['AVIF', avif, 'letter', 'jpg', 'image/jpeg'],
    ['JPEG', jpeg, 'post', 'webp', 'image/webp'],
  ] as const)(
    'is made anew of a %s (%#), under an address that works wherever it is read, with its size',
    async (_, bytes, purpose, ending, type) => {
      const result = await storeImage(await createActor(db, { isStaff: true }), { bytes, purpose });
      const name = nameOf(result);
      expect(result).toEqual({
        ok: true,
        data: { url: `http://localhost:3000/api/uploads/${name}`, width: 1, height: 1 },
      });
      expect(name).toMatch(new RegExp(`^[0-9a-f]{32}-1x1\\.${ending}$`));
      const response = await serve(name);
      expect(response.status).toBe(200);
      const served = new Uint8Array(await response.arrayBuffer());
      expect(imageKind(served)).toBe(ending);
      expect(response.headers.get('content-type')).toBe(type);
      expect(response.headers.get('content-length')).toBe(String(served.length));
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain('sandbox');
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    },
  );

  it('has for a post the narrower copies beside it that its address promises, and one row that knows all', async () => {
    const actor = await createActor(db, { isStaff: true });
    const wide = await sharp({ create: { width: 1300, height: 650, channels: 3, background: '#a06040' } })
      .jpeg()
      .toBuffer();
    const result = await storeImage(actor, { bytes: wide, purpose: 'post' });
    if (!result.ok) throw new Error('refused');
    const { url, width, height } = result.data;
    expect({ width, height }).toEqual({ width: 1300, height: 650 });
    const sources = pictureAttributes(url)?.srcSet?.split(', ') ?? [];
    expect(sources).toHaveLength(3);
    let bytes = 0;
    for (const source of sources) {
      const [address = '', across = ''] = source.split(' ');
      const response = await serve(address.split('/').at(-1) ?? '');
      const copy = Buffer.from(await response.arrayBuffer());
      bytes += copy.length;
      expect((await sharp(copy).metadata()).width).toBe(Number.parseInt(across, 10));
    }
    const [row] = await db
      .select()
      .from(uploads)
      .where(eq(uploads.name, nameOf(result).slice(0, 32)));
    expect(row).toMatchObject({
      ownerId: actor.id,
      purpose: 'post',
      storage: 'disk',
      kind: 'webp',
      width: 1300,
      height: 650,
      widths: [480, 960],
      bytes,
    });
  });

  it('may have 5 MB and not a byte more', async () => {
    const actor = await createActor(db);
    // What stands behind the end of a PNG belongs to nothing.
    const big = new Uint8Array(imageBytesMax + 1);
    big.set(png);
    const before = kept();
    expect(await storeImage(actor, { bytes: big, purpose: 'letter' })).toEqual({
      ok: false,
      error: { code: 'invalid', fields: { image: { code: 'too_big', params: { max: 5 } } } },
    });
    expect(kept()).toEqual(before);
    expect((await storeImage(actor, { bytes: big.subarray(0, -1), purpose: 'letter' })).ok).toBe(true);
  });

  it('is for a post a manager’s to store, and nobody else’s', async () => {
    const before = kept();
    expect(await storeImage(await createActor(db), { bytes: png, purpose: 'post' })).toEqual({
      ok: false,
      error: { code: 'not_found' },
    });
    expect(kept()).toEqual(before);
  });

  it('leaves no half of it behind', () => {
    expect(kept().filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('is one of so many an hour for one user, and of as many for the next', async () => {
    const [eager, calm] = [await createActor(db), await createActor(db)];
    const store = (actor: typeof eager) => storeImage(actor, { bytes: png, purpose: 'letter' });
    for (let stored = 0; stored < 60; stored += 10)
      for (const answer of await Promise.all(Array.from({ length: 10 }, () => store(eager))))
        expect(answer.ok).toBe(true);
    for (const answer of await Promise.all([store(eager), store(eager)]))
      expect(answer).toMatchObject({ ok: false, error: { code: 'too_many_requests' } });
    expect((await store(calm)).ok).toBe(true);
  });

  it('says so when the disk does not take it', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const aside = readdirSync(directory);
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file where the directory should be');
    const actor = await createActor(db);
    expect(await storeImage(actor, { bytes: png, purpose: 'letter' })).toEqual({
      ok: false,
      error: { code: 'storage_failed' },
    });
    expect(String(said.mock.calls[0]?.[0])).toContain('upload_not_stored');
    rmSync(directory);
    expect(aside.length).toBeGreaterThan(0);
  });
});

describe('the address of a picture', () => {
  it.each([
    '../secret.png',
    '..%2fsecret.png',
    '....//secret.png',
    '/etc/passwd',
    'secret.png',
    `${'0'.repeat(32)}.png`,
    `${'0'.repeat(32)}.svg`,
    `${'0'.repeat(32)}.png\0.html`,
  ])('shows nothing else on the disk: %j', async (name) => {
    writeFileSync(path.join(dataDir, 'secret.png'), png);
    const response = await serve(name);
    expect(response.status).toBe(404);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).not.toContain('PNG');
  });
});

describe('the upload of a form', () => {
  it('stores what somebody signed in sends', async () => {
    const user = await createUser(db, { password: 'a sound password' });
    const answer = await upload(await signIn(user.email, 'a sound password'), png, 'me.png', 'image/png');
    expect(answer).toMatchObject({
      ok: true,
      data: { url: expect.stringMatching(/[0-9a-f]{32}-1x1\.png$/), width: 1, height: 1 },
    });
  });

  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['HTML', '<!doctype html><script>alert(1)</script>'],
    ['a header that breaks off', png.subarray(0, 20)],
  ])('refuses %s, whatever name and type it is given', async (_, content) => {
    const user = await createUser(db, { password: 'a sound password' });
    const cookie = await signIn(user.email, 'a sound password');
    const bytes = new Uint8Array(Buffer.from(content));
    const before = kept();
    const answer = await upload(cookie, bytes, 'picture.png', 'image/png');
    expect(answer).toMatchObject({ ok: false, error: { fields: { image: { code: 'not_an_image' } } } });
    expect(kept()).toEqual(before);
  });

  it('sends whoever is not signed in to the sign-in page, and stores nothing', async () => {
    const before = kept();
    for (const cookie of ['', 'mailroom.session=made-up'])
      await expect(upload(cookie, png, 'me.png', 'image/png')).rejects.toMatchObject({
        digest: expect.stringMatching(/^NEXT_REDIRECT;.*\/login/),
      });
    expect(kept()).toEqual(before);
  });

  it('stores nothing of somebody who was blocked a moment ago', async () => {
    const user = await createUser(db, { password: 'a sound password' });
    const cookie = await signIn(user.email, 'a sound password');
    await blockUser(null, { userId: user.id, reason: 'spam' });
    const before = kept();
    await expect(upload(cookie, png, 'me.png', 'image/png')).rejects.toMatchObject({
      digest: expect.stringMatching(/^NEXT_REDIRECT;/),
    });
    expect(kept()).toEqual(before);
  });
});
