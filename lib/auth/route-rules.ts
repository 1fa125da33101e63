import { type Locale, localizedPath, splitLocale } from '@/lib/i18n/paths';
import type { NamedThing } from '@/lib/policy/rules';

/** What a path asks of its visitor. */
export type RouteRule = { staff: boolean; owned: NamedThing | null };

/** Set by the middleware on the request it lets through: the path and query as asked for, with locale. */
export const pathHeader = 'x-mailroom-path';

/** The first parts of private paths, without locale. */
export const privateAreas = [
  'dashboard',
  'clients',
  'messages',
  'mailings',
  'calendar',
  'attempts',
  'reports',
  'settings',
  'manage',
] as const;

/**
 * What lies behind the door of the workspace: private paths, and the outbox, which also shows itself to who has not signed in yet.
 * `middleware.ts` has to name the same ones in its matcher, because their documents have a policy of their own.
 */
export const workspaceAreas: readonly string[] = [...privateAreas, 'outbox'];

type Row = { pattern: string } & Omit<NamedThing, 'ids'>;

/** First match wins; `#` is a number, `*` anything further down. */
const table: Row[] = [
  { pattern: '/clients/#/edit', entity: 'client', verb: 'change' },
  { pattern: '/clients/#/*', entity: 'client', verb: 'read' },
  { pattern: '/messages/#/edit', entity: 'message', verb: 'change' },
  { pattern: '/messages/#/*', entity: 'message', verb: 'read' },
  { pattern: '/mailings/#/edit', entity: 'mailing', verb: 'change' },
  { pattern: '/mailings/#/runs/#/*', entity: 'run', verb: 'read' },
  { pattern: '/mailings/#/*', entity: 'mailing', verb: 'read' },
  { pattern: '/attempts/#/*', entity: 'attempt', verb: 'read' },
];

function idsOf(pattern: string, parts: string[]): number[] | null {
  const wanted = pattern.slice(1).split('/');
  const open = wanted.at(-1) === '*';
  if (open) wanted.pop();
  if (open ? parts.length < wanted.length : parts.length !== wanted.length) return null;
  const ids: number[] = [];
  for (const [at, want] of wanted.entries()) {
    const part = parts[at] ?? '';
    if (want !== '#') {
      if (part !== want) return null;
    } else if (/^\d{1,15}$/.test(part)) ids.push(Number(part));
    else return null;
  }
  return ids;
}

/** Pure: what the path (without locale) asks; null for a public one. */
export function ruleFor(path: string): RouteRule | null {
  const parts = path.split('/').filter((part) => part !== '');
  const area = privateAreas.find((name) => name === parts[0]);
  if (!area) return null;
  if (area === 'manage') return { staff: true, owned: null };
  for (const { pattern, entity, verb } of table) {
    const ids = idsOf(pattern, parts);
    if (ids) return { staff: false, owned: { entity, verb, ids } };
  }
  return { staff: false, owned: null };
}

const never = /\/\/|%(?:2f|5c|25|[01][0-9a-f]|7f)/i;

/**
 * Path and query to go back to after sign-in, or null: nothing that a browser would take for another site. The origin is made
 * up, so that no real one can be smuggled in; a doubled slash is refused anywhere, because taking a locale off the front of
 * `/ru//elsewhere` would bring it to the beginning, and so is what a proxy that decodes paths would make one of: no page of ours
 * has slashes, control characters or percent signs in its name.
 */
export function safeNext(next: unknown): string | null {
  if (typeof next !== 'string' || next.length > 2000 || !next.startsWith('/')) return null;
  const origin = 'http://here.invalid';
  if (!URL.canParse(next, origin)) return null;
  const url = new URL(next, origin);
  if (url.origin !== origin || never.test(url.pathname)) return null;
  return url.pathname + url.search;
}

/** Where sign-in leads: to `next` if that is safe, else to the dashboard, in the reader's language. */
export function landingPath(next: unknown, locale: Locale, defaultLocale: Locale): string {
  const { path } = splitLocale(safeNext(next) ?? '/dashboard', defaultLocale);
  return localizedPath(locale, path, defaultLocale);
}
