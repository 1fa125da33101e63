import { type NextRequest, NextResponse } from 'next/server';
import { pathHeader, ruleFor } from '@/lib/auth/route-rules';
import { findActor, loginPath } from '@/lib/auth/session';
import { env } from '@/lib/env';
import { localizedPath, splitLocale } from '@/lib/i18n/paths';
import { mayOpen } from '@/lib/policy/queries';

/**
 * The first gate of private pages, never the only one: session, `isStaff`, ownership by address. Public pages do not come
 * here, so they stay static.
 */
export default async function middleware(request: NextRequest) {
  const { DEFAULT_LOCALE } = env();
  const { pathname, search } = request.nextUrl;
  const { locale, path } = splitLocale(pathname, DEFAULT_LOCALE);
  const rule = ruleFor(path);
  const headers = new Headers(request.headers);
  headers.set(pathHeader, pathname + search);
  const pass = () => NextResponse.next({ request: { headers } });
  // A server action answers for itself, in a form its caller understands; a redirect from here it would not.
  if (!rule || (request.method === 'POST' && headers.has('next-action'))) return pass();

  const actor = await findActor();
  if (!actor) {
    const login = new URL(localizedPath(locale, loginPath(path + search), DEFAULT_LOCALE), request.url);
    return NextResponse.redirect(login, 303);
  }
  const allowed = rule.staff ? actor.isStaff : !rule.owned || (await mayOpen(actor, rule.owned));
  if (allowed) return pass();
  const missing = request.nextUrl.clone();
  missing.pathname = `/${locale}/not-found`;
  missing.search = '';
  return NextResponse.rewrite(missing, { status: 404 });
}

export const config = {
  runtime: 'nodejs',
  matcher: [
    '/(dashboard|clients|messages|mailings|calendar|attempts|reports|settings|manage)/:path*',
    '/(en|ru)/(dashboard|clients|messages|mailings|calendar|attempts|reports|settings|manage)/:path*',
  ],
};
