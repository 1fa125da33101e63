import { isForeign } from '@/lib/auth/foreign';
import { findActor } from '@/lib/auth/session';
import { openSending } from '@/lib/uploads/mutations';
import { sendingSchema } from '@/lib/uploads/schema';
import { tokenForBrowser } from '@/lib/uploads/storage';

const headers = { 'cache-control': 'private, no-store' };
const statuses: Record<string, number> = { not_found: 404, taken: 409, too_many_requests: 429 };

/**
 * Gives a browser the token to send one picture to Vercel Blob by itself, because functions of Vercel take 4.5 MB; asked by Blob's
 * own client (`handleUpload`). 403 for what another site sent, 404 where Blob is not set up, and for who is not signed in or stores nothing of the kind.
 */
export async function POST(request: Request): Promise<Response> {
  if (isForeign(request.headers)) return new Response(null, { status: 403, headers });
  const actor = await findActor();
  if (!actor) return new Response(null, { status: 404, headers });
  const asked = sendingSchema.safeParse(await request.json().catch(() => null));
  if (!asked.success) return Response.json({ error: 'invalid' }, { status: 400, headers });
  const opened = await openSending(actor, asked.data.payload);
  if (opened.ok) return Response.json(await tokenForBrowser(request, opened.data.name), { headers });
  return Response.json({ error: opened.error.code }, { status: statuses[opened.error.code] ?? 400, headers });
}
