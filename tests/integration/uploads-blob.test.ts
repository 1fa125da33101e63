import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { db } from '@/db/client';
import { storeImage } from '@/lib/uploads/storage';
import { createActor } from '@/tests/support/factories';
import { png } from '@/tests/support/pictures';

type Call = { method: string; url: string; headers: IncomingMessage['headers']; body: Buffer };
let calls: Call[] = [];
let answer: (call: Call, response: ServerResponse) => void;

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

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.VERCEL_BLOB_API_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.BLOB_READ_WRITE_TOKEN = 'vercel_blob_rw_store_secret';
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  calls = [];
});

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

describe('a picture kept by Vercel Blob', () => {
  it('is sent whole, for everybody, under our own name, and answers the address it got there', async () => {
    const url = 'https://store.public.blob.example/uploads/x.png';
    answer = (_, response) =>
      json(response, 200, {
        url,
        downloadUrl: url,
        pathname: 'x',
        contentType: 'image/png',
        contentDisposition: '',
        etag: '1',
      });
    expect(await storeImage(await createActor(db), png)).toEqual({ ok: true, data: { url } });
    const [call] = calls;
    expect(calls).toHaveLength(1);
    expect(call?.method).toBe('PUT');
    expect(new URL(call?.url ?? '', 'http://x').searchParams.get('pathname')).toMatch(
      /^uploads\/[0-9a-f]{32}\.png$/,
    );
    expect(call?.body).toEqual(Buffer.from(png));
    expect(call?.headers).toMatchObject({
      authorization: 'Bearer vercel_blob_rw_store_secret',
      'x-content-type': 'image/png',
      'x-add-random-suffix': '0',
    });
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
    expect(await storeImage(await createActor(db), png)).toEqual({
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
    answer = ({ url }, response) => {
      const mood = moodOf.get(url) ?? moods[moodOf.size];
      if (!mood) throw new Error('a picture nobody stored');
      moodOf.set(url, mood);
      mood(response);
    };
    const begun = performance.now();
    const answers = await Promise.all(moods.map(async () => storeImage(await createActor(db), png)));
    expect(performance.now() - begun).toBeLessThan(13_000);
    for (const one of answers) expect(one).toEqual({ ok: false, error: { code: 'storage_failed' } });
    expect(moodOf.size).toBe(3);
  });
});
