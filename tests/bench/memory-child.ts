import { closeDatabase } from '@/db/client';
import { systemClock } from '@/lib/clock';
import { createTransport } from '@/lib/email/transport';
import { env } from '@/lib/env';
import { sendDueMailings } from '@/lib/sending/engine';
import { dueMailing, stock } from './stock';

/*
 * One engine process. It sends a first mailing of 2,000 so that code and pools are in memory, then one of 100,000, watching its
 * resident memory. Prints JSON: megabytes before, the highest while sending, and how many letters left.
 */
const [warmUp, howMany] = process.argv.slice(2).map(Number) as [number, number];
const transport = createTransport(env());
const pass = () =>
  sendDueMailings({ clock: systemClock, deadline: new Date(Date.now() + 900_000), transport });
const megabytes = () => process.memoryUsage().rss / 1024 / 1024;

await dueMailing(await stock(warmUp), new Date(Date.now() - 1000));
await pass();
await dueMailing(await stock(howMany), new Date(Date.now() - 1000));
globalThis.gc?.();
const before = megabytes();
let highest = before;
const watch = setInterval(() => {
  highest = Math.max(highest, megabytes());
}, 50);
const { sent } = await pass();
clearInterval(watch);
process.stdout.write(`${JSON.stringify({ before, highest, sent })}\n`);
await transport.close();
await closeDatabase();
