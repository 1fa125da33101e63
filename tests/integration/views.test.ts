import { eq, like } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { POST } from '@/app/api/posts/[id]/view/route';
import { db } from '@/db/client';
import { facts, posts, postViews, postVisits, rateLimits } from '@/db/schema';
import { purgePosts } from '@/lib/posts/mutations';
import { countView, tidyVisits } from '@/lib/views/mutations';
import { listViewsByDay, sumRecentViews } from '@/lib/views/queries';
import { createActor, createPost } from '@/tests/support/factories';

const now = new Date('2026-11-21T12:00:00Z');
const minutesLater = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const published = { status: 'published', publishedAt: new Date('2026-11-01T00:00:00Z') } as const;
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

let id: number;
beforeEach(async () => {
  await db.delete(rateLimits);
  id = (await createPost(db, published)).id;
});

const reader = (n: number) => ({ postId: id, network: `192.0.2.${n}`, userAgent: firefox });
const viewsOf = async (postId: number) =>
  (await db.select().from(posts).where(eq(posts.id, postId)))[0]?.views;

describe('a view', () => {
  test('counts once in half an hour for a visitor and an article', async () => {
    expect(await countView(reader(1), { now })).toEqual({ ok: true, data: { views: 1 } });
    expect(await countView(reader(1), { now: minutesLater(29) })).toEqual({ ok: true, data: { views: 1 } });
    expect(await countView(reader(2), { now })).toEqual({ ok: true, data: { views: 2 } });
    const other = await createPost(db, published);
    expect(await countView({ ...reader(1), postId: other.id }, { now })).toEqual({
      ok: true,
      data: { views: 1 },
    });
    expect(await countView(reader(1), { now: minutesLater(31) })).toEqual({ ok: true, data: { views: 3 } });
    expect(await db.select().from(postViews).where(eq(postViews.postId, id))).toEqual([
      { postId: id, day: '2026-11-21', views: 3 },
    ]);
  });

  test('of one visitor counts once, and of 50 visitors 50 times, when all come at once', async () => {
    await Promise.all(Array.from({ length: 50 }, () => countView(reader(1), { now })));
    expect(await viewsOf(id)).toBe(1);
    const other = await createPost(db, published);
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => countView({ ...reader(n), postId: other.id }, { now })),
    );
    expect(await viewsOf(other.id)).toBe(50);
    const [day] = await db.select().from(postViews).where(eq(postViews.postId, other.id));
    expect(day?.views).toBe(50);
  });

  test('shortly before midnight and shortly after is one', async () => {
    const midnight = new Date('2026-11-25T00:00:00Z');
    const at = (minutes: number) => ({ now: new Date(midnight.getTime() + minutes * 60_000) });
    await countView(reader(1), at(-10));
    await countView(reader(1), at(10));
    expect(await viewsOf(id)).toBe(1);
    await countView(reader(1), at(21));
    expect(await viewsOf(id)).toBe(2);
  });

  test('counts of nothing that the public may not read', async () => {
    const hidden = [
      await createPost(db, { status: 'draft', publishedAt: null }),
      await createPost(db, { status: 'published', publishedAt: minutesLater(1) }),
      await createPost(db, { ...published, deletedAt: now }),
    ];
    for (const postId of [...hidden.map((post) => post.id), 999_999_999, 0, -1, Number.NaN])
      expect(await countView({ ...reader(1), postId }, { now })).toMatchObject({
        error: { code: 'not_found' },
      });
    for (const post of hidden) expect(await viewsOf(post.id)).toBe(0);
  });

  test('is refused to a network that asks too often, and to no other', async () => {
    await countView(reader(1), { now });
    await db.update(rateLimits).set({ count: 299 });
    expect((await countView(reader(1), { now })).ok).toBe(true);
    expect(await countView(reader(1), { now })).toMatchObject({ error: { code: 'too_many_requests' } });
    expect((await countView(reader(2), { now })).ok).toBe(true);
  });
});

