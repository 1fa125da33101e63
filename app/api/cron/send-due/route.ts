import { timingSafeEqual } from 'node:crypto';
import { after } from 'next/server';
import { env, keyedDigest } from '@/lib/env';
import { keepHouse } from '@/lib/installation/housekeeping';
import { log } from '@/lib/log';
import { callBudget, readCallBudget, sendWithinBudget } from '@/lib/sending/call';

export const dynamic = 'force-dynamic';
/** Seconds a platform may let the call live. Next reads it from the source, so it is a literal; the largest budget fits into it. */
export const maxDuration = 300;

/**
 * Sends what is due for `?budget=` seconds and answers counts; many calls share the work. Closed when CRON_SECRET is unset. A call
 * whose caller has gone stops like one whose budget is over.
 */
export async function GET(request: Request): Promise<Response> {
  const { CRON_SECRET } = env();
  const given = request.headers.get('authorization') ?? '';
  // Digests have one length, so the comparison takes the same time whatever was given.
  const isAllowed =
    CRON_SECRET !== undefined &&
    timingSafeEqual(keyedDigest('cron', given), keyedDigest('cron', `Bearer ${CRON_SECRET}`));
  if (!isAllowed) return Response.json({ error: 'unauthorized' }, { status: 401, headers: noStore });
  const budgetSeconds = readCallBudget(new URL(request.url).searchParams.get('budget'));
  if (budgetSeconds === null) {
    const budget = `seconds, a number from ${callBudget.min} to ${callBudget.max}`;
    return Response.json({ error: 'invalid', fields: { budget } }, { status: 400, headers: noStore });
  }
  const ends = Date.now() + budgetSeconds * 1000;
  try {
    const counts = await sendWithinBudget({
      budgetSeconds,
      signal: request.signal,
      goOn: (rest) => after(rest),
    });
    // Letters first: what their pass leaves of the time.
    await keepHouse({ deadline: new Date(ends) });
    return Response.json(counts, { headers: noStore });
  } catch (error) {
    return Response.json(
      { error: 'failed', id: log.surprise('cron_failed', error) },
      { status: 500, headers: noStore },
    );
  }
}

const noStore = { 'cache-control': 'no-store' };
