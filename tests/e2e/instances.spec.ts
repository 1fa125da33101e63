import { createHash } from 'node:crypto';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { eq } from 'drizzle-orm';
import { connect, type Db } from '@/db/client';
import { posts, totals } from '@/db/schema';
import { createPost, createUser } from '../support/factories';
import { type OwnServer, startOwnServer } from '../support/own-server';
import { hasRedis, startRedis, withoutRedis } from '../support/redis';
import { startUpstash } from '../support/upstash';
import { ask, postForm, signInAt } from '../support/visit';

/*
 * What is kept of public pages, seen from outside: servers of the production build on databases of their own, where nobody else
 * publishes anything.
 */

const password = 'a sound password';

async function onDatabase<T>(server: OwnServer, work: (db: Db) => Promise<T>): Promise<T> {
  const { db, sql } = connect(server.databaseUrl, 1);
  try {
    return await work(db);
  } finally {
    await sql.end();
  }
}

/** Whether readers see it: in the list, and at its own address. */
async function seen(server: OwnServer, { title, slug }: { title: string; slug: string }) {
  const [list, article] = await Promise.all([ask(server.base, '/blog'), ask(server.base, `/blog/${slug}`)]);
  return { isListed: list.body.includes(title), status: article.status };
}

const nowhere = { isListed: false, status: 404 };
const everywhere = { isListed: true, status: 200 };
const isKept = async (server: OwnServer, path: string) =>
  (await ask(server.base, path)).headers['x-nextjs-cache'] === 'HIT';

/** As an editor without scripts does. */
async function publish(server: OwnServer, cookie: string, id: number) {
  const answer = await postForm(server.base, `/manage/posts/${id}`, {
    cookie,
    field: 'when',
    values: { when: 'now', at: '' },
  });
  expect(answer.status).toBe(200);
}

test('a scheduled article appears at its time, also on pages that were kept before', async () => {
  const server = await startOwnServer({ database: true });
  try {
    const publishedAt = new Date(Date.now() + 8000);
    const post = await onDatabase(server, (db) =>
      createPost(db, { title: 'Later today', slug: 'later-today', status: 'published', publishedAt }),
    );
    expect(await seen(server, post)).toEqual(nowhere);
    expect(await isKept(server, '/blog')).toBe(true);
    expect(await isKept(server, '/blog/later-today')).toBe(true);
    expect(await abroad(server, post)).toEqual(nowhereAbroad);
    expect(Date.now()).toBeLessThan(publishedAt.getTime());
    await expect
      .poll(async () => Date.now() >= publishedAt.getTime(), { timeout: 20_000, intervals: [20] })
      .toBe(true);
    expect(await seen(server, post)).toEqual(everywhere);
    expect((await ask(server.base, '/')).body).toContain('Later today');
    expect(await abroad(server, post)).toEqual({
      isInFeed: true,
      isInMap: true,
      picture: expect.any(String),
    });
  } finally {
    await server.end();
  }
});

/** What leads to an article, or shows it elsewhere: the feed, the site map, and the picture that is shown where its address is shared. */
async function abroad(server: OwnServer, { title, slug }: { title: string; slug: string }) {
  const [feed, map, picture] = await Promise.all(
    ['/blog/feed.xml', '/sitemap.xml', `/blog/${slug}/picture.png`].map((path) => ask(server.base, path)),
  );
  return {
    isInFeed: feed?.body.includes(`>${title}<`),
    isInMap: map?.body.includes(`/blog/${slug}<`),
    picture:
      picture?.status === 200 ? createHash('sha256').update(picture.body).digest('hex') : picture?.status,
  };
}
const nowhereAbroad = { isInFeed: false, isInMap: false, picture: 404 };

test('the feed, the site map and the picture to share follow an article from its publication to its end', async () => {
  const server = await startOwnServer({ database: true });
  try {
    const draft = await onDatabase(server, async (db) => {
      const editor = await createUser(db, { email: 'editor@people.test', password, isStaff: true });
      return createPost(db, {
        title: 'A first name',
        slug: 'told',
        body: '<p>Text</p>',
        authorId: editor.id,
      });
    });
    const cookie = await signInAt(server.base, 'editor@people.test', password);
    const desk = `/manage/posts/${draft.id}`;
    /** Kept now, so that the next step has something to expire. */
    const areKept = async () => {
      for (const path of ['/blog/feed.xml', '/sitemap.xml', '/blog/told/picture.png'])
        if (!(await isKept(server, path))) return false;
      return true;
    };
    expect(await abroad(server, draft)).toEqual(nowhereAbroad);
    await expect.poll(areKept).toBe(true);

    await publish(server, cookie, draft.id);
    const published = await abroad(server, draft);
    expect(published).toEqual({ isInFeed: true, isInMap: true, picture: expect.any(String) });
    await expect.poll(areKept).toBe(true);

    const renamed = { ...draft, title: 'A second name' };
    await postForm(server.base, desk, {
      cookie,
      field: 'summary',
      values: { title: renamed.title, body: '<p>Text</p>', summary: '', slug: 'told' },
    });
    const edited = await abroad(server, renamed);
    expect(edited).toEqual({ isInFeed: true, isInMap: true, picture: expect.any(String) });
    expect(edited.picture).not.toBe(published.picture);
    expect((await abroad(server, draft)).isInFeed).toBe(false);
    await expect.poll(areKept).toBe(true);

    await postForm(server.base, desk, { cookie, field: 'id', says: 'Unpublish', values: {} });
    expect(await abroad(server, renamed)).toEqual(nowhereAbroad);
  } finally {
    await server.end();
  }
});