describe('of a visitor', () => {
  test('neither address nor browser is kept, and a day later nobody can tell who it was', async () => {
    await countView(reader(77), { now });
    const visits = await db.select().from(postVisits).where(eq(postVisits.postId, id));
    expect(visits).toHaveLength(1);
    expect(visits[0]?.visitor).toHaveLength(16);
    const salts = async () =>
      (await db.select().from(facts).where(like(facts.name, 'view_salt:%'))).map(({ name }) => name);
    expect(await salts()).toContain('view_salt:2026-11-21');
    await tidyVisits({ now: minutesLater(29) });
    expect(await db.select().from(postVisits).where(eq(postVisits.postId, id))).toHaveLength(1);
    await tidyVisits({ now: new Date('2026-11-22T00:31:00Z') });
    expect(await db.select().from(postVisits).where(eq(postVisits.postId, id))).toEqual([]);
    expect(await salts()).not.toContain('view_salt:2026-11-21');
  });

  test('the days of an article go with it', async () => {
    await countView(reader(1), { now });
    await db
      .update(posts)
      .set({ deletedAt: new Date('2026-01-01T00:00:00Z') })
      .where(eq(posts.id, id));
    await purgePosts({ now });
    expect(await db.select().from(postViews).where(eq(postViews.postId, id))).toEqual([]);
  });
});

describe('the door', () => {
  const knock = (headers: Record<string, string>, postId: number | string = id) =>
    POST(
      new Request(`http://localhost:3000/api/posts/${postId}/view`, {
        method: 'POST',
        headers: { host: 'localhost:3000', 'user-agent': firefox, ...headers },
      }),
      { params: Promise.resolve({ id: String(postId) }) },
    );
  const ours = { 'sec-fetch-site': 'same-origin' };

  test('answers how often an article was read, to be kept by nobody, and sets no cookie', async () => {
    const answer = await knock(ours);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ views: 1 });
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    expect(answer.headers.get('set-cookie')).toBeNull();
    // Browsers say less where the connection is not secure.
    expect((await knock({ origin: 'http://localhost:3000' })).status).toBe(200);
    expect(await viewsOf(id)).toBe(1);
  });

  test.each([
    ['Googlebot', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'],
    ['YandexBot', 'Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)'],
    ['a messenger', 'TelegramBot (like TwitterBot)'],
    ['Facebook', 'facebookexternalhit/1.1'],
    ['curl', 'curl/8.5.0'],
    ['a script', 'python-requests/2.32'],
    ['nobody', ''],
  ])('ignores %s', async (_, agent) => {
    expect((await knock({ ...ours, 'user-agent': agent })).status).toBe(204);
    expect(await viewsOf(id)).toBe(0);
  });

  test('takes a telephone for a telephone, whatever its name', async () => {
    expect(
      (await knock({ ...ours, 'user-agent': 'Mozilla/5.0 (Linux; Android 13; CUBOT X70)' })).status,
    ).toBe(200);
  });

  test('ignores what no browser sent, refuses other sites, long bodies and what is no article', async () => {
    expect((await knock({})).status).toBe(204);
    expect((await knock({ ...ours, 'sec-purpose': 'prefetch' })).status).toBe(204);
    expect((await knock({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await knock({ origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await knock({ ...ours, 'content-length': '5000000' })).status).toBe(413);
    for (const wrong of ['abc', '0', '-1', '1.5', '9'.repeat(30), '999999999', "1'--"])
      expect((await knock(ours, wrong)).status, wrong).toBe(404);
    expect(await viewsOf(id)).toBe(0);
  });

  test('says when to come again to whoever comes too often', async () => {
    expect((await knock(ours)).status).toBe(200);
    await db.update(rateLimits).set({ count: 300 });
    const answer = await knock(ours);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('for managers', () => {
  test('each day has a number, those without views too, and users see none', async () => {
    const manager = await createActor(db, { isStaff: true });
    const user = await createActor(db);
    const clean = await sumRecentViews(manager, { now });
    await db.insert(postViews).values([
      { postId: id, day: '2026-11-21', views: 5 },
      { postId: id, day: '2026-11-15', views: 7 },
      { postId: id, day: '2026-11-14', views: 11 },
      { postId: id, day: '2026-10-23', views: 13 },
      { postId: id, day: '2026-10-22', views: 17 },
    ]);
    const month = await listViewsByDay(manager, { postId: id, days: 30, now });
    expect(month).toHaveLength(30);
    expect(month[0]).toEqual({ day: '2026-10-23', views: 13 });
    expect(month[1]).toEqual({ day: '2026-10-24', views: 0 });
    expect(month.at(-1)).toEqual({ day: '2026-11-21', views: 5 });
    expect(await listViewsByDay(manager, { postId: id, days: 90, now })).toHaveLength(90);
    expect(await listViewsByDay(user, { postId: id, days: 30, now })).toEqual([]);
    const sums = await sumRecentViews(manager, { now });
    expect({ week: sums.week - clean.week, month: sums.month - clean.month }).toEqual({
      week: 12,
      month: 36,
    });
    expect(await sumRecentViews(user, { now })).toEqual({ week: 0, month: 0 });
  });
});
