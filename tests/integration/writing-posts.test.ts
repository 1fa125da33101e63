import '@/tests/support/request-scope';
import { and, eq } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import { audit, postSlugs, posts } from '@/db/schema';
import { readAsked } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import {
  createPostAction,
  deletePostAction,
  publishPostAction,
  restorePostAction,
  savePostAction,
  unpublishPostAction,
} from '@/lib/posts/actions';
import { cachedDrafts } from '@/lib/posts/cache';
import {
  createPost,
  deletePost,
  publishPost,
  purgePosts,
  restorePost,
  savePost,
  unpublishPost,
} from '@/lib/posts/mutations';
import {
  countPosts,
  findMovedPost,
  findPost,
  findPublishedPost,
  listPosts,
  listPublishedPosts,
} from '@/lib/posts/queries';
import { asActor, createActor, createPost as createRow, createUser } from '@/tests/support/factories';
import { withRequest } from '@/tests/support/request-scope';
import { signIn } from '@/tests/support/sign-in';

const now = new Date('2026-11-21T12:00:00Z');
const later = (days: number) => new Date(now.getTime() + days * 86_400_000);

let writer: Actor;
let other: Actor;
let user: Actor;
let cookie: string;

beforeAll(async () => {
  const row = await createUser(db, {
    email: 'writer@blog.example',
    password: 'a sound password',
    isStaff: true,
    timeZone: 'Europe/Moscow',
  });
  writer = asActor(row);
  cookie = await signIn('writer@blog.example', 'a sound password');
  other = await createActor(db, { isStaff: true, name: 'Grace Hopper' });
  user = await createActor(db);
});

const text = { title: '', slug: '', summary: '', body: '<p>Text</p>' };

async function rowOf(id: number) {
  const [row] = await db.select().from(posts).where(eq(posts.id, id));
  if (!row) throw new Error(`there is no post ${id}`);
  return row;
}

