import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { db } from '@/db/client';
import { posts, postViews, postVisits } from '@/db/schema';
import { takeToken } from '@/lib/rate-limit';
import { countView, flushViews } from '@/lib/views/mutations';
import { createPost } from '@/tests/support/factories';
import { startUpstash } from '@/tests/support/upstash';

const now = new Date('2026-11-21T12:00:00Z');
const published = { status: 'published', publishedAt: new Date('2026-11-01T00:00:00Z') } as const;
let server: Awaited<ReturnType<typeof startUpstash>>;
let id: number;
/** How much later it is than it is, in ms: for the time in which an ill Upstash is left alone. */
let later = 0;
const clock = performance.now.bind(performance);

beforeAll(async () => {
  server = await startUpstash();
  process.env.UPSTASH_REDIS_REST_URL = server.url;
  process.env.UPSTASH_REDIS_REST_TOKEN = 'a token';
  vi.spyOn(performance, 'now').mockImplementation(() => clock() + later);
  // The first request of a process loads what it needs, which on a busy machine takes longer than a request may.
  for (let tries = 0; tries < 20 && !server.counts.has('loaded'); tries += 1) {
    later += 60_000;
    await takeToken('warm-up', String(tries), { limit: 3, windowSeconds: 60 });
  }
});
afterAll(() => server.close());
beforeEach(async () => {
  vi.spyOn(performance, 'now').mockImplementation(() => clock() + later);
  later += 60_000;
  server.state.behaviour = { kind: 'count' };
  server.state.refuses = null;
  server.forget('mailroom:');
  id = (await createPost(db, published)).id;
});

const reader = (n: number) => ({ postId: id, network: `192.0.2.${n}`, userAgent: 'Firefox' });
const inPostgres = async () => {
  const [post] = await db.select({ views: posts.views }).from(posts).where(eq(posts.id, id));
  const days = await db.select().from(postViews).where(eq(postViews.postId, id));
  return { views: post?.views, days: days.map(({ day, views }) => `${day} ${views}`) };
};
const nothing = { views: 0, days: [] };

describe('views with Upstash', () => {
  test('wait there, are shown at once, and come to Postgres when the house is kept', async () => {
    expect(await countView(reader(1), { now })).toEqual({ ok: true, data: { views: 1 } });
    expect(await countView(reader(1), { now })).toEqual({ ok: true, data: { views: 1 } });
    expect(await countView(reader(2), { now })).toEqual({ ok: true, data: { views: 2 } });
    expect(await inPostgres()).toEqual(nothing);
    expect(await db.select().from(postVisits)).toEqual([]);
    expect([...server.stored.keys()].join()).not.toContain('192.0.2');
    expect(await flushViews({ now })).toBe(2);
    expect(await inPostgres()).toEqual({ views: 2, days: ['2026-11-21 2'] });
    expect(await countView(reader(3), { now })).toEqual({ ok: true, data: { views: 3 } });
    expect(await flushViews({ now })).toBe(1);
    expect(await flushViews({ now })).toBe(0);
    expect(await inPostgres()).toEqual({ views: 3, days: ['2026-11-21 3'] });
  });

  test('of one visitor count once, and of ten visitors ten times, when all come at once', async () => {
    const race = async (visitorOf: (n: number) => number) => {
      // Where a busy machine made them wait longer than Upstash may cost, Postgres counted, which is another promise: once more.
      for (let tries = 0; tries < 10; tries += 1) {
        id = (await createPost(db, published)).id;
        await Promise.all(Array.from({ length: 10 }, (_, n) => countView(reader(visitorOf(n)), { now })));
        const { views } = await inPostgres();
        later += 60_000;
        const flushed = await flushViews({ now });
        if (views === 0) return flushed;
      }
      throw new Error('Upstash was too slow ten times');
    };
    expect(await race(() => 1)).toBe(1);
    expect(await race((n) => n)).toBe(10);
  });

  test('shortly before midnight and shortly after are one', async () => {
    await countView(reader(1), { now: new Date('2026-11-24T23:50:00Z') });
    await countView(reader(1), { now: new Date('2026-11-25T00:10:00Z') });
    expect(await flushViews({ now })).toBe(1);
  });

  test('of a draft or of nothing are none', async () => {
    const draft = await createPost(db, { status: 'draft', publishedAt: null });
    for (const postId of [draft.id, 999_999_999])
      expect((await countView({ ...reader(1), postId }, { now })).ok).toBe(false);
    expect(server.stored.size).toBe(0);
  });

  test.each(['rename', 'hgetall', 'del', 'srem'])(
    'are neither lost nor doubled by a flush that dies at %s, whoever comes next',
    async (command) => {
      for (let n = 0; n < 3; n += 1) await countView(reader(n), { now });
      server.state.refuses = command;
      await expect(flushViews({ now })).rejects.toThrow();
      await countView(reader(3), { now });
      server.state.refuses = null;
      await Promise.all([flushViews({ now }), flushViews({ now }), flushViews({ now })]);
      await flushViews({ now });
      expect(await inPostgres()).toEqual({ views: 4, days: ['2026-11-21 4'] });
      server.forget('mailroom:visit:');
      expect([...server.stored.keys()]).toEqual([]);
    },
  );

  test('survive a database that fails in the middle of a flush', async () => {
    await countView(reader(1), { now });
    const broken = Object.assign(Object.create(db), {
      transaction: (work: Parameters<typeof db.transaction>[0]) =>
        db.transaction(async (tx) => {
          await work(tx);
          throw new Error('the connection is gone');
        }),
    });
    await expect(flushViews({ now }, broken)).rejects.toThrow('gone');
    expect(await inPostgres()).toEqual(nothing);
    expect(await flushViews({ now })).toBe(1);
    expect((await inPostgres()).views).toBe(1);
  });

  test('of an article that is gone for good hold nothing up', async () => {
    await countView(reader(1), { now });
    const gone = id;
    id = (await createPost(db, published)).id;
    await countView(reader(1), { now });
    await db.delete(posts).where(eq(posts.id, gone));
    expect(await flushViews({ now })).toBe(1);
    expect((await inPostgres()).views).toBe(1);
  });

  test('are counted in Postgres while Upstash does not answer, and nobody waits longer than a second and a half', async () => {
    server.state.behaviour = { kind: 'hang' };
    const begun = Date.now();
    expect(await countView(reader(1), { now })).toEqual({ ok: true, data: { views: 1 } });
    expect(Date.now() - begun).toBeLessThan(1500);
    expect(await inPostgres()).toEqual({ views: 1, days: ['2026-11-21 1'] });
    expect(await flushViews({ now })).toBe(0);
  });

  test('are not taken on the word of an Upstash that talks nonsense', async () => {
    server.state.behaviour = { kind: 'answer', status: 200, body: '{"result":"PONG"}' };
    expect(await countView(reader(1), { now })).toEqual({ ok: true, data: { views: 1 } });
    expect((await inPostgres()).views).toBe(1);
  });
});
