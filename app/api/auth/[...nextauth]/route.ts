import type { NextRequest } from 'next/server';
import { handlers } from '@/lib/auth/config';
import { isForeign } from '@/lib/auth/foreign';
import { findActor } from '@/lib/auth/session';

/** Signing in and out where no page of ours does it. Another site may not, on top of next-auth's own token. */
export async function POST(request: NextRequest) {
  return isForeign(request.headers) ? new Response(null, { status: 403 }) : handlers.POST(request);
}

/**
 * `/api/auth/session` tells a static page's header who looks at it: `{ user: { name, email, isStaff } }` or null. Answered by us, because
 * next-auth would take the cookie away whenever the database is briefly gone. The rest is next-auth's.
 */
export async function GET(request: NextRequest) {
  if (!request.nextUrl.pathname.endsWith('/session')) return handlers.GET(request);
  const actor = await findActor();
  return Response.json(actor && { user: { name: actor.name, email: actor.email, isStaff: actor.isStaff } }, {
    headers: { 'Cache-Control': 'private, no-store' },
  });
}