/** The data of what must have worked. */
function good<T>(result: { ok: true; data: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.data;
}

async function published(title: string, by = writer) {
  const { id } = good(await createPost(by, { ...text, title }));
  const { version, slug } = good(await publishPost(by, { id, version: 1, when: 'now', at: '' }, { now }));
  return { id, version, slug };
}

describe('a draft', () => {
  test('may be empty, belongs to who made it, and is nobody else’s to see', async () => {
    const { id, slug } = good(await createPost(writer, { ...text, body: '' }));
    expect(slug).toMatch(/^untitled(-\d+)?$/);
    expect(await rowOf(id)).toMatchObject({
      authorId: writer.id,
      status: 'draft',
      publishedAt: null,
      version: 1,
    });
    expect(await findPublishedPost({ slug, now })).toBeNull();
    expect(await findPost(user, { id, now })).toBeNull();
    expect(await findPost(other, { id, now })).toMatchObject({ id, state: 'draft', author: writer.name });
  });

  test('gets an address of its title that follows the title until it is published', async () => {
    const { id, slug } = good(await createPost(writer, { ...text, title: 'Первые шаги' }));
    expect(slug).toBe('pervye-shagi');
    const next = good(await savePost(writer, { ...text, id, version: 1, title: 'Second steps' }, { now }));
    expect(next).toMatchObject({ slug: 'second-steps', version: 2 });
    await publishPost(writer, { id, version: 2, when: 'now', at: '' }, { now });
    const last = good(await savePost(writer, { ...text, id, version: 3, title: 'Third steps' }, { now }));
    expect(last.slug).toBe('second-steps');
    // Nobody ever knew the first one.
    expect(await findMovedPost({ slug: 'pervye-shagi', now })).toBeNull();
  });

  test('is cleaned when it is saved', async () => {
    const { id } = good(await createPost(writer, { ...text, title: 'Dirty' }));
    const body = '<p>a<script>alert(1)</script></p><img src="x" onerror="alert(1)"><h1>b</h1>';
    await savePost(writer, { ...text, id, version: 1, title: 'Dirty', body }, { now });
    expect((await rowOf(id)).body).toBe('<p>a</p><h2>b</h2>');
  });

  test('is refused when it grows over 200 kB by being cleaned, at its field', async () => {
    const { id } = good(await createPost(writer, text));
    const body = `<p>${'&'.repeat(100_000)}</p>`;
    expect(await savePost(writer, { ...text, id, version: 1, body }, { now })).toMatchObject({
      ok: false,
      error: { fields: { body: { code: 'body_too_large' } } },
    });
    expect(await rowOf(id)).toMatchObject({ version: 1, body: '<p>Text</p>' });
  });
});

describe('an address', () => {
  test('that another article has is refused at its field, with one that is free', async () => {
    await createRow(db, { slug: 'taken' });
    await createRow(db, { slug: 'taken-2' });
    const { id } = good(await createPost(writer, { ...text, title: 'Mine' }));
    const refused = await savePost(
      writer,
      { ...text, id, version: 1, title: 'Mine', slug: 'Taken' },
      { now },
    );
    expect(refused).toEqual({
      ok: false,
      error: {
        code: 'invalid',
        fields: { slug: { code: 'slug_taken', params: { suggestion: 'taken-3' } } },
      },
    });
    expect(await rowOf(id)).toMatchObject({ slug: 'mine', version: 1 });
  });

  test('that says nothing in Latin letters is refused, and one of the blog’s own pages is not given away', async () => {
    expect(await createPost(writer, { ...text, slug: '漢字' })).toMatchObject({
      error: { fields: { slug: { code: 'slug_wrong' } } },
    });
    expect(await createPost(writer, { ...text, slug: 'page' })).toMatchObject({
      error: { fields: { slug: { code: 'slug_taken', params: { suggestion: 'page-2' } } } },
    });
  });

  test('goes to one of two editors who take it at the same moment; the other is told, with a suggestion', async () => {
    for (let round = 0; round < 5; round += 1) {
      const slug = `race-${round}`;
      const drafts = await Promise.all([
        createPost(writer, { ...text, title: `A ${round}` }),
        createPost(other, { ...text, title: `B ${round}` }),
      ]);
      const answers = await Promise.all(
        drafts.map((draft, at) =>
          savePost(
            at === 0 ? writer : other,
            { ...text, id: good(draft).id, version: 1, title: 'Same', slug },
            { now },
          ),
        ),
      );
      expect(answers.map(({ ok }) => ok).sort()).toEqual([false, true]);
      expect(answers.find(({ ok }) => !ok)).toMatchObject({
        error: { fields: { slug: { code: 'slug_taken', params: { suggestion: `${slug}-2` } } } },
      });
    }
  });

  test('made of the same title by twenty at once is another for each, with no number left out', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        createPost(at % 2 ? writer : other, { ...text, title: 'All at once' }),
      ),
    );
    const slugs = made.map((result) => good(result).slug);
    const wanted = Array.from({ length: 20 }, (_, at) =>
      at === 0 ? 'all-at-once' : `all-at-once-${at + 1}`,
    );
    expect(slugs.sort()).toEqual(wanted.sort());
  });

  test('given by twenty drafts that get the same title at once is another for each', async () => {
    const drafts = await Promise.all(
      Array.from({ length: 20 }, (_, at) => createPost(writer, { ...text, title: `Draft number ${at}` })),
    );
    const named = await Promise.all(
      drafts.map((draft) =>
        savePost(other, { ...text, id: good(draft).id, version: 1, title: 'Named alike' }, { now }),
      ),
    );
    expect(new Set(named.map((result) => good(result).slug)).size).toBe(20);
  });

  test('that readers knew leads to the article’s new one, however often it moves', async () => {
    const { id, version } = await published('Moving house');
    const first = good(
      await savePost(writer, { ...text, id, version, title: 'M', slug: 'second-home' }, { now }),
    );
    good(
      await savePost(
        writer,
        { ...text, id, version: first.version, title: 'M', slug: 'third-home' },
        { now },
      ),
    );
    expect(await findMovedPost({ slug: 'moving-house', now })).toBe('third-home');
    expect(await findMovedPost({ slug: 'second-home', now })).toBe('third-home');
    expect(await findMovedPost({ slug: 'third-home', now })).toBeNull();
    good(await unpublishPost(writer, { id }, { now }));
    expect(await findMovedPost({ slug: 'moving-house', now })).toBeNull();
  });

  test('of old may be taken by another article, which has it alone once it is public', async () => {
    const { id, version } = await published('Good name');
    good(await savePost(writer, { ...text, id, version, title: 'G', slug: 'better-name' }, { now }));
    const taker = good(await createPost(other, { ...text, title: 'Taker', slug: 'good-name' }));
    expect(taker.slug).toBe('good-name');
    // Nothing is taken from readers for a draft.
    expect(await findMovedPost({ slug: 'good-name', now })).toBe('better-name');
    good(await publishPost(other, { id: taker.id, version: 1, when: 'now', at: '' }, { now }));
    expect(await findMovedPost({ slug: 'good-name', now })).toBeNull();
    expect(await db.$count(postSlugs, eq(postSlugs.slug, 'good-name'))).toBe(0);
    // Made from a title, an old address is left to whom it belonged.
    expect(good(await createPost(other, { ...text, title: 'Moving house' })).slug).toBe('moving-house-2');
  });
});

