/**
 * Pages that are the same for everybody. A browser asks each time and is told 304 if it has the page already; a cache in front of us
 * shows one for a second, which nginx rounds up to two. No `stale-while-revalidate`: it comes on top of that.
 */
export const publicControl = 'public, max-age=0, s-maxage=1';
/** What nobody keeps. */
export const privateControl = 'private, no-store';
/** Addresses that lead elsewhere for good, as far as this configuration goes. */
const movedControl = 'public, max-age=3600';

/**
 * The `Cache-Control` of an answer. Next says `s-maxage=` of whatever it keeps itself, and how long it may be kept elsewhere is for us to
 * say; other things that were said stay; who says nothing is kept by nobody. `isForOne`: at a private address, also where it is the page
 * that everybody gets there, which is not what its owner gets; or a part of a page, which caches that do not understand `Vary` would give to
 * people as the page.
 */
export function cacheControlOf(
  said: string | undefined,
  { status, isForOne, isOn }: { status: number; isForOne: boolean; isOn: boolean },
): string {
  if (said?.startsWith('s-maxage=')) {
    if (isForOne || !isOn || status >= 500) return privateControl;
    return publicControl;
  }
  return said ?? (status === 308 && !isForOne ? movedControl : privateControl);
}
