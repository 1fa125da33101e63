import { sql } from 'drizzle-orm';
import { db } from '@/db/client';
import { systemClock } from '@/lib/clock';
import { createTransport, type Transport } from '@/lib/email/transport';
import { type Env, env, parseEnv } from '@/lib/env';
import { sendDueMailings } from '@/lib/sending/engine';
import { expectTaken, type Ground, type Measured, type Sink, timed } from './ground';
import { dueMailing, stock } from './stock';

/** Settings of an engine that sends to a sink. */
export function settingsFor(sending: Record<string, string>): Env {
  return parseEnv({ ...process.env, EMAIL_FROM: 'bench@bench.test', ...sending });
}

/**
 * Letters a second of one engine's pass, as `send-due` runs it, in this process: opens the run of a due mailing and sends it to the
 * end, ledger written. Making clients is not counted, nor the start of a process; opening the run is. Letters are counted at the
 * sink, deliveries and attempts in the ledger.
 */
export async function engineRate(ground: Ground, sink: Sink, settings: Env): Promise<Measured> {
  const howMany = ground.letters;
  await dueMailing(await stock(howMany), new Date(Date.now() - 1000));
  await sink.reset();
  const transport = createTransport(settings);
  const { time, busy } = await timed(ground, sink, () => passToTheEnd(transport, settings));
  await transport.close();
  await expectTaken(sink, howMany, 'engine');
  await expectRecorded(howMany);
  return { value: howMany / time, busy };
}

/** One pass that leaves nothing behind. */
export async function passToTheEnd(transport: Transport, settings: Env = env()): Promise<void> {
  const deadline = new Date(Date.now() + 600_000);
  const counts = await sendDueMailings({ clock: systemClock, deadline, transport, settings });
  if (counts.remaining > 0) throw new Error(`the pass left letters: ${JSON.stringify(counts)}`);
}

/** Fails unless every delivery is `sent` with one attempt to show for it. */
export async function expectRecorded(howMany: number): Promise<void> {
  const [ledger] = await db.execute<{ sent: string; attempts: string }>(sql`
    select (select count(*) from deliveries where status = 'sent') as sent,
      (select count(*) from attempts where status = 'success') as attempts`);
  if (Number(ledger?.sent) !== howMany || Number(ledger?.attempts) !== howMany)
    throw new Error(`of ${howMany} the ledger has ${ledger?.sent} sent, ${ledger?.attempts} attempts`);
}
