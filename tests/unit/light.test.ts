import { createServer, type RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { lighten, sendLight } from '@/lib/cache/light';
import { sayWhatMayBeKept } from '@/lib/http';
import { listen } from '../support/listen';
import { ask } from '../support/visit';

/* Pages as Next 16.4 writes them, and how it sends them: in parts or at once, its headers before or with the first octet. */

const theme = "<script>try{var t=localStorage.getItem('theme')}catch(e){}</script>";
const own = '<script type="mailroom/alone">(function(){let few="lines"})()</script>';
const page = (text: string, alone = own) =>
  `<!DOCTYPE html><html lang="en"><head><link rel="stylesheet" href="/_next/static/chunks/a.css" data-precedence="next"/>` +
  `<link rel="preload" as="script" fetchPriority="low" href="/_next/static/chunks/0-p.js"/>` +
  `<script src="/_next/static/chunks/2o.js" async=""></script><script src="/_next/static/chunks/0c.js" noModule=""></script>${theme}</head>` +
  `<body><!--$-->${text}${alone}<script type="application/ld+json">{"description":"of TURBOPACK and __next_f"}</script><!--/$-->` +
  `<script>requestAnimationFrame(function(){$RT=performance.now()});</script>` +
  `<script id="_R_">(globalThis["TURBOPACK"] || (globalThis["TURBOPACK"] = [])).push({"otherChunks":["static/chunks/2o.js"]})</script>` +
  `<script src="/_next/static/chunks/0-p.js" async=""></script><script>(self.__next_f=self.__next_f||[]).push([0])</script>` +
  `<script>self.__next_f.push([1,"1:\\"$Sreact.fragment\\"\\n\\u003c/script>"])</script></body></html>`;

test('a page that can be read alone loses the scripts of Next and nothing else, and its own runs', () => {
  expect(lighten(page('<p>Text</p>'))).toBe(
    `<!DOCTYPE html><html lang="en"><head><link rel="stylesheet" href="/_next/static/chunks/a.css" data-precedence="next"/>${theme}</head>` +
      `<body><!--$--><p>Text</p><script type="module">(function(){let few="lines"})()</script>` +
      `<script type="application/ld+json">{"description":"of TURBOPACK and __next_f"}</script><!--/$--></body></html>`,
  );
});

test('what an article says is never taken for a script', () => {
  const text =
    '<p>&lt;script src="/_next/static/chunks/a.js"&gt;&lt;/script&gt; self.__next_f.push([1,"a"]) $RC TURBOPACK &lt;template &gt;</p>';
  expect(lighten(page(text))).toContain(text);
  expect(lighten(page(text))).not.toContain('src="/_next/static/chunks/2o.js"');
});

test.each([
  ['does not say so', page('<p>Text</p>', '')],
  ['came in parts that a script puts in place', page('<template id="B:0"></template><p>Text</p>')],
  ['has such a script', page('<p>Text</p><script>$RC("B:0","S:0")</script>')],
  [
    'has scripts of Next that are not known here',
    page('<p>Text</p><script>self.__next_x.push([1])</script>'),
  ],
  ['loads a script from elsewhere', page('<p>Text</p><script src="/other.js"></script>')],
])('a page that %s stays as it is', (_what, html) => {
  expect(lighten(html)).toBe(html);
});

/** What stands in Next's place. */
let next: RequestListener;
const asked: (string | undefined)[] = [];
const server = createServer((request, response) =>
  sendLight((...both) => {
    asked.push(both[0].headers['accept-encoding']);
    return next(...both);
  })(request, response),
);
let base = '';
beforeAll(async () => {
  sayWhatMayBeKept();
  ({ base } = await listen(server));
});
afterAll(() => server.close());
beforeEach(() => asked.splice(0));

const html = page('<p>Письмо</p>'.repeat(200));
const light = lighten(html);
const type = { 'content-type': 'text/html; charset=utf-8' };
const ways: Record<string, RequestListener> = {
  'at once': (_, response) => {
    response.setHeader('content-length', Buffer.byteLength(html));
    for (const [name, value] of Object.entries(type)) response.setHeader(name, value);
    response.end(html);
  },
  'with its headers first': (_, response) => {
    response.writeHead(200, { ...type, 'content-length': Buffer.byteLength(html) });
    response.end(Buffer.from(html));
  },
  'in parts': (_, response) => {
    response.setHeader('content-type', type['content-type']);
    response.flushHeaders();
    const octets = Buffer.from(html);
    // In the middle of a letter.
    const at = octets.indexOf(Buffer.from('П')) + 1;
    response.write(octets.subarray(0, at), () => {
      response.write(octets.subarray(at, at + 99).toString('hex'), 'hex');
      response.end(octets.subarray(at + 99));
    });
  },
};

test.each(Object.entries(ways))(
  'a page that Next sends %s goes out light and whole',
  async (_way, listener) => {
    next = listener;
    const plain = await ask(base, '/blog/a');
    expect(plain).toMatchObject({ status: 200, body: light });
    expect(plain.headers).toMatchObject({ ...type, 'content-length': String(Buffer.byteLength(light)) });
    const packed = await fetch(`${base}/ru/blog/a`, { headers: { 'accept-encoding': 'gzip, deflate, br' } });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(Number(packed.headers.get('content-length'))).toBeLessThan(Buffer.byteLength(light) / 2);
    expect(await packed.text()).toBe(light);
    expect(asked).toEqual([undefined, undefined]);
  },
);

test('who holds the page is told so', async () => {
  next = (_, response) => {
    response.setHeader('etag', '"a"');
    response.setHeader('content-type', type['content-type']);
    response.end(html);
  };
  expect(await ask(base, '/', { headers: { 'if-none-match': '"a"' } })).toMatchObject({
    status: 304,
    body: '',
  });
});

test('a page that there is not keeps its scripts, and is packed as any', async () => {
  next = (_, response) => {
    response.statusCode = 404;
    response.setHeader('content-type', type['content-type']);
    response.end(html);
  };
  expect(await ask(base, '/blog/none')).toMatchObject({ status: 404, body: html });
  const packed = await fetch(`${base}/blog/none`, { headers: { 'accept-encoding': 'gzip' } });
  expect([packed.status, packed.headers.get('content-encoding')]).toEqual([404, 'gzip']);
});

test.each([
  ['forms of accounts', '/login', {}],
  ['the workspace', '/dashboard', {}],
  ['the feed', '/blog/feed.xml', {}],
  ['a picture', '/blog/a/picture.png', {}],
  ['what the router asks of a page', '/blog', { rsc: '1' }],
])('%s go out as Next sends them', async (_what, path, headers) => {
  next = (_, response) => response.writeHead(200, type).end(html);
  expect((await ask(base, path, { headers: { ...headers, 'accept-encoding': 'br' } })).body).toBe(html);
  expect(asked).toEqual(['br']);
});

test('a redirect has no body, and what is no page is not touched', async () => {
  next = (_, response) => response.writeHead(308, { location: '/blog/b' }).end();
  expect(await ask(base, '/blog/a')).toMatchObject({
    status: 308,
    body: '',
    headers: { location: '/blog/b' },
  });
  next = (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(html);
  expect((await ask(base, '/blog')).body).toBe(html);
  next = (_, response) => {
    response.writeHead(200, { ...type, 'content-encoding': 'gzip' });
    response.end(gzipSync(html));
  };
  expect(await (await fetch(`${base}/blog`)).text()).toBe(html);
});
