import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '@/lib/clock';
import { createTransport } from '@/lib/email/transport';
import { sendDueMailings } from '@/lib/sending/engine';
import {
  expectTaken,
  type Ground,
  median,
  progress,
  type Row,
  rate,
  rowOf,
  seconds,
  spread,
  startSink,
  whole,
} from './ground';
import { expectRecorded, settingsFor } from './pass';
import { dueMailing, stock } from './stock';

const requestsPerSecond = 5;
const latencyMs = 100;
const lettersPerSecond = requestsPerSecond * 100;
/** As often as a worker looks again when the sender waits. */
const lookMs = 500;

/** Resend as it is for most: 5 requests a second. How much of what the provider lets through is used, and how often it says no. */
export async function benchResendLimit(ground: Ground): Promise<Row[]> {
  // Ten seconds of it at least: the first moment must not decide.
  const howMany = Math.max(5000, ground.letters);
  const limits = ['--per-second', String(requestsPerSecond), '--latency-ms', String(latencyMs)];
  const sink = await startSink(ground, 'resend-sink.ts', limits);
  // No SEND_PER_SECOND: the engine learns the rate from what the provider says.
  const settings = settingsFor({
    EMAIL_TRANSPORT: 'resend',
    RESEND_API_KEY: 're_bench',
    RESEND_BASE_URL: `http://127.0.0.1:${sink.port}`,
  });
  const rates: number[] = [];
  const refusals: number[] = [];
  for (let round = 0; round < Math.ceil(ground.rounds / 2); round += 1) {
    await dueMailing(await stock(howMany), new Date(Date.now() - 1000));
    await sink.reset();
    const transport = createTransport(settings);
    const deadline = new Date(Date.now() + 600_000);
    const time = await seconds(async () => {
      for (;;) {
        const { remaining } = await sendDueMailings({ clock: systemClock, deadline, transport, settings });
        if (remaining === 0) break;
        if (new Date() > deadline) throw new Error(`${remaining} letters left at the deadline`);
        await pause(lookMs);
      }
    });
    await transport.close();
    await expectTaken(sink, howMany, 'engine');
    await expectRecorded(howMany);
    const refused = await sink.refused();
    rates.push(howMany / time);
    refusals.push((100 * refused) / (refused + howMany / 100));
    progress(`round ${round + 1}: ${rate(howMany / time)}, ${refused} refusals`);
    // The window of one second that the sink looks at is empty when the next round begins.
    await pause(1000);
  }
  const where = `sink with ${requestsPerSecond} requests a second and ${latencyMs} ms latency`;
  const shares = rates.map((each) => each / lettersPerSecond);
  const share = {
    what: `send ${whole(howMany)} letters by Resend's batch API, ${where}: share of the rate`,
    ours: rate(median(rates)),
    peer: rate(lettersPerSecond),
    ratio: median(shares),
    spread: spread(shares),
  };
  const refused = {
    what: 'the same: requests refused with 429',
    ours: `${median(refusals).toFixed(2)} %`,
    peer: 'none',
    ratio: Math.max(...refusals),
    spread: spread(refusals),
  };
  return [
    rowOf(share, { sign: '≥', must: 0.95, aim: 0.98 }),
    rowOf(refused, { sign: '≤', must: 1, aim: 0, unit: ' %' }),
  ];
}
