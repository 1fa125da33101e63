import { readResendEvent } from '@/lib/email/resend-events';
import { env } from '@/lib/env';
import { log } from '@/lib/log';
import { suppressByNews } from '@/lib/suppressions/mutations';

export const dynamic = 'force-dynamic';

/** Octets of a body; an event of Resend has about 1,000. */
const bodyMax = 64 * 1024;

/**
 * Resend's events: an address that bounced for good or complained is never written to again by the owner of that letter. Events
 * come several times and in any order; that changes nothing. Closed (404) when RESEND_WEBHOOK_SECRET is unset, 401 without its
 * signature, 413 over 64 kB; 500 makes Resend come again.
 */
export async function POST(request: Request): Promise<Response> {
  const { RESEND_WEBHOOK_SECRET: secret } = env();
  if (secret === undefined) return answer(404, { error: 'not_found' });
  try {
    const body = await readAtMost(request, bodyMax);
    if (body === null) return answer(413, { error: 'too_large' });
    const news = readResendEvent(body, request.headers, secret);
    if (news === 'refused') return answer(401, { error: 'unauthorized' });
    if (news !== null) await suppressByNews(news);
    return answer(200, {});
  } catch (error) {
    return answer(500, { error: 'failed', id: log.surprise('resend_event_failed', error) });
  }
}

/** The body as text; null, and no more of it is read, when it is longer. */
async function readAtMost(request: Request, max: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > max) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const answer = (status: number, body: object) =>
  Response.json(body, { status, headers: { 'cache-control': 'no-store' } });
