import { Ratelimit } from '@upstash/ratelimit';
import type { Redis } from '@upstash/redis';
import { eq, lt, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { rateLimits } from '@/db/schema';
import { keyedDigest } from '@/lib/env';
import { askUpstash, upstash, upstashMs } from '@/lib/upstash';

export type Limit = { limit: number; windowSeconds: number };
/** `retryAfterSeconds` is 0 when the token was given. */
export type Token = { ok: boolean; retryAfterSeconds: number };

/** What is counted, without telling whom: the table and Redis see a keyed digest. */
function keyOf(kind: string, subject: string): string {
  return `${kind}:${keyedDigest('rate-limit', `${kind}:${subject}`).toString('base64url').slice(0, 27)}`;
}

/** Of the time that Upstash may cost a request: for taking, all kinds together, and for giving back. */
const giveBackMs = 300;
const takeMs = upstashMs - giveBackMs;

/** Of a kind, how many tokens `subject` has in a window. */
type Wanted = { kind: string; subject: string; limit: Limit };

/**
 * Takes a token of each kind, in order, up to the first that is used up. Counts in Upstash where it is set, and in Postgres where
 * it is not or does not answer: a limiter that is down never lets everybody in, and costs a request at most 0.8 s, `giveBack`
 * included. That returns what was taken, for what turned out to be no guess; a return that Upstash does not take is dropped.
 */
export async function takeTokens(
  wanted: Wanted[],
  on: Db = db,
): Promise<Token & { giveBack: () => Promise<void> }> {
  const deadline = performance.now() + takeMs;
  const returns: (() => Promise<unknown>)[] = [];
  const giveBack = async () => {
    await Promise.all(returns.map((back) => back()));
  };
  for (const { kind, subject, limit } of wanted) {
    const key = keyOf(kind, subject);
    const remote = upstash();
    const answer = remote && (await askUpstash(() => takeFromUpstash(remote, key, limit), deadline));
    const token = answer ?? (await takeFromPostgres(key, limit, on));
    if (!token.ok) return { ...token, giveBack };
    returns.push(() => (answer && remote ? returnToUpstash(remote, key, limit) : returnToPostgres(key, on)));
  }
  return { ok: true, retryAfterSeconds: 0, giveBack };
}

/** Takes one of the tokens that `subject` has in a window; see {@link takeTokens}. */
export async function takeToken(kind: string, subject: string, limit: Limit, on: Db = db): Promise<Token> {
  const { ok, retryAfterSeconds } = await takeTokens([{ kind, subject, limit }], on);
  return { ok, retryAfterSeconds };
}

function limiter(remote: Redis, { limit, windowSeconds }: Limit): Ratelimit {
  return new Ratelimit({
    redis: remote,
    prefix: 'mailroom',
    limiter: Ratelimit.fixedWindow(limit, `${windowSeconds} s`),
    ephemeralCache: false,
    // Its own time-out lets everybody pass.
    timeout: 0,
    analytics: false,
  });
}

async function takeFromUpstash(remote: Redis, key: string, limit: Limit): Promise<Token> {
  const answer = await limiter(remote, limit).limit(key);
  // Anything else than a count against our own limit is no answer.
  if (answer.limit !== limit.limit || !Number.isInteger(answer.remaining) || answer.reason !== undefined)
    throw new Error('an answer that makes no sense');
  return {
    ok: answer.success,
    retryAfterSeconds: answer.success ? 0 : Math.max(1, Math.ceil((answer.reset - Date.now()) / 1000)),
  };
}

async function returnToUpstash(remote: Redis, key: string, limit: Limit): Promise<void> {
  if (upstash() === null) return;
  await askUpstash(() => limiter(remote, limit).limit(key, { rate: -1 }), performance.now() + giveBackMs);
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

async function returnToPostgres(key: string, on: Db): Promise<void> {
  await on
    .update(rateLimits)
    .set({ count: sql`greatest(${rateLimits.count} - 1, 0)` })
    .where(eq(rateLimits.key, key));
}
