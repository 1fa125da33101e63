import { Ratelimit } from '@upstash/ratelimit';
import { Redis } from '@upstash/redis';
import { eq, lt, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { rateLimits } from '@/db/schema';
import { env, keyedDigest } from '@/lib/env';
import { log } from '@/lib/log';

export type Limit = { limit: number; windowSeconds: number };
/** `retryAfterSeconds` is 0 when the token was given. */
export type Token = { ok: boolean; retryAfterSeconds: number };

/** What is counted, without telling whom: the table and Redis see a keyed digest. */
function keyOf(kind: string, subject: string): string {
  return `${kind}:${keyedDigest('rate-limit', `${kind}:${subject}`).toString('base64url').slice(0, 27)}`;
}

let redis: Redis | null | undefined;

function upstash(): Redis | null {
  if (redis === undefined) {
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env();
    // A function, not a signal: with one signal for all, its abort would look like an answer.
    redis =
      url && token ? new Redis({ url, token, retry: false, signal: () => AbortSignal.timeout(800) }) : null;
  }
  return redis;
}

/**
 * Takes one of `limit` tokens that `subject` has in a window of `windowSeconds`. Counts in Upstash where it is set, and in
 * Postgres where it is not or does not answer within 0.8 s: a limiter that is down never lets everybody in.
 */
export async function takeToken(kind: string, subject: string, limit: Limit, on: Db = db): Promise<Token> {
  const key = keyOf(kind, subject);
  const remote = upstash();
  if (remote) {
    try {
      return await takeFromUpstash(remote, key, limit);
    } catch (error) {
      log.warn('rate_limit_fell_back', { reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return takeFromPostgres(key, limit, on);
}

function limiter(remote: Redis, { limit, windowSeconds }: Limit): Ratelimit {
  return new Ratelimit({
    redis: remote,
    prefix: 'mailroom',
    limiter: Ratelimit.fixedWindow(limit, `${windowSeconds} s`),
    ephemeralCache: false,
    analytics: false,
  });
}

async function takeFromUpstash(remote: Redis, key: string, limit: Limit): Promise<Token> {
  const { success, reset, reason } = await limiter(remote, limit).limit(key);
  // The library lets pass what took too long; we ask Postgres instead.
  if (reason === 'timeout') throw new Error('timeout');
  return {
    ok: success,
    retryAfterSeconds: success ? 0 : Math.max(1, Math.ceil((reset - Date.now()) / 1000)),
  };
}

async function takeFromPostgres(key: string, { limit, windowSeconds }: Limit, on: Db): Promise<Token> {
  const over = sql`${rateLimits.resetsAt} <= now()`;
  const [row] = await on
    .insert(rateLimits)
    .values({ key, count: 1, resetsAt: sql`now() + make_interval(secs => ${windowSeconds})` })
    .onConflictDoUpdate({
      target: rateLimits.key,
      set: {
        count: sql`case when ${over} then 1 else least(${rateLimits.count} + 1, ${limit + 1}) end`,
        resetsAt: sql`case when ${over} then excluded.resets_at else ${rateLimits.resetsAt} end`,
      },
    })
    .returning({
      count: rateLimits.count,
      left: sql<number>`ceil(extract(epoch from ${rateLimits.resetsAt} - now()))::int`,
    });
  if (Math.random() < 0.002) await on.delete(rateLimits).where(lt(rateLimits.resetsAt, sql`now()`));
  const ok = row !== undefined && row.count <= limit;
  return { ok, retryAfterSeconds: ok ? 0 : Math.max(1, row?.left ?? windowSeconds) };
}

/** Gives one token back: what was counted turned out to be no guess. A refund that Upstash does not take is dropped. */
export async function returnToken(kind: string, subject: string, limit: Limit, on: Db = db): Promise<void> {
  const key = keyOf(kind, subject);
  const remote = upstash();
  await Promise.allSettled([
    remote ? limiter(remote, limit).limit(key, { rate: -1 }) : null,
    on
      .update(rateLimits)
      .set({ count: sql`greatest(${rateLimits.count} - 1, 0)` })
      .where(eq(rateLimits.key, key)),
  ]);
}
