import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import path from 'node:path';
import { env, keyedDigest } from '@/lib/env';
import { type Ask, createAsk } from '@/lib/upstash';
import { createAnswers } from './answers';
import { decodeEntry, type Entry, encodeEntry, isOver, type Life, octetsOf, type Value } from './entries';
import { blindMs, createExpirations, entrySeconds, patienceMs, within } from './expirations';
import { createMemory } from './memory';

/*
 * What Next keeps of public pages and of `unstable_cache`: in this process's memory, and with Upstash in one Redis for all instances of
 * a build. See docs/decisions/0012. Next reaches it through `next.mjs`, the file that `cacheHandler` of `next.config.ts` names.
 */

type Kept = Entry & {
  /** `here` of {@link Moment}, and the moment on `Expirations.now()`, when reading what it was made of began. */
  here: number;
  begun: number;
};
type Begun = Pick<Kept, 'here' | 'there' | 'begun'>;
type Found = { lastModified: number; value: Value; cacheControl?: Life };
type GetContext = { tags?: string[]; softTags?: string[] };
type SetContext = { tags?: string[]; cacheControl?: Life };

/** What Next asks of a cache handler. One a request. Source: next/dist/server/lib/incremental-cache/index.d.ts */
export type Handler = {
  get(key: string, context?: GetContext): Promise<Found | null>;
  set(key: string, value: Value | null, context?: SetContext): Promise<void>;
  revalidateTag(tags: string | string[]): Promise<void>;
};

/** Entries on their way to Redis at once; what comes while there are as many is not shared. */
const writesMax = 16;
const writeMs = 5000;

/** What else there is, is made by what Mailroom does not use. */
const kinds = new Set<string>(['APP_PAGE', 'APP_ROUTE', 'FETCH']);

const tagsHeader = 'x-next-cache-tags';

function tagsOf(value: Value, context: SetContext): string[] {
  if (value.kind === 'FETCH') return [...new Set([...(value.tags ?? []), ...(context.tags ?? [])])];
  const named = value.headers?.[tagsHeader];
  return typeof named === 'string' ? named.split(',') : [];
}

/** Next gives pages an `ETag` by itself, and what route handlers answer none. */
function withTag(value: Value): Value {
  if (value.kind !== 'APP_ROUTE' || value.headers.etag !== undefined) return value;
  const digest = createHash('sha256').update(value.body).digest('base64url').slice(0, 22);
  return { ...value, headers: { ...value.headers, etag: `W/"${digest}"` } };
}

/** Addresses that lead nowhere are anybody's to think up: each instance keeps those for itself. */
function isWorthSharing(value: Value): boolean {
  if (value.kind === 'FETCH') return value.data.body !== 'null';
  return (value.status ?? 200) < 400;
}

function isAged({ lastModified, life, value }: Entry): boolean {
  const seconds = value.kind === 'FETCH' ? value.revalidate : life?.revalidate;
  return typeof seconds === 'number' && Date.now() - lastModified > seconds * 1000;
}

/**
 * A cache for one build. Nothing that was made from what was read before its tag expired is shown after the expiration was learned:
 * - what this process expires, it knows at once;
 * - what another one expires, it learns before it answers the next request, as long as Upstash answers;
 * - while Upstash does not, it shows what it made or checked in the last two seconds, makes everything else anew, and costs one request
 *   at most 0.8 s and the others nothing.
 * What bears an `until:` tag is over at that instant. `octetsMax` bounds the memory; `namespace` keeps builds apart.
 */
