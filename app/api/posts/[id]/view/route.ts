import { isForeign } from '@/lib/auth/foreign';
import { networkOf } from '@/lib/auth/network';
import { systemClock } from '@/lib/clock';
import { countView } from '@/lib/views/mutations';
import { isReader } from '@/lib/views/schema';

type Props = { params: Promise<{ id: string }> };

const headers = { 'cache-control': 'private, no-store' };
/** Octets. Nothing has to be said but the address. */
const bodyMax = 1024;

/**
 * Somebody reads an article: answers how often it was read, `{ views }`. Its page says so by itself, a moment after it came into
 * sight. No cookie is read or set. 204 for what is no reader's browser, 403 for another site's page, 404 for what nobody may read,
 * 413 for a body, 429 with `Retry-After` for too much of it.
 */
export async function POST(request: Request, { params }: Props): Promise<Response> {
  if (isForeign(request.headers)) return new Response(null, { status: 403, headers });
  if (Number(request.headers.get('content-length') ?? 0) > bodyMax)
    return new Response(null, { status: 413, headers });
  if (!isReader(request.headers)) return new Response(null, { status: 204, headers });
  const { id } = await params;
  const view = {
    postId: /^\d{1,15}$/.test(id) ? Number(id) : 0,
    network: networkOf(request.headers),
    userAgent: request.headers.get('user-agent') ?? '',
  };
  const counted = await countView(view, { now: systemClock.now() });
  if (counted.ok) return Response.json(counted.data, { headers });
  if (counted.error.code !== 'too_many_requests') return new Response(null, { status: 404, headers });
  const seconds = String(counted.error.params?.seconds ?? 1);
  return new Response(null, { status: 429, headers: { ...headers, 'retry-after': seconds } });
}
