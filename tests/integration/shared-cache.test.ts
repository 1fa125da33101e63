import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { untilTag, type Value } from '@/lib/cache/entries';
import { createCache, type Handler } from '@/lib/cache/handler';
import { createAsk } from '@/lib/upstash';
import { hasRedis, type Redis, startRedis, withoutRedis } from '@/tests/support/redis';
import { type Behaviour, startUpstash } from '@/tests/support/upstash';

const page = (html: string, tags = 'posts'): Value => ({
  kind: 'APP_PAGE',
  html,
  rscData: Buffer.from([0, 255, 128, 10]),
  headers: { 'x-next-cache-tags': tags },
  status: 200,
  segmentData: new Map([['/_tree', Buffer.from('дерево')]]),
});
const missing: Value = { kind: 'APP_PAGE', html: 'not found', headers: {}, status: 404 };
const answer = (body: string, tags: string[]): Value => ({
  kind: 'FETCH',
  data: { headers: {}, body, url: '' },
  tags,
  revalidate: 60,
});
const life = { cacheControl: { revalidate: 60, expire: 60 } };
const htmlOf = async (handler: Handler, key = '/blog') => {
  const value = (await handler.get(key))?.value;
  return value?.kind === 'APP_PAGE' ? value.html : null;
};
/** A visit that makes the page when there is none, as Next does. */
async function visit(cache: { handler(): Handler }, html: string): Promise<string> {
  const handler = cache.handler();
  const found = await htmlOf(handler);
  if (found !== null) return found;
  await handler.set('/blog', page(html), life);
  return html;
}

describe('the cache of one instance alone', () => {
  const alone = (octetsMax = 1_000_000) => createCache(null, { namespace: 'alone', octetsMax });

  it('shows a page until one of its tags is expired, and then never again', async () => {
    const cache = alone();
    expect(await visit(cache, 'first')).toBe('first');
    expect(await visit(cache, 'second')).toBe('first');
    await cache.handler().revalidateTag('drafts');
    expect(await visit(cache, 'second')).toBe('first');
    await cache.handler().revalidateTag(['posts']);
    expect(await visit(cache, 'second')).toBe('second');
  });

  it('does not keep a page that was begun before an article was published and finished after', async () => {
    const cache = alone();
    const slow = cache.handler();
    expect(await htmlOf(slow)).toBeNull();
    await cache.handler().revalidateTag('posts');
    await slow.set('/blog', page('from before'), life);
    expect(await visit(cache, 'from after')).toBe('from after');
  });

  it('shows nothing after the instant at which it is over by itself', async () => {
    const cache = alone();
    const soon = new Date(Date.now() + 40);
    const handler = cache.handler();
    await handler.get('/blog');
    await handler.set('/blog', page('before', `posts,${untilTag(soon)}`), life);
    expect(await htmlOf(cache.handler())).toBe('before');
    await expect.poll(() => htmlOf(cache.handler()), { interval: 10 }).toBeNull();
    expect(Date.now()).toBeGreaterThanOrEqual(soon.getTime());
  });

  it('expires an answer by the tags that it is asked for with', async () => {
    const cache = alone();
    await cache.handler().set('list', answer('[]', ['posts']), { tags: ['posts'] });
    expect(await cache.handler().get('list', { tags: ['posts'] })).toMatchObject({
      value: { kind: 'FETCH' },
    });
    await cache.handler().revalidateTag('_N_T_/blog');
    expect(await cache.handler().get('list', { tags: ['posts'], softTags: ['_N_T_/blog'] })).toBeNull();
  });

  it('gives a feed a tag to be asked for again with, another one when it has changed', async () => {
    const cache = alone();
    const tagOf = async (text: string) => {
      const feed: Value = { kind: 'APP_ROUTE', body: Buffer.from(text), status: 200, headers: {} };
      await cache.handler().set('/feed', feed, life);
      const value = (await cache.handler().get('/feed'))?.value;
      return value?.kind === 'APP_ROUTE' ? value.headers.etag : undefined;
    };
    const first = await tagOf('one');
    expect(first).toMatch(/^W\/"[\w-]{22}"$/);
    expect(await tagOf('one')).toBe(first);
    expect(await tagOf('two')).not.toBe(first);
  });

  it('takes no more memory than it may, however many addresses are asked for', async () => {
    const cache = alone(500_000);
    for (let at = 0; at < 2000; at += 1) {
      const handler = cache.handler();
      await handler.get(`/blog/${at}`);
      await handler.set(`/blog/${at}`, page('x'.repeat(1000)), life);
    }
    expect(cache.memory.octets).toBeLessThanOrEqual(500_000);
    expect(cache.memory.size).toBeGreaterThan(100);
    expect(await htmlOf(cache.handler(), '/blog/1999')).not.toBeNull();
    expect(await htmlOf(cache.handler(), '/blog/0')).toBeNull();
  });

  it('goes on rightly after more tags than it remembers one by one', async () => {
    const cache = alone();
    expect(await visit(cache, 'first')).toBe('first');
    for (let at = 0; at < 60; at += 1)
      await cache.handler().revalidateTag(Array.from({ length: 100 }, (_, n) => `post:${at}-${n}`));
    expect(await visit(cache, 'second')).toBe('second');
    expect(await visit(cache, 'third')).toBe('second');
  });
});

