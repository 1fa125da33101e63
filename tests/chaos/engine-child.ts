import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { closeDatabase } from '@/db/client';
import { systemClock } from '@/lib/clock';
import { createTransport } from '@/lib/email/transport';
import { sendDueMailings } from '@/lib/sending/engine';

/*
 * A machine whose cron calls overlap: two loops of short passes in one process, until SIGTERM. A pass that fails is told on
 * standard error, as the route would log it, and the next one comes anyway.
 */
const transport = createTransport();
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
// What the driver throws outside of any query ends no server of Next, which says so and goes on.
for (const name of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(name, (error) => console.error(`${name}:`, error));
/** A platform ends a call that does not end by itself. */
const callMaxMs = 20_000;

async function ticks() {
  while (!stop.signal.aborted) {
    const pass = sendDueMailings({
      clock: systemClock,
      deadline: new Date(Date.now() + randomInt(200, 3000)),
      transport,
      signal: stop.signal,
      kind: 'cron',
    }).catch((error) => console.error('a pass failed:', error));
    await Promise.race([pass, pause(callMaxMs)]);
    await pause(randomInt(0, 200));
  }
}
await Promise.all([ticks(), ticks()]);
await transport.close();
await closeDatabase();