describe('an article open in two windows', () => {
  test('is saved by one; the other is told, and nothing of either is lost', async () => {
    const { id } = good(await createPost(writer, { ...text, title: 'Shared' }));
    good(await savePost(other, { ...text, id, version: 1, title: 'By the other' }, { now }));
    expect(await savePost(writer, { ...text, id, version: 1, title: 'By me' }, { now })).toEqual({
      ok: false,
      error: { code: 'post_changed' },
    });
    expect(await findPost(writer, { id, now })).toMatchObject({
      title: 'By the other',
      editor: 'Grace Hopper',
      version: 2,
    });
    // Taking over names the version that one has seen.
    expect(good(await savePost(writer, { ...text, id, version: 2, title: 'By me' }, { now })).version).toBe(
      3,
    );
  });

  test('saved in both at the same moment is saved once', async () => {
    const { id } = good(await createPost(writer, { ...text, title: 'Racing' }));
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) =>
        savePost(at % 2 ? writer : other, { ...text, id, version: 1, title: `Racing ${at}` }, { now }),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    for (const answer of answers) if (!answer.ok) expect(answer.error.code).toBe('post_changed');
    expect((await rowOf(id)).version).toBe(2);
  });

  test('and published in one is not published anew with the other’s eyes closed', async () => {
    const { id } = good(await createPost(writer, { ...text, title: 'Closed eyes' }));
    good(await savePost(other, { ...text, id, version: 1, title: 'Not what I read' }, { now }));
    expect(await publishPost(writer, { id, version: 1, when: 'now', at: '' }, { now })).toMatchObject({
      error: { code: 'post_changed' },
    });
    expect((await rowOf(id)).status).toBe('draft');
  });

  test('published in one is not changed by what the other saves by itself', async () => {
    const { id, version } = await published('Live');
    expect(
      await savePost(writer, { ...text, id, version, title: 'Half a', auto: 'on' }, { now }),
    ).toMatchObject({ error: { code: 'not_a_draft' } });
    expect((await rowOf(id)).title).toBe('Live');
  });
});

