import { Redis } from '@upstash/redis';
import { env } from '@/lib/env';
import { log } from '@/lib/log';

/*
 * What Upstash may cost a request. Longer than that and it counts as down; then Postgres does its work, and for a while nobody
 * waits for Upstash at all. That memory is one process's own: it says only whom to ask, never what was counted.
 */
export const upstashMs = 800;
const downMs = 10_000;

let redis: Redis | null | undefined;
/** On the clock of `performance.now()`. */
let downUntil = 0;

/** The shared Redis; null where none is set, and for ten seconds after it did not answer. */
export function upstash(): Redis | null {
  if (redis === undefined) {
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env();
    // A function, not a signal: with one signal for all, its abort would look like an answer.
    redis =
      url && token
        ? new Redis({ url, token, retry: false, signal: () => AbortSignal.timeout(upstashMs) })
        : null;
  }
  return performance.now() < downUntil ? null : redis;
}

/** What Upstash answers until `deadline` (of `performance.now()`); null when it does not, or `ask` throws over nonsense. */
export async function askUpstash<T>(ask: () => Promise<T>, deadline: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error('no answer in time')),
      Math.max(0, deadline - performance.now()),
    );
  });
  const answer = ask();
  // Comes to nothing once it is late; nobody is left to hear of it.
  answer.catch(() => {});
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    downUntil = performance.now() + downMs;
    log.warn('upstash_down', { reason: error instanceof Error ? error.message : String(error) });
    return null;
  } finally {
    clearTimeout(timer);
  }
}
