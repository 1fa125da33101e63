import { setTimeout } from 'node:timers/promises';
import { log } from '@/lib/log';
import { purgePosts } from '@/lib/posts/mutations';
import { tidyUploads } from '@/lib/uploads/mutations';
import { flushViews, tidyVisits } from '@/lib/views/mutations';

/** What removing one picture takes at most. */
const stepMs = 20_000;

/**
 * What has to be done now and then and is nobody's wish: views that wait in Upstash, visits that are over, pictures that nothing
 * shows, articles deleted long ago. Begins nothing
 * that might not end by `deadline`. What fails is logged, and the next call tries again.
 */
export async function keepHouse({ deadline }: { deadline: Date }): Promise<void> {
  await flushViews({ now: new Date() }).catch((error) => log.surprise('views_not_flushed', error));
  await tidyVisits({ now: new Date() }).catch((error) => log.surprise('visits_not_tidied', error));
  await tidyUploads({ deadline: new Date(deadline.getTime() - stepMs) }).catch((error) =>
    log.surprise('uploads_not_tidied', error),
  );
  await purgePosts({ now: new Date() }).catch((error) => log.surprise('posts_not_purged', error));
}

/** How often a worker asks what there is to do, and how long it may take for it. */
const everyMs = 600_000;
const roundMs = 80_000;

/** {@link keepHouse} again and again, until the signal. */
export async function keepHouseUntil(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await keepHouse({ deadline: new Date(Date.now() + roundMs) });
    // Ends early when the signal says so.
    await setTimeout(everyMs, undefined, { signal }).catch(() => {});
  }
}
