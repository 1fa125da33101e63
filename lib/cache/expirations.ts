import { log } from '@/lib/log';
import { type Ask, upstashDownMs, upstashMs } from '@/lib/upstash';

/*
 * Which tags were expired, and when. Two clocks put things in order, and nobody's wall clock does: `here` counts what this process
 * expired itself, `there` is the time of Redis, in microseconds, under which every instance's expirations stand there.
 */

/** A moment on both clocks: everything that was expired before it is known. */
export type Moment = { here: number; there: number };

/** What it may cost a request that Upstash is slow or silent, all its questions together, ms. */
export const patienceMs = upstashMs;
/** While it is silent, what this instance made or checked is shown for so long, ms. */
export const blindMs = 2000;
/** An expiration is remembered for so long, seconds: longer than anything is kept in Redis. */
const memorySeconds = 2 * 3600;
/** How long Redis keeps entries, seconds. */
export const entrySeconds = 3600;
const forgetSeconds = 7 * 24 * 3600;
/** More tags than that, and everything is expired instead. */
const tagsMax = 5000;

/** Instead of a tag: all there is. */
const all = '*';

// What expires `*` and tags in one step, at an instant that is later than every one before it, also when the clock was set back.
const expireScript = `
local t = redis.call('TIME')
local n = t[1] * 1000000 + t[2]
local top = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if top[2] and tonumber(top[2]) >= n then n = tonumber(top[2]) + 1 end
local at = string.format('%.0f', n)
for i = 3, #ARGV do
  if ARGV[i] == '*' then redis.call('SET', KEYS[2], at) else redis.call('ZADD', KEYS[1], at, ARGV[i]) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', n - tonumber(ARGV[1]) * 1000000))
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return at`;

export type Expirations = ReturnType<typeof createExpirations>;

