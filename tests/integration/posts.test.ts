import { expect, test } from 'vitest';
import { db } from '@/db/client';
import { posts, totals } from '@/db/schema';
import { findFact, readTotals } from '@/lib/installation/queries';
import { findPublishedPost, listPublishedPosts, pickPublishedPosts } from '@/lib/posts/queries';

const now = new Date('2026-11-20T12:00:00Z');
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);

test('the public sees published articles only, the newest first, and a draft as nothing at all', async () => {
  const rows = [
    { slug: 'old', status: 'published', publishedAt: daysAgo(9) },
    { slug: 'new', status: 'published', publishedAt: daysAgo(1) },
    { slug: 'tomorrow', status: 'published', publishedAt: daysAgo(-1) },
    { slug: 'draft', status: 'draft', publishedAt: null },
    { slug: 'withdrawn', status: 'draft', publishedAt: daysAgo(3) },
  ] as const;
  await db.insert(posts).values(rows.map((row) => ({ ...row, title: row.slug, body: '<p>text</p>' })));

  const listed = await listPublishedPosts({ now, limit: 10 });
  expect(listed.map((post) => post.slug)).toEqual(['new', 'old']);
  const picked = await pickPublishedPosts({ now, count: 3 });
  expect(picked.map((post) => post.slug).sort()).toEqual(['new', 'old']);
  expect(await findPublishedPost({ slug: 'new', now })).toMatchObject({
    slug: 'new',
    publishedAt: daysAgo(1).toISOString(),
  });
  for (const slug of ['tomorrow', 'draft', 'withdrawn', 'nothing']) {
    expect(await findPublishedPost({ slug, now })).toBeNull();
  }
});

test('the numbers of the home page are sums over what is kept in parts', async () => {
  expect(await readTotals()).toEqual({ mailings: 0, activeMailings: 0, uniqueClients: 0 });
  await db.insert(totals).values([
    { name: 'mailings', shard: 1, value: 5 },
    { name: 'mailings', shard: 2, value: -2 },
    { name: 'unique_clients', shard: 3, value: 40 },
  ]);
  expect(await readTotals()).toEqual({ mailings: 3, activeMailings: 0, uniqueClients: 40 });
});

test('an installation without demo data does not claim to have it', async () => {
  expect(await findFact('demo_data')).toBeNull();
});
