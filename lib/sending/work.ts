import { systemClock } from '@/lib/clock';
import { log } from '@/lib/log';
import { sendDueMailings } from './engine';
import { findNextDue, listenForDue } from './ledger';
import { processTransport } from './wake';

/** A worker looks again at least this often, and so reports in. */
const idleMaxMs = 15_000;
/** One pass of a worker; between passes it reports in. */
const passMs = 15_000;
/** After a surprise (the database is away), it waits this long. */
const troubleMs = 2_000;

/**
 * Passes for ever, until the signal: wakes when a slot or a retry is due, and when something is made due (NOTIFY). A failed pass
 * is logged and tried again.
 */
export async function work(options: { signal: AbortSignal }): Promise<void> {
  const { signal } = options;
  const transport = processTransport();
  let wake: () => void = () => {};
  let isWoken = false;
  const onWake = () => {
    isWoken = true;
    wake();
  };
  signal.addEventListener('abort', onWake);
  let unlisten: (() => Promise<void>) | null = null;
  while (!signal.aborted) {
    let pauseMs = idleMaxMs;
    isWoken = false;
    try {
      unlisten ??= await listenForDue(onWake);
      const counts = await sendDueMailings({
        clock: systemClock,
        deadline: new Date(Date.now() + passMs),
        transport,
        signal,
        kind: 'worker',
      });
      if (counts.claimed > 0 || counts.runsOpened > 0) log.info('pass', counts);
      const due = await findNextDue(transport.name);
      if (due) pauseMs = Math.min(pauseMs, Math.max(0, due.getTime() - Date.now()));
      // Something due that this pass could not take (another engine has it, the sender waits): look again soon, not at once.
      if (pauseMs === 0) pauseMs = counts.claimed > 0 ? 0 : 500;
    } catch (error) {
      log.surprise('pass_failed', error);
      pauseMs = troubleMs;
    }
    if (isWoken || signal.aborted) continue;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    wake = () => {};
  }
  signal.removeEventListener('abort', onWake);
  await unlisten?.().catch(() => {});
  await transport.close();
}
