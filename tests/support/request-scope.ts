// Next's storages look for AsyncLocalStorage when they are loaded, so this comes before whatever loads them.
import 'next/dist/server/node-environment-baseline.js';

import { workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import { workUnitAsyncStorage } from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import { RequestCookies } from 'next/dist/server/web/spec-extension/cookies.js';

/** Keeps nothing: what is read through it is read afresh. */
const incrementalCache = {
  generateSimpleCacheKey: async (key: string) => key,
  get: async () => null,
  set: async () => {},
};

/**
 * Runs a server action as Next.js does for a request that carries these headers, so that a test can knock at the door itself
 * instead of at what is behind it. `afterContext` is given what the door leaves for after its response; `expired` gets the tags
 * whose copies it threw away.
 */
export async function withRequest<T>(
  headers: Record<string, string>,
  run: () => Promise<T>,
  afterContext?: { after: (task: Promise<unknown> | (() => unknown)) => void },
  expired: string[] = [],
): Promise<T> {
  const list = new Headers({ host: 'localhost:3000', origin: 'http://localhost:3000', ...headers });
  const cookies = new RequestCookies(list);
  const unit = {
    type: 'request',
    url: { pathname: '/', search: '' },
    phase: 'action',
    headers: list,
    cookies,
    mutableCookies: cookies,
    userspaceMutableCookies: cookies,
    implicitTags: { tags: [] },
  };
  const work: Record<string, unknown> & { pendingRevalidatedTags: { tag: string }[] } = {
    route: '/',
    page: '/page',
    isStaticGeneration: false,
    forceDynamic: true,
    afterContext,
    incrementalCache,
    pendingRevalidatedTags: [],
  };
  try {
    return await workAsyncStorage.run(work as never, () => workUnitAsyncStorage.run(unit as never, run));
  } finally {
    expired.push(...work.pendingRevalidatedTags.map(({ tag }) => tag));
  }
}
