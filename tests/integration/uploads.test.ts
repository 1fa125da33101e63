// First, for what it says about the order.
import '@/tests/support/request-scope';

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { GET } from '@/app/api/uploads/[name]/route';
import { db } from '@/db/client';
import type { Result } from '@/lib/errors';
import { uploadImageAction } from '@/lib/uploads/actions';
import { imageBytesMax } from '@/lib/uploads/schema';
import { storeImage } from '@/lib/uploads/storage';
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
    ['JPEG', jpeg, 'jpg', 'image/jpeg'],
    ['PNG', png, 'png', 'image/png'],
    ['WebP', webp, 'webp', 'image/webp'],
    ['AVIF', avif, 'avif', 'image/avif'],
  ])(
    'comes back as it was, as %s, under an address that works in a letter',
    async (_, bytes, ending, type) => {
      const result = await storeImage(await createActor(db), bytes);
      const name = nameOf(result);
      expect(result).toEqual({ ok: true, data: { url: `http://localhost:3000/api/uploads/${name}` } });
      expect(name).toMatch(new RegExp(`^[0-9a-f]{32}\\.${ending}$`));
      const response = await serve(name);
      expect(response.status).toBe(200);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
      expect(response.headers.get('content-type')).toBe(type);
      expect(response.headers.get('content-length')).toBe(String(bytes.length));
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain('sandbox');
      expect(response.headers.get('cache-control')).toContain('immutable');
    },
  );

  it('may have 5 MB and not a byte more', async () => {
    const actor = await createActor(db);
    const big = new Uint8Array(imageBytesMax + 1);
    big.set(png);
    const before = kept();
    expect(await storeImage(actor, big)).toEqual({
      ok: false,
      error: { code: 'invalid', fields: { image: { code: 'too_big', params: { max: 5 } } } },
    });
    expect(kept()).toEqual(before);
    expect(
      readFileSync(path.join(directory, nameOf(await storeImage(actor, big.subarray(0, -1))))).length,
    ).toBe(imageBytesMax);
  });

  it('leaves no half of it behind', () => {
    expect(kept().filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('is one of so many an hour for one user, and of as many for the next', async () => {
    const [eager, calm] = [await createActor(db), await createActor(db)];
    const answers = await Promise.all(Array.from({ length: 62 }, () => storeImage(eager, png)));
    const refused = answers.filter((answer) => !answer.ok);
    expect(refused).toHaveLength(2);
    for (const answer of refused) expect(answer).toMatchObject({ error: { code: 'too_many_requests' } });
    expect((await storeImage(calm, png)).ok).toBe(true);
  });

  it('says so when the disk does not take it', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const aside = readdirSync(directory);
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file where the directory should be');
    expect(await storeImage(await createActor(db), png)).toEqual({
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
    expect(answer).toMatchObject({ ok: true, data: { url: expect.stringMatching(/[0-9a-f]{32}\.png$/) } });
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
