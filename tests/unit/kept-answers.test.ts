import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAnswers } from '@/lib/cache/answers';
import { untilTag } from '@/lib/cache/entries';
import { createCache } from '@/lib/cache/handler';
import { sayWhatMayBeKept } from '@/lib/http';
import { listen } from '../support/listen';
import { ask } from '../support/visit';

/* What stands before Next, over a real socket. In Next's place: something that makes pages and keeps them in the real cache, as it does. */

let cache: ReturnType<typeof createCache>;
/** What the next page that is made says, the tags it is made under, and how often Next was asked. */
const state = { text: '', tags: 'posts', asked: 0, headers: {} as Record<string, string> };

async function next(request: IncomingMessage, response: ServerResponse) {
  state.asked += 1;
  const handler = cache.handler();
  const kept = request.headers.rsc === undefined ? await handler.get('/en/blog') : null;
  const found = kept?.value.kind === 'APP_PAGE' ? kept.value.html : null;
  const html = found ?? `<p>${state.text}</p>`.repeat(50);
  if (found === null && request.headers.rsc === undefined)
    await handler.set(
      '/en/blog',
      { kind: 'APP_PAGE', html, headers: { 'x-next-cache-tags': state.tags }, status: 200 },
      { cacheControl: { revalidate: 60, expire: 60 } },
    );
  response.setHeader('x-nextjs-cache', found === null ? 'MISS' : 'HIT');
  response.setHeader('cache-control', 's-maxage=60');
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.setHeader('etag', `"${html.length}-${state.text}"`);
  for (const [name, value] of Object.entries(state.headers)) response.setHeader(name, value);
  if (!String(request.headers['accept-encoding']).includes('gzip')) return response.end(html);
  response.setHeader('content-encoding', 'gzip');
  const packed = gzipSync(html);
  response.write(packed.subarray(0, 20));
  response.end(packed.subarray(20));
}

const server = createServer((request, response) => cache.answers.before(next)(request, response));
let base = '';

beforeAll(async () => {
  sayWhatMayBeKept();
  ({ base } = await listen(server));
});
afterAll(() => server.close());
beforeEach(() => {
  cache = createCache(null, { namespace: 'answers', octetsMax: 1_000_000 });
  Object.assign(state, { text: 'first', tags: 'posts', asked: 0, headers: {} });
});

const visit = (headers: Record<string, string> = {}, path = '/blog') => ask(base, path, { headers });
/** Made, found, and answered from then on. */
async function warm(headers: Record<string, string> = {}) {
  await visit(headers);
  const answer = await visit(headers);
  state.asked = 0;
  return answer;
}

test('a page that is kept is answered without Next: the same octets under the same headers', async () => {
  const { status, body, headers } = await warm();
  const again = await visit();
  expect(state.asked).toBe(0);
  const { date: _, 'content-length': length, 'transfer-encoding': __, ...same } = headers;
  expect(again).toMatchObject({ status, body, headers: same });
  expect(again.headers['content-length']).toBe(String(Buffer.byteLength(body)));
  expect(length ?? again.headers['content-length']).toBe(again.headers['content-length']);
});

test('what was published is seen at the next visit', async () => {
  await warm();
  state.text = 'second';
  await cache.handler().revalidateTag('drafts');
  expect((await visit()).body).toContain('first');
  await cache.handler().revalidateTag('posts');
  expect((await visit()).body).toContain('second');
  expect((await visit()).body).toContain('second');
  state.asked = 0;
  expect((await visit()).body).toContain('second');
  expect(state.asked).toBe(0);
});

test('a page is over at the instant of the next publication', async () => {
  const soon = new Date(Date.now() + 300);
  state.tags = `posts,${untilTag(soon)}`;
  await warm();
  state.text = 'second';
  await expect.poll(async () => (await visit()).body, { interval: 20 }).toContain('second');
  expect(Date.now()).toBeGreaterThanOrEqual(soon.getTime());
});

test('whoever takes it compressed gets it compressed, and whoever does not, does not', async () => {
  const compressed = { 'accept-encoding': 'gzip, deflate, br, zstd' };
  await warm(compressed);
  const packed = await fetch(`${base}/blog`, { headers: compressed });
  expect(packed.headers.get('content-encoding')).toBe('gzip');
  expect(await packed.text()).toContain('first');
  expect(state.asked).toBe(0);
  const plain = await warm();
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect(plain.body).toContain('<p>first</p>');
  for (const taken of ['br', 'gzip;q=0', '*', 'x-gzip', 'identity, br']) {
    state.asked = 0;
    await visit({ 'accept-encoding': taken });
    expect(state.asked, taken).toBe(1);
  }
});

test('who holds the page is told so and gets no octet of it', async () => {
  const { headers } = await warm();
  const held = await visit({ 'if-none-match': `"other", W/${headers.etag}` });
  expect(held).toMatchObject({ status: 304, body: '' });
  expect(held.headers.etag).toBe(headers.etag);
  expect(state.asked).toBe(0);
  expect((await visit({ 'if-none-match': '"other"' })).status).toBe(200);
});

test('whoever asks for something else than the page is answered by Next', async () => {
  await warm();
  const asks: [Record<string, string>, string?][] = [
    [{ rsc: '1' }],
    [{ 'next-router-prefetch': '1' }],
    [{ 'next-action': 'abc' }],
    [{ 'x-prerender-revalidate': 'abc' }],
    [{ 'x-middleware-subrequest': 'abc' }],
    [{ 'x-nextjs-data': '1' }],
    [{ range: 'bytes=0-1' }],
    [{ cookie: '__prerender_bypass=abc' }],
    [{}, '/blog?page=2'],
    [{}, '/blog/'],
  ];
  for (const [headers, path] of asks) {
    state.asked = 0;
    await visit(headers, path);
    expect(state.asked, JSON.stringify([headers, path])).toBe(1);
  }
  state.asked = 0;
  await fetch(`${base}/blog`, { method: 'POST' });
  await fetch(`${base}/blog`, { method: 'HEAD' });
  expect(state.asked).toBe(2);
});

test('what is one visitor’s own is never given to another', async () => {
  for (const headers of [{ 'set-cookie': 'a=b' }, { 'cache-control': 'private, no-store' }]) {
    cache = createCache(null, { namespace: 'answers', octetsMax: 1_000_000 });
    state.headers = headers;
    await warm();
    expect(cache.answers.size).toBe(0);
    await visit();
    expect(state.asked).toBe(1);
  }
});

test('a page that is larger than its share is left to Next, and so are all where nothing is kept', async () => {
  cache = createCache(null, { namespace: 'answers', octetsMax: 40_000 });
  state.text = 'x'.repeat(400);
  await warm();
  expect(cache.answers.size).toBe(0);
  expect((await visit()).status).toBe(200);
  expect(state.asked).toBe(1);
});

test('where nobody can say what is current, the visit ends all the same, with the page that Next makes', async () => {
  await warm();
  const entry = cache.memory.get('/en/blog');
  if (!entry) throw new Error('the page was not kept');
  const answers = createAnswers(() => Promise.reject(new Error('no memory')), 1_000_000);
  const own = createServer(
    answers.before((_, response) => {
      answers.note({ key: '/en/blog', entry });
      response.setHeader('x-nextjs-cache', 'HIT');
      response.setHeader('cache-control', 'public');
      response.end('from Next');
    }),
  );
  const { base: at } = await listen(own);
  expect((await ask(at, '/blog')).body).toBe('from Next');
  expect(answers.size).toBe(1);
  expect((await ask(at, '/blog')).body).toBe('from Next');
  own.close();
});
