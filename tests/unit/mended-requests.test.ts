import { createServer, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mendRequests } from '@/lib/http';
import { listen } from '../support/listen';
import { ask } from '../support/visit';

/* What a server of this process is given to read, asked over a real socket. */

const server = createServer((request: IncomingMessage, response) => {
  response.end(JSON.stringify({ url: request.url, proto: request.headers['x-forwarded-proto'] ?? null }));
});
let base = '';

beforeAll(async () => {
  mendRequests();
  ({ base } = await listen(server));
});
afterAll(() => server.close());

const seen = async (path: string, headers: Record<string, string> = {}): Promise<unknown> =>
  JSON.parse((await ask(base, path, { headers })).body);

test('an address whose percent signs mean nothing leads to a page that there is not', async () => {
  for (const path of ['/%ff', '/%', '/blog/%ff?x=1', '/api/uploads/%c0%ae', '/%zz'])
    expect(await seen(path), path).toMatchObject({ url: '/%EF%BF%BD' });
});

test('every other address arrives as it was sent, what is asked behind it too', async () => {
  for (const path of ['/', '/blog/%D1%8B?q=%ff', '/clients?q=100%', '/a%20b', '/blog/%00'])
    expect(await seen(path), path).toMatchObject({ url: path });
});

test('nobody’s word is taken for a way to the site that there is not', async () => {
  for (const proto of ['evil', 'javascript', '', 'https://evil.example', 'ftp, https'])
    expect(await seen('/', { 'x-forwarded-proto': proto }), proto).toMatchObject({ proto: null });
  for (const proto of ['http', 'https', 'https, http', 'HTTPS'])
    expect(await seen('/', { 'x-forwarded-proto': proto })).toMatchObject({ proto });
});
