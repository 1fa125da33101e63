import { unstable_cache } from 'next/cache';
import { buildsBlind, env } from '@/lib/env';
import { readTotals } from '@/lib/installation/queries';
import { findPublishedPost, listPublishedPosts, pickPublishedPosts } from './queries';

/** What a change expires: the lists of public articles, one article, the list of drafts, the home page's numbers. */
export const tags = {
  posts: 'posts',
  post: (slug: string) => `post:${slug}`,
  drafts: 'drafts',
  totals: 'totals',
};

/**
 * Keeps what public pages read for a minute, or until a tag is expired. The page depends on the tag in any case: also where
 * it was built without a database, or with `CACHE=off`; both keep things for a second only, so the next visits mend it.
 */
function kept<T>(keys: string[], names: string[], read: () => Promise<T>, blind: T): Promise<T> {
  const isBlind = buildsBlind();
  // Under a name of its own, so that the first visit reads afresh and is not given the empty answer once more.
  const name = isBlind ? ['blind', ...keys] : keys;
  const seconds = isBlind || env().CACHE === 'off' ? 1 : 60;
  return unstable_cache(async () => (isBlind ? blind : read()), name, { tags: names, revalidate: seconds })();
}

/** The home page's numbers; null while they are not known. */
export function cachedTotals() {
  return kept(['totals'], [tags.totals], readTotals, null);
}

/** Three articles by chance, others every minute. */
export function cachedPicks() {
  return kept(['picks'], [tags.posts], () => pickPublishedPosts({ now: new Date(), count: 3 }), []);
}

export function cachedPosts() {
  return kept(['posts'], [tags.posts], () => listPublishedPosts({ now: new Date(), limit: 50 }), []);
}

export function cachedPost(slug: string) {
  return kept(['post', slug], [tags.post(slug)], () => findPublishedPost({ slug, now: new Date() }), null);
}
