import { appUrl } from '@/lib/env';

/** Links are made with https: cookies then travel over nothing else. */
export function isSecure(): boolean {
  return appUrl().startsWith('https:');
}

/**
 * What a cookie of ours is called. Over https `__Host-` makes browsers take it from this very host only, over TLS, for every path, so that
 * no neighbour's page can plant one; without https browsers would drop such a cookie.
 */
export function cookieName(name: 'session' | 'csrf' | 'callback' | 'mailed'): string {
  return `${isSecure() ? '__Host-' : ''}mailroom.${name}`;
}

/** How every cookie of ours is set. */
export function cookieOptions() {
  return { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure() } as const;
}
