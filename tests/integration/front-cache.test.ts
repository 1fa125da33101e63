import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { privateControl, publicControl } from '@/lib/cache/control';
import { listen } from '@/tests/support/listen';
import { hasNginx, type Nginx, startNginx, withoutNginx } from '@/tests/support/nginx';
import { ask } from '@/tests/support/visit';

/** What deploy/nginx.conf does with answers as the application gives them: `e2e/headers.spec.ts` says which those are. */
describe.skipIf(!hasNginx)(`nginx in front, with the file that is shipped${withoutNginx}`, () => {
  let nginx: Nginx;
  let seen: IncomingMessage[] = [];
  let answer = (_: IncomingMessage, response: ServerResponse) => {
    response.end();
  };
  let body = Buffer.alloc(0);
  const server = createServer((request, response) => {
    seen.push(request);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      body = Buffer.concat(chunks);
      answer(request, response);
    });
  });
  beforeAll(async () => {
    nginx = await startNginx((await listen(server)).port);
  });
  afterAll(async () => {
    await nginx.end();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    seen = [];
  });

  const answering =
    (text: () => string, control = publicControl, more: Record<string, string> = {}) =>
    (_: IncomingMessage, response: ServerResponse) => {
      response.setHeader('cache-control', control);
      for (const [name, value] of Object.entries(more)) response.setHeader(name, value);
      response.end(text());
    };
  const get = (path: string, headers: Record<string, string> = {}) => ask(nginx.base, path, { headers });

  /** nginx has an answer for others a moment after it has sent it to the first. */
  const kept = (path: string, headers: Record<string, string> = {}) =>
    expect.poll(async () => (await get(path, headers)).headers['x-cache']).toBe('HIT');

  it('asks the application once for a hundred readers at the same time', async () => {
    answer = (request, response) => {
      setTimeout(() => answering(() => 'page')(request, response), 100);
    };
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => get(`/blog/once?from=${at}`, { cookie: `visitor=${at}` })),
    );
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['page']));
    expect(seen).toHaveLength(1);
  });

  it('shows what was published two seconds later at most, whether somebody looked meanwhile or not', async () => {
    let text = 'old';
    answer = answering(() => text);
    for (const path of ['/', '/ru', '/blog', '/ru/blog', '/blog/feed.xml', '/blog/busy', '/blog/quiet']) {
      text = 'old';
      expect((await get(path)).body).toBe('old');
      text = 'new';
      const published = Date.now();
      if (path.endsWith('quiet')) await new Promise((resolve) => setTimeout(resolve, 2000));
      else await expect.poll(async () => (await get(path)).body, { timeout: 5000, interval: 20 }).toBe('new');
      expect((await get(path)).body).toBe('new');
      // A second of nginx's clock may begin a moment before ours.
      expect(Date.now() - published).toBeLessThan(2200);
    }
  });

  it('tells who has the page already that it has not changed', async () => {
    answer = answering(() => 'page', publicControl, { etag: '"one"' });
    expect((await get('/blog/known')).headers.etag).toBe('"one"');
    await kept('/blog/known');
    const again = await get('/blog/known', { 'if-none-match': '"one"' });
    expect([again.status, again.body, again.headers['x-cache']]).toEqual([304, '', 'HIT']);
  });

  it('keeps nothing that is private, whatever its address', async () => {
    answer = answering(() => 'mine', privateControl);
    for (const path of ['/clients', '/blog/private', '/api/runs/progress', '/api/uploads/a.webp'])
      for (let at = 1; at <= 2; at += 1) {
        await get(path);
        expect(seen.filter(({ url }) => url === path)).toHaveLength(at);
      }
  });

  it('keeps nothing of private paths, even if it was called public', async () => {
    answer = answering(() => 'mine', 'public, max-age=600');
    for (const path of [
      '/clients',
      '/ru/dashboard',
      '/manage/posts',
      '/api/auth/session',
      '/blogger',
      '/login',
    ])
      for (let at = 1; at <= 2; at += 1) {
        await get(path);
        expect(seen.filter(({ url }) => url === path)).toHaveLength(at);
      }
  });

  it('keeps no answer that sets a cookie', async () => {
    answer = answering(() => 'hello', publicControl, { 'set-cookie': 'a=b' });
    for (const path of ['/', '/blog/cookie', '/_next/static/a.js']) {
      await get(path);
      await get(path);
      expect(seen.filter(({ url }) => url === path)).toHaveLength(2);
    }
  });

  it('never gives as a page what a script asked for a part of it', async () => {
    answer = (request, response) =>
      answering(() => (request.headers.rsc ? 'part' : 'page'), publicControl, { vary: 'rsc' })(
        request,
        response,
      );
    expect((await get('/blog/parts', { rsc: '1' })).body).toBe('part');
    expect((await get('/blog/parts')).body).toBe('page');
    expect((await get('/blog/parts', { rsc: '1' })).body).toBe('part');
  });

  it('gives nobody the answer to an address that only looks the same', async () => {
    answer = (request, response) => answering(() => String(request.url))(request, response);
    for (const path of ['//blog/same', '/blog//same', '/blog/./same', '/blog/%73ame', '/blog/same'])
      expect((await get(path)).body).toBe(path);
  });

  it('keeps the ways apart in which an answer is compressed, and files for as long as they say', async () => {
    answer = (request, response) =>
      answering(() => String(request.headers['accept-encoding']), 'public, max-age=31536000, immutable', {
        vary: 'Accept-Encoding',
      })(request, response);
    for (const [path, best] of [
      ['/_next/static/b.js', 'br'],
      ['/api/uploads/b.webp', 'gzip'],
    ] as const) {
      const many = { 'accept-encoding': 'gzip, deflate, br, zstd' };
      await kept(path, many);
      await kept(path, { 'accept-encoding': 'gzip' });
      await kept(path);
      const { length } = seen;
      expect((await get(path, many)).body).toBe(best);
      expect((await get(path, { 'accept-encoding': 'br, gzip' })).body).toBe(best);
      expect((await get(path, { 'accept-encoding': 'gzip' })).body).toBe('gzip');
      expect((await get(path, { 'accept-encoding': 'br;q=1, gzip' })).body).toBe('gzip');
      expect((await get(path)).body).not.toBe('gzip');
      expect(seen).toHaveLength(length);
    }
  });

  it('says who the visitor is, and believes nobody else about it', async () => {
    answer = answering(() => '');
    for (const path of ['/clients', '/blog/who']) {
      await get(path, {
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'elsewhere.example',
      });
      expect(seen.at(-1)?.headers).toMatchObject({
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': '127.0.0.1',
        host: '127.0.0.1',
      });
    }
  });

  it('lets forms and pictures through as they come', async () => {
    answer = answering(() => 'taken', privateControl);
    const picture = 'x'.repeat(7_500_000);
    for (const path of ['/api/uploads', '/manage/posts/1', '/blog/form']) {
      expect((await ask(nginx.base, path, { method: 'POST', body: picture })).body).toBe('taken');
      expect(body.length).toBe(picture.length);
    }
  });

  it('shows the last page while the application does not answer', async () => {
    answer = answering(() => 'page');
    expect((await get('/blog/down')).body).toBe('page');
    answer = (request) => {
      request.socket.destroy();
    };
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const shown = await get('/blog/down');
    expect([shown.status, shown.body]).toEqual([200, 'page']);
    expect((await get('/clients')).status).toBe(502);
  });
});
