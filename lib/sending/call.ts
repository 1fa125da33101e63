import { systemClock } from '@/lib/clock';
import { log } from '@/lib/log';
import { nothingDone, type PassCounts, sendDueMailings } from './engine';
import { countRemaining } from './ledger';
import { processTransport } from './wake';

/** How long a cron call sends, in seconds: what it may ask for, and what it gets when it asks for nothing. */
export const callBudget = { min: 1, max: 280, fallback: 45 };
/** After its budget a call waits this long for answers to letters it had begun to hand over; then it answers without them. */
const patienceMs = 10_000;

/**
 * The seconds that a call asks for: a number too small or too large is the nearest that is allowed, so that a mistaken scheduler
 * still sends. Null for what is no number.
 */
export function readCallBudget(asked: string | null): number | null {
  if (asked === null || asked === '') return callBudget.fallback;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(asked)) return null;
  return Math.min(callBudget.max, Math.max(callBudget.min, Number(asked)));
}

/**
 * One pass within a platform's time limit. When `budgetSeconds` are over it claims nothing and begins no letter; letters begun are
 * waited for, at most ten seconds more, so that a budget of 45 fits a limit of 60 seconds and one of 280 a limit of 300. If a mail
 * server is slower still, the call answers what is known by then, and `goOn` is given the rest of the pass: kept alive, it
 * records those answers; ended, they are `unknown` once the lease is over.
 */
export async function sendWithinBudget(call: {
  budgetSeconds: number;
  /** Ends the pass early, as its budget does. */
  signal: AbortSignal;
  goOn: (rest: Promise<void>) => void;
}): Promise<PassCounts> {
  const budgetMs = call.budgetSeconds * 1000;
  let counts = nothingDone();
  const pass = sendDueMailings({
    clock: systemClock,
    deadline: new Date(Date.now() + budgetMs),
    transport: processTransport(),
    signal: AbortSignal.any([call.signal, AbortSignal.timeout(budgetMs)]),
    kind: 'cron',
    onProgress: (soFar) => {
      counts = soFar;
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const patienceIsOver = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), budgetMs + patienceMs);
  });
  try {
    const ended = await Promise.race([pass, patienceIsOver]);
    if (ended) return ended;
  } finally {
    clearTimeout(timer);
  }
  call.goOn(
    pass.then(
      () => {},
      (error) => {
        log.surprise('cron_failed', error);
      },
    ),
  );
  return { ...counts, remaining: await countRemaining() };
}