describe.skipIf(!hasRedis)(`the cache of several instances over Upstash${withoutRedis}`, () => {
  let redis: Redis;
  let server: Awaited<ReturnType<typeof startUpstash>>;
  let build = 0;
  beforeAll(async () => {
    redis = await startRedis();
    server = await startUpstash(redis);
  });
  afterAll(async () => {
    await server.close();
    await redis.end();
  });
  beforeEach(() => {
    build += 1;
  });
  afterEach(() => {
    server.state.behaviour = { kind: 'count' };
  });

  const instance = (namespace = `build-${build}`) =>
    createCache(createAsk({ url: server.url, token: 'a token' }), {
      namespace,
      octetsMax: 20_000_000,
      downMs: 100,
    });
  /** Both have said that they started, which expires everything. */
  async function twoInstances() {
    const [a, b] = [instance(), instance()];
    await a.handler().get('/');
    await b.handler().get('/');
    return [a, b] as const;
  }
  const isShared = async (key = '/blog') => {
    const found = await redis.run(['EXISTS', `build-${build}:entry:${key}`]);
    return 'result' in found && found.result === 1;
  };

  it('gives another instance what one has made, octet for octet', async () => {
    const [a, b] = await twoInstances();
    await visit(a, 'made by a');
    await expect.poll(isShared, { timeout: 10_000 }).toBe(true);
    const found = await b.handler().get('/blog');
    expect(found).toMatchObject({ value: page('made by a'), cacheControl: life.cacheControl });
    const ttl = await redis.run(['TTL', `build-${build}:entry:/blog`]);
    expect('result' in ttl && Number(ttl.result)).toBeGreaterThan(3000);
  });

  it('shows at every instance, at the next visit, what was published at one', async () => {
    const [a, b] = await twoInstances();
    for (let round = 0; round < 20; round += 1) {
      await visit(a, `old ${round}`);
      await visit(b, `old ${round}`);
      await (round % 2 === 0 ? a : b).handler().revalidateTag('posts');
      expect(await visit(a, `new ${round}`)).toBe(`new ${round}`);
      expect([`new ${round}`, `b ${round}`]).toContain(await visit(b, `b ${round}`));
      await b.handler().revalidateTag('posts');
    }
  });

  it('never shows a page that an instance began before another published', async () => {
    const [a, b] = await twoInstances();
    const slow = b.handler();
    expect(await htmlOf(slow)).toBeNull();
    await a.handler().revalidateTag('posts');
    await slow.set('/blog', page('from before'), life);
    expect(await visit(a, 'from after')).toBe('from after');
    expect(await visit(b, 'from b')).not.toBe('from before');
  });

  it('loses nothing where two instances make one expired page at the same moment: both show it, and neither keeps it too long', async () => {
    const [a, b] = await twoInstances();
    await visit(a, 'old');
    await a.handler().revalidateTag('posts');
    const [first, second] = [a.handler(), b.handler()];
    expect([await htmlOf(first), await htmlOf(second)]).toEqual([null, null]);
    await Promise.all([first, second].map((each) => each.set('/blog', page('made twice'), life)));
    expect([await visit(a, 'again'), await visit(b, 'again')]).toEqual(['made twice', 'made twice']);
    await b.handler().revalidateTag('posts');
    expect(await visit(a, 'newer')).toBe('newer');
    expect(await visit(b, 'newest')).not.toBe('made twice');
  });

  it('asks once for many visits at the same time, and once a visit otherwise', async () => {
    const [a] = await twoInstances();
    await visit(a, 'page');
    await expect.poll(isShared, { timeout: 10_000 }).toBe(true);
    server.state.asked = 0;
    await Promise.all(Array.from({ length: 200 }, () => visit(a, 'again')));
    expect(server.state.asked).toBeLessThanOrEqual(2);
    await visit(a, 'again');
    expect(server.state.asked).toBeLessThanOrEqual(3);
  });

  it('serves nothing of another build', async () => {
    const one = instance('build-x');
    const other = instance('build-y');
    await one.handler().get('/');
    await other.handler().get('/');
    await visit(one, 'of x');
    await expect.poll(async () => redis.run(['EXISTS', 'build-x:entry:/blog'])).toEqual({ result: 1 });
    expect(await visit(other, 'of y')).toBe('of y');
  });

  it('serves nothing from before a restart', async () => {
    const [a] = await twoInstances();
    await visit(a, 'from before');
    await expect.poll(isShared, { timeout: 10_000 }).toBe(true);
    expect(await visit(instance(), 'from after')).toBe('from after');
    expect(await visit(a, 'from a')).not.toBe('from before');
  });

  it('shares no page that there is not, and nothing that is too large', async () => {
    const [a] = await twoInstances();
    const noise = Array.from({ length: 130_000 }, () => Math.random().toString(36)).join('');
    for (const [key, value] of [
      ['/blog/none', missing],
      ['none', answer('null', ['post:none'])],
      ['/blog/large', page(noise)],
      ['/blog/last', page('last')],
    ] satisfies [string, Value][]) {
      const handler = a.handler();
      await handler.get(key);
      await handler.set(key, value, life);
    }
    await expect.poll(() => isShared('/blog/last')).toBe(true);
    await expect.poll(() => a.handler().get('/blog/large')).not.toBeNull();
    for (const key of ['/blog/none', 'none', '/blog/large']) expect(await isShared(key), key).toBe(false);
    expect(await htmlOf(a.handler(), '/blog/none')).toBe('not found');
  });

  it('makes a page anew where nonsense stands in Redis', async () => {
    const [a, b] = await twoInstances();
    for (const nonsense of ['', 'nonsense', Buffer.from('{}').toString('base64')]) {
      await redis.run(['SET', `build-${build}:entry:/blog`, nonsense]);
      expect(await htmlOf(b.handler())).toBeNull();
    }
    expect(await visit(a, 'fresh')).toBe('fresh');
  });

  it('shows nothing old when Redis has lost its memory', async () => {
    const [a, b] = await twoInstances();
    await visit(a, 'old');
    await visit(b, 'old');
    await redis.run(['FLUSHALL']);
    await a.handler().revalidateTag('posts');
    expect(await visit(b, 'new')).toBe('new');
    expect(await visit(a, 'new')).toBe('new');
    // And goes on to keep what it makes.
    await visit(b, 'newer');
    expect(await visit(b, 'newest')).not.toBe('newest');
  });

  const ill: [string, Behaviour][] = [
    ['cuts the connection', { kind: 'cut' }],
    ['hangs', { kind: 'hang' }],
    ['answers an error', { kind: 'answer', status: 500, body: '{"error":"internal"}' }],
    ['says that the token is wrong', { kind: 'answer', status: 401, body: '{"error":"WRONGPASS"}' }],
    ['answers nonsense', { kind: 'answer', status: 200, body: '[{"result":null}]' }],
    ['refuses', { kind: 'answer', status: 200, body: '[{"error":"ERR max requests limit exceeded"}]' }],
    ['answers after two seconds', { kind: 'count', delayMs: 2000 }],
  ];
  describe.each(ill)('an Upstash that %s', (_, behaviour) => {
    it('costs one visit at most 0.8 s and the others nothing', async () => {
      const [a] = await twoInstances();
      await visit(a, 'page');
      server.state.behaviour = behaviour;
      const begun = performance.now();
      await visit(a, 'again');
      // The 0.8 s, and a machine that is doing other things.
      expect(performance.now() - begun).toBeLessThan(1500);
      const { asked } = server.state;
      for (let at = 0; at < 50; at += 1) await visit(a, 'again');
      expect(server.state.asked - asked).toBeLessThanOrEqual(2);
    });

    it('does not bring back what the instance itself knows to be over', async () => {
      const [a, b] = await twoInstances();
      await visit(a, 'old');
      await expect.poll(isShared, { timeout: 10_000 }).toBe(true);
      await visit(b, 'old');
      server.state.behaviour = behaviour;
      await a.handler().revalidateTag('posts');
      expect(await visit(a, 'new')).toBe('new');
      expect(await visit(a, 'newer')).toBe('new');
      // And once it is well again, everybody else hears of it.
      server.state.behaviour = { kind: 'count' };
      await expect.poll(() => visit(b, 'new at b'), { timeout: 10_000 }).not.toBe('old');
      expect(await visit(a, 'newest')).not.toBe('old');
    });
  });

  it('goes on with its own memory when Upstash was silent from the beginning', async () => {
    server.state.behaviour = { kind: 'cut' };
    const a = instance();
    expect(await visit(a, 'first')).toBe('first');
    expect(await visit(a, 'second')).toBe('first');
    server.state.behaviour = { kind: 'count' };
    await expect.poll(() => a.expirations.reachable, { timeout: 5000 }).not.toBeNull();
    expect(await visit(a, 'third')).toBe('third');
  });

  it('shows what another published two seconds later at most while Upstash is silent', async () => {
    const [, b] = await twoInstances();
    await visit(b, 'old');
    server.state.behaviour = { kind: 'cut' };
    expect(await visit(b, 'new')).toBe('old');
    const silentSince = Date.now();
    await expect.poll(() => visit(b, 'new'), { timeout: 10_000 }).toBe('new');
    expect(Date.now() - silentSince).toBeLessThan(3000);
  });
});
