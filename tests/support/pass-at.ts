import { once } from 'node:events';
import { closeDatabase } from '@/db/client';
import { fixedClock } from '@/lib/clock';
import { createTransport } from '@/lib/email/transport';
import { sendDueMailings } from '@/lib/sending/engine';

/*
 * A child of tests that let weeks pass: for each instant it is sent, one pass of the engine by a clock that shows it, over the mail
 * server of the environment. Answers what the pass did, and ends when its parent lets go of it.
 */
const transport = createTransport();
process.on('message', async (instant: string) => {
  const clock = fixedClock(new Date(instant));
  process.send?.(await sendDueMailings({ clock, deadline: new Date('2999-01-01T00:00:00Z'), transport }));
});
await once(process, 'disconnect');
await transport.close();
await closeDatabase();