test('the numbers of the home page are a minute old at most, and the visit after that minute sees them as they are', async () => {
  // Its minute goes by in three seconds.
  const fastClock = path.join(process.cwd(), 'tests/support/fast-clock.mjs');
  const server = await startOwnServer({ database: true, env: { NODE_OPTIONS: `--import ${fastClock}` } });
  const count = (mailings: number) =>
    onDatabase(server, (db) =>
      db
        .insert(totals)
        .values({ name: 'mailings', shard: 0, value: mailings })
        .onConflictDoUpdate({ target: [totals.name, totals.shard], set: { value: mailings } }),
    );
  const shows = async (text: string) => (await ask(server.base, '/')).body.includes(text);
  try {
    await count(12_345);
    await expect.poll(() => shows('12,345'), { timeout: 30_000 }).toBe(true);
    await expect.poll(() => isKept(server, '/'), { timeout: 30_000 }).toBe(true);
    await count(54_321);
    const changedAt = Date.now();
    // Visited all the while: what is read in between must not lengthen its life.
    const minute = 3000;
    while (Date.now() <= changedAt + minute) {
      await shows('54,321');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await shows('54,321')).toBe(true);
  } finally {
    await server.end();
  }
});

test('with the cache switched off every page is made anew, and nobody else keeps it', async () => {
  const server = await startOwnServer({ database: true, env: { CACHE: 'off' } });
  try {
    const post = await onDatabase(server, (db) =>
      createPost(db, { title: 'First title', slug: 'changing', status: 'published' }),
    );
    expect(await seen(server, post)).toEqual(everywhere);
    for (const title of ['Second title', 'Third title']) {
      await onDatabase(server, (db) => db.update(posts).set({ title }).where(eq(posts.id, post.id)));
      expect(await seen(server, { ...post, title })).toEqual(everywhere);
    }
    for (const path of ['/', '/blog', '/blog/changing'])
      expect((await ask(server.base, path)).headers['cache-control']).toBe('private, no-store');
  } finally {
    await server.end();
  }
});

test.describe(`two instances over one Redis${withoutRedis}`, () => {
  test('share what they made, and both show at the next visit what was published at one', async () => {
    test.info().skip(!hasRedis, 'There is no redis-server on the PATH of this machine.');
    const redis = await startRedis();
    const upstash = await startUpstash(redis);
    const env = { UPSTASH_REDIS_REST_URL: upstash.url, UPSTASH_REDIS_REST_TOKEN: 'a token' };
    const a = await startOwnServer({ database: true, env });
    const onItsDatabase = { env: { ...env, DATABASE_URL: a.databaseUrl } };
    const servers = [a];
    try {
      const b = await startOwnServer(onItsDatabase);
      servers.push(b);
      const { draft, other } = await onDatabase(a, async (db) => {
        const editor = await createUser(db, { email: 'editor@people.test', password, isStaff: true });
        return {
          draft: await createPost(db, { title: 'A new thing', slug: 'a-new-thing', authorId: editor.id }),
          other: await createPost(db, { title: 'An old thing', slug: 'old', status: 'published' }),
        };
      });
      expect((await ask(b.base, '/login')).status).toBe(200);
      for (const server of [a, b]) {
        expect(await seen(server, draft)).toEqual(nowhere);
        // A process that has just begun may take longer to ask Redis than it waits for it.
        await expect.poll(() => isKept(server, '/blog'), { timeout: 30_000 }).toBe(true);
      }
      const isShared = async () => {
        await ask(a.base, '/blog/old');
        return (await keysLike(redis, '/blog/old')) === 1;
      };
      await expect.poll(isShared, { timeout: 30_000 }).toBe(true);
      expect(await isKept(b, '/blog/old')).toBe(true);

      await publish(a, await signInAt(a.base, 'editor@people.test', password), draft.id);
      expect(await seen(b, draft)).toEqual(everywhere);
      expect(await seen(a, draft)).toEqual(everywhere);

      // What changes while an instance is down, without anybody being told, is seen when it starts.
      await onDatabase(a, (db) =>
        db.update(posts).set({ title: 'An older thing' }).where(eq(posts.id, other.id)),
      );
      expect(await seen(b, { ...other, title: 'An older thing' })).toMatchObject({ isListed: false });
      const c = await startOwnServer(onItsDatabase);
      servers.push(c);
      for (const server of [c, b, a])
        expect(await seen(server, { ...other, title: 'An older thing' })).toEqual(everywhere);

      // Without Redis both go on.
      upstash.state.behaviour = { kind: 'cut' };
      for (const server of [a, b]) expect(await seen(server, draft)).toEqual(everywhere);
    } finally {
      for (const server of servers.reverse()) await server.end();
      await upstash.close();
      await redis.end();
    }
  });
});

async function keysLike(redis: Awaited<ReturnType<typeof startRedis>>, part: string): Promise<number> {
  const found = await redis.run(['KEYS', `*${part}`]);
  return 'result' in found && Array.isArray(found.result) ? found.result.length : 0;
}