describe('publishing', () => {
  test('is refused without a title or a text, at the fields, and changes nothing', async () => {
    const { id } = good(await createPost(writer, { ...text, body: '<p> &nbsp;</p>' }));
    expect(await publishPost(writer, { id, version: 1, when: 'now', at: '' }, { now })).toEqual({
      ok: false,
      error: { code: 'invalid', fields: { title: { code: 'required' }, body: { code: 'required' } } },
    });
    expect((await rowOf(id)).status).toBe('draft');
    const live = await published('Stays whole');
    expect(
      await savePost(writer, { ...text, id: live.id, version: live.version, title: 'x', body: '' }, { now }),
    ).toMatchObject({ error: { fields: { body: { code: 'required' } } } });
  });

  test('at a date means the wall clock of who publishes; before it nobody sees the article', async () => {
    const { id, slug } = good(await createPost(writer, { ...text, title: 'Tomorrow' }));
    const answer = good(
      await publishPost(writer, { id, version: 1, when: 'at', at: '2026-11-22T09:30' }, { now }),
    );
    expect(answer).toMatchObject({ publishedAt: '2026-11-22T06:30:00.000Z', isScheduled: true });
    expect(await findPost(writer, { id, now })).toMatchObject({ state: 'scheduled' });
    expect(await findPublishedPost({ slug, now })).toBeNull();
    expect(await findPublishedPost({ slug, now: later(1) })).toMatchObject({ title: 'Tomorrow' });
  });

  test('at what is no date is refused at its field', async () => {
    const { id } = good(await createPost(writer, { ...text, title: 'Never' }));
    for (const at of ['2026-02-30T10:00', 'soon', '9999-01-01T00:00'])
      expect(await publishPost(writer, { id, version: 1, when: 'at', at }, { now })).toMatchObject({
        error: { fields: { at: { code: 'date_wrong' } } },
      });
  });

  test('is taken back with the text kept; what was only planned forgets its date', async () => {
    const { id, slug } = await published('Taken back');
    good(await unpublishPost(writer, { id }, { now }));
    expect(await rowOf(id)).toMatchObject({ status: 'draft', publishedAt: now, body: '<p>Text</p>' });
    expect(await findPublishedPost({ slug, now })).toBeNull();
    const planned = good(await createPost(writer, { ...text, title: 'Planned' }));
    await publishPost(writer, { id: planned.id, version: 1, when: 'at', at: '2027-01-01T00:00' }, { now });
    await unpublishPost(writer, { id: planned.id }, { now });
    expect((await rowOf(planned.id)).publishedAt).toBeNull();
  });
});

describe('a deleted article', () => {
  test('is gone for readers at once, and comes back as it was', async () => {
    const { id, slug } = await published('Oops');
    good(await deletePost(writer, { id }, { now }));
    expect(await findPublishedPost({ slug, now })).toBeNull();
    expect((await listPublishedPosts({ now, limit: 50 })).map((post) => post.slug)).not.toContain(slug);
    expect(await savePost(writer, { ...text, id, version: 3, title: 'x' }, { now })).toMatchObject({
      error: { code: 'post_deleted' },
    });
    expect(await deletePost(writer, { id }, { now })).toMatchObject({ error: { code: 'post_deleted' } });
    good(await restorePost(writer, { id }));
    expect(await findPublishedPost({ slug, now })).toMatchObject({ title: 'Oops' });
    expect(await restorePost(writer, { id })).toMatchObject({ error: { code: 'not_found' } });
  });

  test('gives its address free, and comes back under the next one when that was taken', async () => {
    const { id, slug } = await published('Wanted name');
    good(await deletePost(writer, { id }, { now }));
    expect(good(await createPost(other, { ...text, title: 'Wanted name' })).slug).toBe(slug);
    expect(good(await restorePost(writer, { id })).slug).toBe(`${slug}-2`);
  });

  test('is gone for good after 30 days, and not before; its old addresses with it', async () => {
    const { id, version } = await published('Old enough');
    good(await savePost(writer, { ...text, id, version, title: 'O', slug: 'older-still' }, { now }));
    const young = await published('Too young');
    await deletePost(writer, { id }, { now });
    await deletePost(writer, { id: young.id }, { now: later(2) });
    const before = await db.$count(posts);
    await purgePosts({ now: later(29) });
    expect(await db.$count(posts)).toBe(before);
    expect(await purgePosts({ now: later(30.5) })).toBeGreaterThan(0);
    expect(await db.$count(posts, eq(posts.id, id))).toBe(0);
    expect(await db.$count(postSlugs, eq(postSlugs.postId, id))).toBe(0);
    expect(await db.$count(posts, eq(posts.id, young.id))).toBe(1);
  });
});

