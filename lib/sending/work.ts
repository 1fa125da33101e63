import { systemClock } from '@/lib/clock';
import { log } from '@/lib/log';
import { sendDueMailings } from './engine';
import { findNextDue, listenForDue, reconnect } from './ledger';
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
  // The driver (postgres.js 3.4.9) throws outside of any query when its server goes away at the wrong moment: what was asked of it
  // may then never be answered. The pass is given up like that of a killed process, and the next one connects anew.
  let giveUp: (error: unknown) => void = () => {};
  const onCrash = (error: unknown) => giveUp(error);
  const onRejection = (error: unknown) => void log.surprise('unhandled_rejection', error);
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onRejection);
  let unlisten: (() => Promise<void>) | null = null;
  while (!signal.aborted) {
    let pauseMs = idleMaxMs;
    isWoken = false;
    const crashed = new Promise<never>((_, reject) => {
      giveUp = (error) => {
        unlisten = null;
        reconnect();
        reject(error);
      };
    });
    crashed.catch(() => {});
    try {
      unlisten ??= await Promise.race([listenForDue(onWake), crashed]);
      const pass = sendDueMailings({
        clock: systemClock,
        deadline: new Date(Date.now() + passMs),
        transport,
        signal,
        kind: 'worker',
      });
      const counts = await Promise.race([pass, crashed]);
      if (counts.claimed > 0 || counts.runsOpened > 0) log.info('pass', counts);
      const due = await Promise.race([findNextDue(transport.name), crashed]);
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
  process.off('uncaughtException', onCrash);
  process.off('unhandledRejection', onRejection);
  await unlisten?.().catch(() => {});
  await transport.close();
}
