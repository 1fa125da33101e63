import { unstable_cache, updateTag } from 'next/cache';
import { untilTag } from '@/lib/cache/entries';
import { buildsBlind, env } from '@/lib/env';
import { readTotals } from '@/lib/installation/queries';
import type { Page } from '@/lib/paging';
import { type Actor, canManagePosts } from '@/lib/policy/rules';
import type { Touched } from './mutations';
import {
  findMovedPost,
  findNextPublication,
  findPostPage,
  findPublishedPost,
  findSurroundings,
  listAddresses,
  listPosts,
  listWholePosts,
  pickPublishedPosts,
} from './queries';
import { type PostLine, postsPerPage } from './schema';
import { isSlug } from './slug';

/** What a change expires: the lists of public articles, one article, the list of drafts, the home page's numbers. */
export const tags = {
  posts: 'posts',
  post: (slug: string) => `post:${slug}`,
  drafts: 'drafts',
  totals: 'totals',
};

/**
 * Keeps what public pages read for a minute, until a tag is expired, or until `over`. The page depends on the tag in any case: also
 * where it was built without a database, or with `CACHE=off`; both keep things for a second only, so the next visits mend it.
 */
function kept<T>(
  keys: string[],
  tagged: string[],
  read: () => Promise<T>,
  blind: T,
  over: Date | null = null,
): Promise<T> {
  const names = over ? [...tagged, untilTag(over)] : tagged;
  const isBlind = buildsBlind();
  // Under a name of its own, so that the first visit reads afresh and is not given the empty answer once more.
  const name = isBlind ? ['blind', ...keys] : keys;
  const seconds = isBlind || env().CACHE === 'off' ? 1 : 60;
  return unstable_cache(async () => (isBlind ? blind : read()), name, { tags: names, revalidate: seconds })();
}

/**
 * When what public pages show changes by itself: the next publication of any article, or of the one at `slug`; null when none is
 * planned. It is kept too, and looked up again when it is over.
 */
async function nextChange(names: string[], slug?: string): Promise<Date | null> {
  let next: string | null = null;
  do {
    const keys: string[] = ['next', slug ?? '*', next ?? ''];
    next = await kept(keys, names, () => findNextPublication({ now: new Date(), slug }), null);
  } while (next !== null && Date.parse(next) <= Date.now());
  return next === null ? null : new Date(next);
}

async function keptUntilNext<T>(keys: string[], names: string[], read: () => Promise<T>, blind: T) {
  return kept(keys, names, read, blind, await nextChange([tags.posts]));
}

/** The home page's numbers; null while they are not known. */
export async function cachedTotals() {
  const read = async () => ({ totals: await readTotals(), at: Date.now() });
  const known = await kept(['numbers'], [tags.totals], read, null);
  if (!known) return null;
  // The page is over when its numbers are a minute old; made of old ones, a minute of its own would make that two.
  const over = new Date(known.at + 60_000);
  await kept(['numbers over', String(known.at)], [tags.totals], async () => null, null, over);
  return known.totals;
}

/** Articles by chance, others every minute: the home page shows the first three, or three that the browser chooses. */
export function cachedPicks() {
  return keptUntilNext(['picks'], [tags.posts], () => pickPublishedPosts({ now: new Date(), count: 12 }), []);
}

/** A page of the public articles, counted from 1; null where there is none. An empty blog has an empty first page. */
export async function cachedPostPage(number: number) {
  // Nobody asks for the hundred-thousandth but to have it looked up.
  if (!Number.isInteger(number) || number < 1 || number > 99_999) return null;
  return keptUntilNext(
    ['posts', String(number)],
    [tags.posts],
    () => findPostPage({ now: new Date(), number, size: postsPerPage }),
    number === 1 ? { posts: [], pages: 1 } : null,
  );
}

/** The ten newest articles, whole, for the feed. */
export function cachedFeed() {
  return keptUntilNext(['feed'], [tags.posts], () => listWholePosts({ now: new Date(), limit: 10 }), []);
}

/** Where the articles are found, for the sitemap: its file takes 50,000 addresses, and what is kept here 2 MB. */
export function cachedAddresses() {
  return keptUntilNext(
    ['addresses'],
    [tags.posts],
    () => listAddresses({ now: new Date(), limit: 10_000 }),
    [],
  );
}

/** What a reader may go on with after an article; it changes with any of them. */
export function cachedSurroundings(slug: string) {
  const nothing = { newer: null, older: null, related: [] };
  return keptUntilNext(
    ['around', slug],
    [tags.posts, tags.post(slug)],
    () => findSurroundings({ slug, now: new Date() }),
    nothing,
  );
}

/** One public article. What can be no address of one is looked up nowhere and kept nowhere. */
export async function cachedPost(slug: string) {
  if (!isSlug(slug)) return null;
  const names = [tags.post(slug)];
  const read = () => findPublishedPost({ slug, now: new Date() });
  return kept(['post', slug], names, read, null, await nextChange(names, slug));
}

/** Where an address that an article had before leads now: another slug, or null. */
export async function cachedMove(slug: string) {
  if (!isSlug(slug)) return null;
  return kept(['moved', slug], [tags.post(slug)], () => findMovedPost({ slug, now: new Date() }), null);
}

/** The first page of the drafts. One copy for all managers, and nothing for anybody else. */
export async function cachedDrafts(actor: Actor): Promise<Page<PostLine>> {
  if (!canManagePosts(actor)) return { items: [], next: null };
  return kept(['drafts'], [tags.drafts], () => listPosts(actor, { state: 'draft', now: new Date() }), {
    items: [],
    next: null,
  });
}

/**
 * Forgets what a change concerns and nothing else: the drafts, or the lists of public articles and each address that shows
 * something else from now on. For server actions only: whoever made the change sees it at once.
 */
export function refreshPost({ drafts, slugs }: Touched): void {
  if (slugs.length > 0) updateTag(tags.posts);
  for (const slug of slugs) updateTag(tags.post(slug));
  if (drafts) updateTag(tags.drafts);
}