describe('who may', () => {
  test('users neither read nor write the blog, whatever they send', async () => {
    const { id } = await published('Not yours');
    const version = (await rowOf(id)).version;
    const refused = { ok: false, error: { code: 'not_found' } };
    expect(await createPost(user, text)).toEqual(refused);
    expect(await savePost(user, { ...text, id, version, title: 'x' }, { now })).toEqual(refused);
    expect(await publishPost(user, { id, version, when: 'now', at: '' }, { now })).toEqual(refused);
    expect(await unpublishPost(user, { id }, { now })).toEqual(refused);
    expect(await deletePost(user, { id }, { now })).toEqual(refused);
    expect((await listPosts(user, { now })).items).toEqual([]);
    expect(await countPosts(user, { now })).toEqual({
      draft: 0,
      scheduled: 0,
      published: 0,
      deleted: 0,
      views: 0,
    });
    expect(await withRequest({}, () => cachedDrafts(user))).toEqual({ items: [], next: null });
    good(await deletePost(writer, { id }, { now }));
    expect(await restorePost(user, { id })).toEqual(refused);
  });

  test('managers change each other’s articles, and each change is written down; one’s own is not', async () => {
    const { id, version } = await published('Of the writer');
    const entries = () => db.$count(audit, and(eq(audit.targetType, 'post'), eq(audit.targetId, id)));
    good(await savePost(writer, { ...text, id, version, title: 'Mine' }, { now }));
    expect(await entries()).toBe(0);
    good(await savePost(other, { ...text, id, version: version + 1, title: 'Better' }, { now }));
    good(await unpublishPost(other, { id }, { now }));
    good(await deletePost(other, { id }, { now }));
    good(await restorePost(other, { id }));
    const written = await db
      .select({ action: audit.action, before: audit.before, after: audit.after })
      .from(audit)
      .where(and(eq(audit.targetType, 'post'), eq(audit.targetId, id)))
      .orderBy(audit.id);
    expect(written.map(({ action }) => action)).toEqual([
      'update_post',
      'unpublish_post',
      'delete_post',
      'restore_post',
    ]);
    expect(written[0]).toMatchObject({ before: { title: 'Mine' }, after: { title: 'Better' } });
  });

  test('another’s draft that is saved again and again fills no log', async () => {
    const { id } = good(await createPost(writer, { ...text, title: 'Drafting' }));
    for (let version = 1; version < 6; version += 1)
      good(
        await savePost(other, { ...text, id, version, title: `Drafting ${version}`, auto: 'on' }, { now }),
      );
    expect(await db.$count(audit, and(eq(audit.targetType, 'post'), eq(audit.targetId, id)))).toBe(1);
  });
});

describe('the managers’ list', () => {
  test('finds by title and summary, by state, and shows each article once while paging', async () => {
    const mark = 'Zebra';
    const make = (at: number, more: object = {}) =>
      createRow(db, {
        title: `${mark} ${at}`,
        slug: `zebra-${at}`,
        updatedAt: new Date(now.getTime() + at),
        ...more,
      });
    for (let at = 0; at < 5; at += 1) await make(at);
    await make(5, { status: 'published', publishedAt: later(-1) });
    await make(6, { status: 'published', publishedAt: later(1) });
    await make(7, { status: 'published', publishedAt: later(2), title: 'Other', summary: 'about a ZEBRA' });
    await make(8, { deletedAt: now });

    const all: string[] = [];
    let after: string | undefined;
    do {
      const page = await listPosts(writer, { now, q: 'zebra', size: 3, after });
      all.push(...page.items.map(({ slug }) => slug));
      const asked = readAsked({ after: page.next ?? undefined }, ['string', 'number']);
      expect(asked.isDamaged).toBe(false);
      after = asked.after;
    } while (after);
    expect(all).toEqual([7, 6, 5, 4, 3, 2, 1, 0].map((at) => `zebra-${at}`));

    const slugs = async (state: 'draft' | 'scheduled' | 'published' | 'deleted') =>
      (await listPosts(writer, { now, q: 'zebra', state })).items.map(({ slug }) => slug);
    expect(await slugs('draft')).toEqual(['zebra-4', 'zebra-3', 'zebra-2', 'zebra-1', 'zebra-0']);
    expect(await slugs('scheduled')).toEqual(['zebra-6', 'zebra-7']);
    expect(await slugs('published')).toEqual(['zebra-5']);
    expect(await slugs('deleted')).toEqual(['zebra-8']);
    expect(await countPosts(writer, { now, q: 'zebra' })).toMatchObject({
      draft: 5,
      scheduled: 2,
      published: 1,
      deleted: 1,
    });
    // A made-up cursor is no cursor.
    expect((await listPosts(writer, { now, q: 'zebra', after: 'nonsense' })).items).toHaveLength(8);
  });

  test('takes what is typed by its letters', async () => {
    await createRow(db, { title: '100% of_letters', slug: 'percent' });
    const found = async (q: string) => (await listPosts(writer, { now, q })).items.map(({ slug }) => slug);
    expect(await found('100% OF_')).toEqual(['percent']);
    expect(await found('%_%_%_\0')).toEqual([]);
  });
});

