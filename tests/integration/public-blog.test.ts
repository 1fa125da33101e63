import { parseDocument } from 'htmlparser2';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { sharePicture } from '@/components/posts/share-picture';
import { db } from '@/db/client';
import { atomFeed } from '@/lib/posts/feed';
import {
  findPostPage,
  findPublishedPost,
  findSurroundings,
  listAddresses,
  listPublishedPosts,
  listWholePosts,
} from '@/lib/posts/queries';
import { createPost, createUser } from '@/tests/support/factories';

const now = new Date('2026-11-20T12:00:00Z');
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);

const slugsOf = (posts: { slug: string }[] | undefined) => posts?.map(({ slug }) => slug);

test('an empty blog has one page with nothing on it, and nothing to go on with', async () => {
  expect(await findPostPage({ now, number: 1, size: 3 })).toEqual({ posts: [], pages: 1 });
  expect(await findPostPage({ now, number: 2, size: 3 })).toBeNull();
  expect(await findSurroundings({ slug: 'none', now })).toEqual({ newer: null, older: null, related: [] });
  expect(await listAddresses({ now, limit: 10 })).toEqual([]);
});

describe('a blog with articles', () => {
  beforeAll(async () => {
    const author = await createUser(db, { name: 'Ada <Lovelace> & Co' });
    const rows: [slug: string, title: string, days: number, status?: 'draft'][] = [
      ['bounces', 'What bounced mailings tell', 9],
      ['zones', 'Часовые пояса', 8],
      ['late', 'Часовых поясов много', 7],
      // To the microsecond of the same moment: the number decides.
      ['twin-one', 'Twins', 5],
      ['twin-two', 'Twins', 5],
      ['newest', 'A mailing that bounces', 1],
      ['draft', 'Bounced mailings of tomorrow', 2, 'draft'],
      ['tomorrow', 'Mailings that will bounce', -1],
    ];
    for (const [slug, title, days, status = 'published'] of rows)
      await createPost(db, {
        slug,
        title,
        status,
        authorId: author.id,
        publishedAt: status === 'draft' ? null : daysAgo(days),
        updatedAt: daysAgo(slug === 'bounces' ? 2 : 20),
        body: slug === 'late' ? '<p>Пояс</p>' : '<p>Text &amp; more <a href="/register">here</a></p>',
      });
  });

  test('is read page by page, each article once and in order, and no page lies beyond the last', async () => {
    const pages = await Promise.all([1, 2, 3].map((number) => findPostPage({ now, number, size: 4 })));
    expect(pages.map((page) => slugsOf(page?.posts))).toEqual([
      ['newest', 'twin-two', 'twin-one', 'late'],
      ['zones', 'bounces'],
      undefined,
    ]);
    expect(pages[0]?.pages).toBe(2);
    for (const number of [0, -1]) expect(await findPostPage({ now, number, size: 4 })).toBeNull();
  });

  test('leads from each article to the ones before and after, and never to what is not public', async () => {
    const beside = async (slug: string) => {
      const { newer, older } = await findSurroundings({ slug, now });
      return [older?.slug, newer?.slug];
    };
    expect(await beside('newest')).toEqual(['twin-two', undefined]);
    expect(await beside('twin-two')).toEqual(['twin-one', 'newest']);
    expect(await beside('twin-one')).toEqual(['late', 'twin-two']);
    expect(await beside('bounces')).toEqual([undefined, 'zones']);
    expect(await findSurroundings({ slug: 'draft', now })).toEqual({ newer: null, older: null, related: [] });
  });

  test('names what is about the same, but not what stands beside it already', async () => {
    expect(slugsOf((await findSurroundings({ slug: 'newest', now })).related)).toEqual(['bounces']);
    expect(slugsOf((await findSurroundings({ slug: 'bounces', now })).related)).toEqual(['newest']);
    // Its only kin is the one after it.
    expect((await findSurroundings({ slug: 'zones', now })).related).toEqual([]);
  });

  test('tells of each article how long it takes and in which language it is, and carries no text in lists', async () => {
    const [first] = await listPublishedPosts({ now, limit: 1 });
    expect(first).toMatchObject({ slug: 'newest', language: 'en', minutes: 1 });
    expect(first).not.toHaveProperty('body');
    expect(await findPublishedPost({ slug: 'late', now })).toMatchObject({
      language: 'ru',
      body: '<p>Пояс</p>',
    });
  });

  test('says that an article changed when it was published, unless it was written on since', async () => {
    const found = await listAddresses({ now, limit: 10 });
    expect(slugsOf(found)).toEqual(['newest', 'twin-two', 'twin-one', 'late', 'zones', 'bounces']);
    expect(found.at(0)?.updatedAt).toBe(daysAgo(1).toISOString());
    expect(found.at(-1)?.updatedAt).toBe(daysAgo(2).toISOString());
  });

  test('is a feed with whole texts, whole addresses and ids that stay', async () => {
    const feed = atomFeed(await listWholePosts({ now, limit: 10 }), { title: 'A & B', subtitle: '' });
    const document = parseDocument(feed, { xmlMode: true });
    expect(document.children.length).toBeGreaterThan(0);
    expect(feed.match(/<entry /g)).toHaveLength(6);
    expect(feed).toContain('<title>A &amp; B</title>');
    expect(feed).toContain('<author><name>Ada &lt;Lovelace&gt; &amp; Co</name></author>');
    expect(feed).toContain(
      'Text &amp;amp; more &lt;a href=&quot;http://localhost:3000/register&quot;&gt;here',
    );
    // As old as what changed last; an article in Russian leads to the interface in Russian.
    expect(feed).toContain(`<updated>${daysAgo(1).toISOString()}</updated>`);
    expect(feed).toContain('hreflang="ru" href="http://localhost:3000/ru/blog/late"');
    const ids = [...feed.matchAll(/<id>(.*?)<\/id>/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(7);
    for (const id of ids) expect(id).toMatch(/^tag:localhost(:\d+)?,2026:(blog|post\/\d+)$/);
  });
});

test('letters that XML has no place for are left out of the feed, and the rest stays', () => {
  const feed = atomFeed(
    [
      {
        id: 1,
        slug: 'odd',
        title: 'Odd \u0000\u0008\ufffe]]> 😀',
        summary: '',
        body: '<p>\u000bx</p>',
        imageUrl: '/api/uploads/x.png',
        coverAlt: '"a"',
        coverWidth: null,
        coverHeight: null,
        publishedAt: now.toISOString(),
        updatedAt: now.toISOString(),
        author: null,
        language: 'en',
        minutes: 1,
      },
    ],
    { title: '', subtitle: '' },
  );
  expect(feed).toContain('<title>Odd ]]&gt; 😀</title>');
  expect(feed).toContain('http://localhost:3000/api/uploads/x.png');
});

test('a picture to share is drawn of any title, 1200 by 630, and asks nobody elsewhere for anything', async () => {
  const asked = vi.spyOn(globalThis, 'fetch');
  // Every letter that is let through, and many that are not.
  const all = Array.from({ length: 0x500 }, (_, code) => String.fromCharCode(code + 32)).join('');
  const titles = ['Как собрать базу', `${all} 漢字 😀 ₽№“”—…`, 'W'.repeat(200), '漢字', ''];
  for (const title of titles) {
    const picture = await sharePicture({
      title,
      author: 'Ёж Ąęż',
      publishedAt: now.toISOString(),
      language: 'ru',
    });
    expect(picture.headers.get('content-type')).toBe('image/png');
    const bytes = Buffer.from(await picture.arrayBuffer());
    expect(bytes.toString('latin1', 1, 4)).toBe('PNG');
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1200, 630]);
  }
  expect(asked.mock.calls.filter(([url]) => /^https?:/.test(String(url)))).toEqual([]);
  asked.mockRestore();
});
