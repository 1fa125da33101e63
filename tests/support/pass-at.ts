import { closeDatabase } from '@/db/client';
import { fixedClock } from '@/lib/clock';
import { createTransport } from '@/lib/email/transport';
import { sendDueMailings } from '@/lib/sending/engine';

/*
 * `tsx tests/support/pass-at.ts 2027-01-05T09:00:00Z`: one pass of the engine, by a clock that shows that instant, over the mail
 * server of the environment. For tests that let weeks pass.
 */
const clock = fixedClock(new Date(process.argv[2] ?? ''));
const transport = createTransport();
const counts = await sendDueMailings({ clock, deadline: new Date('2999-01-01T00:00:00Z'), transport });
console.log(JSON.stringify(counts));
await transport.close();
await closeDatabase();
