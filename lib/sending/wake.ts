import { systemClock } from '@/lib/clock';
import { createTransport, type Transport } from '@/lib/email/transport';
import { log } from '@/lib/log';
import { sendDueMailings } from './engine';
import { findStall, isWorkerAlive, notifyWorkers } from './ledger';

/** A pass inside a web process stays short: it must not slow the pages. */
const actionBudgetMs = 10_000;

let transport: Transport | undefined;

/** This process's transport, made at first use and kept for its connections. */
export function processTransport(): Transport {
  transport ??= createTransport();
  return transport;
}

/**
 * After something may have become due: wakes the workers; where none has reported in lately (serverless), runs a short pass here.
 * Never throws: what is due stays due, and the next pass takes it.
 */
export async function wakeOrPass(): Promise<void> {
  try {
    if (await isWorkerAlive()) {
      await notifyWorkers();
      return;
    }
    const deadline = new Date(Date.now() + actionBudgetMs);
    await sendDueMailings({ clock: systemClock, deadline, transport: processTransport(), kind: 'action' });
  } catch (error) {
    log.surprise('pass_after_action_failed', error);
  }
}

/** Something has been due for five minutes and no engine has passed: since when. Null: all is well. */
export function findEngineTrouble(): Promise<{ lastPassAt: Date | null } | null> {
  return findStall(systemClock.now());
}
