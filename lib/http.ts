import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { ruleFor } from '@/lib/auth/route-rules';
import { cacheControlOf } from '@/lib/cache/control';
import { appUrl, env } from '@/lib/env';
import { splitLocale } from '@/lib/i18n/paths';
import { commonHeaders, strictTransport } from '@/lib/security-headers';

/**
 * From now on every answer of this process carries {@link commonHeaders}, and over https the promise of https: redirects of
 * `next.config.ts` and answers to what is no proper request too, which Next sends without asking anybody. Called once, by
 * `instrumentation.ts`. `next.config.ts` names the same ones for platforms that serve static pages themselves.
 */
export function guardAnswers(): void {
  const headers = Object.entries(commonHeaders);
  if (appUrl().startsWith('https:')) headers.push(['strict-transport-security', strictTransport]);
  subscribe('http.server.request.start', (message) => {
    const { response } = message as { response: ServerResponse };
    for (const [name, value] of headers) response.setHeader(name, value);
  });
}

/** Whether one of the tags a browser holds names the answer (RFC 9110, 13.1.2: weakly). */
function holds(ifNoneMatch: string | undefined, etag: unknown): boolean {
  if (ifNoneMatch === undefined || typeof etag !== 'string') return false;
  const bare = (tag: string) => tag.trim().replace(/^W\//, '');
  return ifNoneMatch.split(',').some((tag) => bare(tag) === bare(etag));
}

/**
 * From now on every answer of this process says who may keep it and for how long: see {@link cacheControlOf}. Who holds it already is
 * told 304 also where Next sends it anew, as it does with the feed. Called once, by `instrumentation.ts`.
 */
export function sayWhatMayBeKept(): void {
  const { CACHE, DEFAULT_LOCALE } = env();
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    // As they came: Next takes both away from the request on its way.
    const isPart = request.headers.rsc !== undefined;
    const [path = ''] = (request.url ?? '').split('?');
    const isPrivate = ruleFor(splitLocale(path, DEFAULT_LOCALE).path) !== null;
    response.writeHead = new Proxy(response.writeHead, {
      apply(write, self, args) {
        const status: unknown = args[0];
        const said = response.getHeader('cache-control');
        response.setHeader(
          'cache-control',
          cacheControlOf(said === undefined ? undefined : String(said), {
            status: typeof status === 'number' ? status : response.statusCode,
            isForOne: isPart || isPrivate,
            isOn: CACHE === 'on',
          }),
        );
        const isSent = (status ?? response.statusCode) === 200 && /^(GET|HEAD)$/.test(request.method ?? '');
        if (!isSent || !holds(request.headers['if-none-match'], response.getHeader('etag')))
          return Reflect.apply(write, self, args);
        for (const name of ['content-length', 'content-encoding', 'content-type'])
          response.removeHeader(name);
        return Reflect.apply(write, self, [304]);
      },
    });
  });
}

/** Where a request leads whose address means nothing: a page that there is not. */
const nowhere = '/%EF%BF%BD';

function isReadable(address: string): boolean {
  try {
    decodeURIComponent(address);
    return true;
  } catch {
    return false;
  }
}

/**
 * From now on what Next would answer with 500 reaches it in a form that it can read: an address with percent signs that are no UTF-8
 * is one of no page, and an `X-Forwarded-Proto` that is no way to a web site is nobody's word. Called once, by `instrumentation.ts`.
 */
export function mendRequests(): void {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage };
    const [address = ''] = (request.url ?? '').split('?');
    if (!isReadable(address)) request.url = nowhere;
    const proto = request.headers['x-forwarded-proto'];
    if (proto !== undefined && !/^https?(\s*,|$)/i.test(String(proto)))
      delete request.headers['x-forwarded-proto'];
  });
}

/**
 * From now on the listeners to requests of every server of this process are asked through `before`. Called once, by `instrumentation.ts`,
 * which no server tells that it has begun: each is met at its first request, before anybody listens to that.
 */
export function standBefore(before: (next: RequestListener) => RequestListener): void {
  const met = new WeakSet<Server>();
  subscribe('http.server.request.start', (message) => {
    const { server } = message as { server: Server };
    if (met.has(server)) return;
    met.add(server);
    const listeners = server.listeners('request');
    server.removeAllListeners('request');
    server.on(
      'request',
      before((request, response) => {
        for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
      }),
    );
  });
}