/** Without `ask` this process is the only one there is. */
export function createExpirations(ask: Ask | null, prefix: string, options: { downMs?: number } = {}) {
  const clock = () => performance.now();
  const tagsKey = `${prefix}:expired`;
  const allKey = `${prefix}:all`;
  let here = 0;
  const tagsHere = new Map<string, number>();
  let allHere = 0;
  const tagsThere = new Map<string, number>();
  let allThere = 0;
  /** What Redis has been asked up to. */
  let there = 0;
  /** When the last question was asked that was answered, on `clock`. */
  let askedAt = Number.NEGATIVE_INFINITY;
  let isDown = false;
  let retry: NodeJS.Timeout | undefined;
  /** What Redis has not heard of yet, with `here` of its last expiration. A start expires everything: what happened meanwhile, nobody knows. */
  const pending = new Map<string, number>(ask ? [[all, 0]] : []);

  const noteThere = (tag: string, at: number) => {
    if (tag === all) allThere = Math.max(allThere, at);
    else tagsThere.set(tag, Math.max(tagsThere.get(tag) ?? 0, at));
    if (tagsThere.size <= tagsMax) return;
    allThere = Math.max(allThere, ...tagsThere.values());
    tagsThere.clear();
  };

  /** Tells Redis what it has to hear, and learns what others told it. */
  async function exchange(ask: Ask): Promise<void> {
    const from = clock();
    const telling = [...pending];
    const commands = [
      ['TIME'],
      ['GET', allKey],
      ['ZRANGE', tagsKey, String(there), '+inf', 'BYSCORE', 'WITHSCORES'],
    ];
    if (telling.length > 0)
      commands.unshift([
        'EVAL',
        expireScript,
        '2',
        tagsKey,
        allKey,
        String(memorySeconds),
        String(forgetSeconds),
        ...telling.map(([tag]) => tag),
      ]);
    const answers = await ask(commands, patienceMs);
    const told = telling.length > 0 ? instant(answers.shift()) : 0;
    const [time, every, expired] = answers;
    const [seconds, micros] = Array.isArray(time) ? time : [];
    const now = instant(seconds) * 1_000_000 + instant(micros);
    if (!Array.isArray(expired)) throw new Error('an answer that makes no sense');
    for (const [tag, at] of telling) {
      noteThere(tag, told);
      if (pending.get(tag) === at) pending.delete(tag);
    }
    if (every === null || now - there > memorySeconds * 1_000_000) {
      // It lost its memory, or this process was not listening for longer than that goes back.
      noteThere(all, now);
      if (every === null) pending.set(all, here);
    } else noteThere(all, instant(every));
    for (let at = 0; at + 1 < expired.length; at += 2)
      noteThere(String(expired[at]), instant(expired[at + 1]));
    there = Math.max(there, now);
    askedAt = from;
  }

  function goDown(ask: Ask, reason: string): void {
    if (!isDown) log.warn('cache_fell_back', { reason });
    isDown = true;
    if (retry) return;
    // By itself, not by the next visit: others may be waiting for what this process has to tell.
    retry = setTimeout(() => {
      retry = undefined;
      void question(ask);
    }, options.downMs ?? upstashDownMs);
    retry.unref();
  }

  let running: Promise<boolean> | null = null;
  let waiting: Promise<boolean> | null = null;

  function run(ask: Ask): Promise<boolean> {
    running = exchange(ask).then(
      () => {
        running = null;
        isDown = false;
        return true;
      },
      (error: unknown) => {
        running = null;
        goDown(ask, error instanceof Error ? error.message || error.name : String(error));
        return false;
      },
    );
    return running;
  }

  /** Of many who ask at once, one question is on its way and one waits: an answer counts only for those who came before its question. */
  function question(ask: Ask): Promise<boolean> {
    if (!running) return run(ask);
    waiting ??= running.then(() => {
      waiting = null;
      return run(ask);
    });
    return waiting;
  }

  /**
   * Learns everything that was expired anywhere before this call, in `ms` at most. False when Upstash did not say so in time: then
   * nobody waits for it until it has answered again.
   */
  async function learn(ms = patienceMs): Promise<boolean> {
    if (!ask) return true;
    if (isDown) return false;
    const isKnown = await within(question(ask), ms);
    if (isKnown === null) goDown(ask, 'no answer in time');
    return isKnown === true;
  }

  return {
    learn,
    moment: (): Moment => ({ here, there }),
    now: clock,

    /** Upstash, while it answers. */
    get reachable(): Ask | null {
      return isDown ? null : ask;
    },
    giveUp(reason: string): void {
      if (ask) goDown(ask, reason);
    },

    /** Whether it would be known if what began then (on `now`) was over: it is as young, or has been asked about, by `blindMs` at most. */
    isRecent: (begun: number): boolean => clock() - Math.max(begun, askedAt) <= blindMs,

    /** Whether one of the tags was expired since, as far as is known here. */
    isExpired(tags: string[], since: Moment): boolean {
      if (allHere > since.here || (allThere > 0 && allThere >= since.there)) return true;
      return tags.some(
        (tag) => (tagsHere.get(tag) ?? 0) > since.here || (tagsThere.get(tag) ?? -1) >= since.there,
      );
    },

    /** Whether Redis may still hold what this process knows to be over. */
    isPending: (tags: string[]): boolean => pending.has(all) || tags.some((tag) => pending.has(tag)),

    /** Expires them: here at once, and everywhere else when Redis has heard of it, which is waited for as long as it may take. */
    async expire(tags: string[]): Promise<void> {
      here += 1;
      for (const tag of tags) tagsHere.set(tag, here);
      if (tagsHere.size > tagsMax) {
        allHere = here;
        tagsHere.clear();
      }
      if (!ask) return;
      for (const tag of tags) pending.set(tag, here);
      if (pending.size > tagsMax) {
        pending.clear();
        pending.set(all, here);
      }
      await learn();
    },
  };
}

function instant(value: unknown): number {
  const number = Number(value);
  if (value === null || !Number.isFinite(number)) throw new Error('an answer that makes no sense');
  return number;
}

/** What a promise comes to in so many ms; null when it takes longer. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms), null);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