describe('what public pages forget', () => {
  /** The tags whose copies an action threw away. */
  async function expiredBy(
    action: (state: never, form: FormData) => Promise<unknown>,
    fields: Record<string, string | number>,
  ): Promise<string[]> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
    const expired: string[] = [];
    await withRequest({ cookie }, () => action({ ok: null } as never, form), undefined, expired).catch(
      (error: unknown) => {
        if (
          !(error instanceof Error && 'digest' in error && String(error.digest).startsWith('NEXT_REDIRECT'))
        )
          throw error;
      },
    );
    return expired.sort();
  }
  const idOf = async (slug: string) => {
    const [row] = await db.select({ id: posts.id }).from(posts).where(eq(posts.slug, slug));
    if (!row) throw new Error(`there is no ${slug}`);
    return row.id;
  };

  test('is exactly what each step of an article concerns', async () => {
    expect(await expiredBy(createPostAction, { title: 'Tagged', body: '<p>x</p>' })).toEqual(['drafts']);
    const id = await idOf('tagged');
    const base = { id, title: 'Tagged', body: '<p>x</p>', slug: '' };
    expect(await expiredBy(savePostAction, { ...base, version: 1, auto: 'on' })).toEqual(['drafts']);
    // Nothing was written, so nothing is forgotten.
    expect(await expiredBy(savePostAction, { ...base, version: 1 })).toEqual([]);
    expect(
      await expiredBy(publishPostAction, { id, version: 2, when: 'at', at: '2099-01-01T10:00' }),
    ).toEqual(['drafts', 'post:tagged', 'posts']);
    expect(await expiredBy(publishPostAction, { id, version: 3, when: 'now' })).toEqual([
      'post:tagged',
      'posts',
    ]);
    expect(await expiredBy(savePostAction, { ...base, version: 4, title: 'Tagged anew' })).toEqual([
      'post:tagged',
      'posts',
    ]);
    expect(await expiredBy(savePostAction, { ...base, version: 5, slug: 'renamed' })).toEqual([
      'post:renamed',
      'post:tagged',
      'posts',
    ]);
    // The first address leads to the third one now.
    expect(await expiredBy(savePostAction, { ...base, version: 6, slug: 'again' })).toEqual([
      'post:again',
      'post:renamed',
      'post:tagged',
      'posts',
    ]);
    const every = ['post:again', 'post:renamed', 'post:tagged', 'posts'];
    expect(await expiredBy(deletePostAction, { id })).toEqual(every);
    expect(await expiredBy(restorePostAction, { id })).toEqual(every);
    expect(await expiredBy(unpublishPostAction, { id })).toEqual(['drafts', ...every]);
    expect(await expiredBy(deletePostAction, { id })).toEqual(['drafts']);
    expect(await expiredBy(restorePostAction, { id })).toEqual(['drafts']);
  });
});
