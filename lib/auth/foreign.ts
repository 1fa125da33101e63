import { cookieName } from '@/lib/auth/cookies';
import { appUrl } from '@/lib/env';

/**
 * Did another site's page make the browser send this? `Sec-Fetch-Site` says it, and no page can write it; browsers from before it send
 * `Origin` with every post. Who sends neither is no browser: let through, unless it shows a session, which a browser might have added.
 * Asked by everything that changes something, but what a secret or a signature opens.
 */
export function isForeign(headers: { get(name: string): string | null }): boolean {
  const site = headers.get('sec-fetch-site');
  if (site === 'same-origin') return false;
  if (site === 'cross-site' || site === 'same-site') return true;
  const origin = headers.get('origin');
  if (origin === null) return (headers.get('cookie') ?? '').includes(cookieName('session'));
  const host = headers.get('x-forwarded-host') ?? headers.get('host');
  return !URL.canParse(origin) || (new URL(origin).host !== host && origin !== new URL(appUrl()).origin);
}
