import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheControlOf, privateControl, publicControl } from '@/lib/cache/control';
import { sayWhatMayBeKept } from '@/lib/http';
import { listen } from '../support/listen';
import { ask } from '../support/visit';

const page = { status: 200, isForOne: false, isOn: true };

describe('who may keep an answer', () => {
  it.each([
    ['a page that is kept', 's-maxage=60', page, publicControl],
    [
      'a page that there is not',
      's-maxage=60, stale-while-revalidate=9',
      { ...page, status: 404 },
      publicControl,
    ],
    ['a page at a private address', 's-maxage=60', { ...page, isForOne: true }, privateControl],
    ['a page while the cache is off', 's-maxage=60', { ...page, isOn: false }, privateControl],
    ['a page that could not be made', 's-maxage=60', { ...page, status: 500 }, privateControl],
    ['what says nothing', undefined, page, privateControl],
    ['the way to sign in', undefined, { ...page, status: 303 }, privateControl],
    ['an address that moved for good', undefined, { ...page, status: 308 }, 'public, max-age=3600'],
    ['a file for ever', 'public, max-age=31536000, immutable', page, 'public, max-age=31536000, immutable'],
  ] as const)('%s', (_, said, circumstances, control) => {
    expect(cacheControlOf(said, circumstances)).toBe(control);
  });
});

describe('the answers of a server', () => {
  let tidy = (request: IncomingMessage) => request.url;
  const server = createServer((request, response) => {
    // As Next does before it answers.
    tidy(request);
    response.setHeader('cache-control', 's-maxage=60');
    response.end('page');
  });
  let base = '';
  beforeAll(async () => {
    sayWhatMayBeKept();
    ({ base } = await listen(server));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each(['/clients/7', '/ru/clients/7?a=b', '/manage/posts', '/dashboard'])(
    'at the private address %s are for one alone, also where they are the page of not found',
    async (path) => {
      tidy = (request) => {
        request.url = '/en/not-found';
        return request.url;
      };
      expect((await ask(base, path)).headers['cache-control']).toBe(privateControl);
    },
  );

  it('are for one alone where a script asks for a part of a page', async () => {
    tidy = (request) => {
      delete request.headers.rsc;
      return request.url;
    };
    const part = await ask(base, '/blog', { headers: { rsc: '1' } });
    expect(part.headers['cache-control']).toBe(privateControl);
    expect((await ask(base, '/blog')).headers['cache-control']).toBe(publicControl);
  });
});

describe('an answer that its asker has already', () => {
  let answer: RequestListener = (_, response) => response.end();
  const server = createServer((request, response) => answer(request, response));
  let base = '';
  beforeAll(async () => {
    sayWhatMayBeKept();
    ({ base } = await listen(server));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const get = (tags?: string, method = 'GET') =>
    ask(base, '/', { method, headers: tags === undefined ? {} : { 'if-none-match': tags } });

  it.each(['"one"', 'W/"one"', '"none", W/"one"'])(
    'is an empty 304 for %s, also when it was written in pieces',
    async (tags) => {
      answer = (_, response) => {
        response.setHeader('etag', 'W/"one"');
        response.setHeader('content-length', 8);
        response.write('some');
        response.end('text');
      };
      const { status, headers, body } = await get(tags);
      expect([status, body, headers.etag]).toEqual([304, '', 'W/"one"']);
      expect(headers['content-length']).toBeUndefined();
      // And the connection goes on.
      expect((await get()).body).toBe('sometext');
    },
  );

  it('is whole for another tag, for none, for what was not asked with GET, and for what is no 200', async () => {
    for (const [tags, method, status] of [
      ['"two"', 'GET', 200],
      [undefined, 'GET', 200],
      ['"one"', 'POST', 200],
      ['"one"', 'GET', 404],
    ] as const) {
      answer = (_, response) => {
        response.setHeader('etag', '"one"');
        response.writeHead(status).end('text');
      };
      expect(await get(tags, method)).toMatchObject({ status, body: 'text' });
    }
  });
});
