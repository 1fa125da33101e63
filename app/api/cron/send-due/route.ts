import { timingSafeEqual } from 'node:crypto';
import { systemClock } from '@/lib/clock';
import { env, keyedDigest } from '@/lib/env';
import { log } from '@/lib/log';
import { sendDueMailings } from '@/lib/sending/engine';
import { processTransport } from '@/lib/sending/wake';

export const dynamic = 'force-dynamic';
/** Seconds the platform lets the call live; claiming stops well before. */
export const maxDuration = 60;
const budgetMs = 45_000;

/** Sends what is due until the time budget is nearly spent. Closed when CRON_SECRET is unset. */
export async function GET(request: Request): Promise<Response> {
  const { CRON_SECRET } = env();
  const given = request.headers.get('authorization') ?? '';
  // Digests have one length, so the comparison takes the same time whatever was given.
  const isAllowed =
    CRON_SECRET !== undefined &&
    timingSafeEqual(keyedDigest('cron', given), keyedDigest('cron', `Bearer ${CRON_SECRET}`));
  if (!isAllowed) return Response.json({ error: 'unauthorized' }, { status: 401, headers: noStore });
  try {
    const counts = await sendDueMailings({
      clock: systemClock,
      deadline: new Date(Date.now() + budgetMs),
      transport: processTransport(),
      signal: request.signal,
      kind: 'cron',
    });
    return Response.json(counts, { headers: noStore });
  } catch (error) {
    return Response.json(
      { error: 'failed', id: log.surprise('cron_failed', error) },
      { status: 500, headers: noStore },
    );
  }
}

const noStore = { 'cache-control': 'no-store' };