export function createCache(
  ask: Ask | null,
  { namespace, octetsMax, downMs }: { namespace: string; octetsMax: number; downMs?: number },
) {
  const memory = createMemory<Kept>(octetsMax, octetsOf);
  const expirations = createExpirations(ask, namespace, downMs === undefined ? {} : { downMs });
  let writes = 0;

  const nameOf = (key: string) => `${namespace}:entry:${key}`;

  function isSound(entry: Kept, tags: string[]): boolean {
    const every = [...entry.tags, ...tags];
    return !isOver(every, Date.now()) && !expirations.isExpired(every, entry);
  }

  async function share(ask: Ask, key: string, entry: Entry): Promise<void> {
    if (writes >= writesMax) return;
    writes += 1;
    try {
      const text = await encodeEntry(entry);
      if (text) await ask([['SET', nameOf(key), text, 'EX', String(entrySeconds)]], writeMs);
    } catch {
      // Others make it themselves; whether Upstash answers is noticed where somebody waits for it.
    } finally {
      writes -= 1;
    }
  }

  /** What another instance made. */
  async function fetchShared(ask: Ask, key: string, ms: number): Promise<Entry | null> {
    try {
      const answers = await within(ask([['GET', nameOf(key)]], ms), ms);
      if (answers) return await decodeEntry(answers[0]);
      expirations.giveUp('no entry in time');
    } catch (error) {
      expirations.giveUp(error instanceof Error ? error.message : String(error));
    }
    return null;
  }

  /** How a request asks what is kept. */
  function createFind() {
    let learned: Promise<boolean> | null = null;
    let deadline = Number.NEGATIVE_INFINITY;

    /** Once a request: what is expired after it came concerns the next one. Answers how long may still be waited, ms. */
    function ask(): number {
      if (!learned || expirations.now() > deadline + blindMs) {
        deadline = expirations.now() + patienceMs;
        learned = expirations.learn(patienceMs);
      }
      return Math.max(0, deadline - expirations.now());
    }

    return async (key: string, tags: string[]): Promise<Kept | null> => {
      const own = memory.get(key);
      // At the same time as the question what was expired, which is judged by first.
      const before = expirations.moment();
      const remote = expirations.reachable;
      const patience = ask();
      const shared = remote && (!own || isAged(own)) ? fetchShared(remote, key, patience) : null;
      const isKnown = await learned;
      const usable = own && isSound(own, tags) && (isKnown || expirations.isRecent(own.begun)) ? own : null;
      if (own && !isSound(own, tags)) memory.remove(key);
      const theirs = isKnown && (!usable || isAged(usable)) ? await shared : null;
      if (!theirs || expirations.isPending([...theirs.tags, ...tags])) return usable;
      const copy: Kept = { ...theirs, here: before.here, begun: Number.NEGATIVE_INFINITY };
      if (!isSound(copy, tags) || (usable && usable.lastModified >= copy.lastModified)) return usable;
      memory.set(key, copy);
      return copy;
    };
  }

  /** What a visit would be shown, unless it would be made anew. */
  async function current(key: string): Promise<Entry | null> {
    const found = await createFind()(key, []);
    return found && !isAged(found) ? found : null;
  }
  // A share of what pages may take.
  const answers = createAnswers(current, octetsMax / 4);

  return {
    memory,
    expirations,
    answers,

    /** What Next uses for one request. */
    handler(): Handler {
      const started: Begun = { ...expirations.moment(), begun: expirations.now() };
      const begun = new Map<string, Begun>();
      const find = createFind();

      return {
        async get(key, { tags = [], softTags = [] } = {}) {
          const found = await find(key, [...tags, ...softTags]);
          begun.set(key, { ...expirations.moment(), begun: expirations.now() });
          if (!found) return null;
          const { lastModified, value, life } = found;
          if (value.kind !== 'FETCH') answers.note({ key, entry: found });
          return { lastModified, value, ...(life ? { cacheControl: life } : {}) };
        },

        async set(key, value, context = {}) {
          if (!value || !kinds.has(value.kind)) return memory.remove(key);
          const entry: Kept = {
            ...(begun.get(key) ?? started),
            lastModified: Date.now(),
            tags: tagsOf(value, context),
            value: withTag(value),
            ...(context.cacheControl ? { life: context.cacheControl } : {}),
          };
          // What was expired while it was made is not worth keeping.
          if (!isSound(entry, [])) return memory.remove(key);
          memory.set(key, entry);
          const remote = expirations.reachable;
          if (remote && isWorthSharing(value) && entry.there > 0) void share(remote, key, entry);
        },

        revalidateTag: (tags) => expirations.expire(typeof tags === 'string' ? [tags] : tags),
      };
    },
  };
}

const door = Symbol.for('mailroom.cache');

/**
 * Puts the cache of this process where `next.mjs` finds it; with `CACHE=off` one that keeps nothing. Answers what may stand before
 * Next's own listener to requests, see `answers.ts`. Called once, by `instrumentation.ts`.
 */
export function openCache(): (next: RequestListener) => RequestListener {
  const { CACHE, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env();
  let cache: ReturnType<typeof createCache> | undefined;
  const open = ({ serverDistDir = '', maxMemoryCacheSize = 0 }: NextContext): Handler | null => {
    if (CACHE === 'off') return null;
    cache ??= createCache(url && token ? createAsk({ url, token }) : null, {
      namespace: `mailroom:cache:${buildName(serverDistDir)}`,
      octetsMax: maxMemoryCacheSize,
    });
    return cache.handler();
  };
  Object.assign(globalThis, { [door]: open });
  return (next) => {
    let before: RequestListener | undefined;
    return (request, response) => {
      // There is a cache as soon as Next has asked for one.
      before ??= cache?.answers.before(next);
      (before ?? next)(request, response);
    };
  };
}

type NextContext = { serverDistDir?: string; maxMemoryCacheSize?: number };

/** Another build has another name, and so has the same build in another installation, which has another secret. */
function buildName(serverDistDir: string): string {
  const id = readFileSync(path.join(serverDistDir, '..', 'BUILD_ID'), 'utf8').trim();
  return keyedDigest('cache', id).toString('base64url').slice(0, 16);
}
