import { type NextRequest, NextResponse } from 'next/server';
import { pathHeader, ruleFor } from '@/lib/auth/route-rules';
import { findActor, loginPath } from '@/lib/auth/session';
import { env } from '@/lib/env';
import { localizedPath, splitLocale } from '@/lib/i18n/paths';
import { mayOpen } from '@/lib/policy/queries';
import { workspacePolicy } from '@/lib/security-headers';

/**
 * The first gate of private pages, never the only one: session, `isStaff`, ownership by address. And the nonce of this request, which
 * Next reads from the policy on it. Public pages do not come here, so they stay static.
 */
export default async function middleware(request: NextRequest) {
  const { DEFAULT_LOCALE, NODE_ENV, BLOB_READ_WRITE_TOKEN } = env();
  const { pathname, search } = request.nextUrl;
  const { locale, path } = splitLocale(pathname, DEFAULT_LOCALE);
  const rule = ruleFor(path);
  const headers = new Headers(request.headers);
  headers.set(pathHeader, pathname + search);
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64');
  const policy = workspacePolicy(nonce, {
    isDevelopment: NODE_ENV === 'development',
    hasBlob: BLOB_READ_WRITE_TOKEN !== undefined,
  });
  headers.set('content-security-policy', policy);
  const pass = () =>
    NextResponse.next({ request: { headers }, headers: { 'content-security-policy': policy } });
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
    '/(dashboard|clients|messages|mailings|calendar|attempts|reports|settings|manage|outbox)/:path*',
    '/(en|ru)/(dashboard|clients|messages|mailings|calendar|attempts|reports|settings|manage|outbox)/:path*',
  ],
};
