import { Pool } from 'undici';
import { z } from 'zod';
import {
  compare,
  expectTaken,
  fastest,
  type Ground,
  type Row,
  rate,
  rowOf,
  startSink,
  timed,
  whole,
} from './ground';
import { engineRate, settingsFor } from './pass';
import { personalised } from './stock';

/** Letters in one request: what Resend takes at most. */
const batchMax = 100;
const apiKey = 're_bench';

/** Letters by Resend's batch API, no limit on the rate: one engine with its ledger ÷ a bare loop of undici. */
export async function benchResend(ground: Ground): Promise<Row[]> {
  const sink = await startSink(ground, 'resend-sink.ts');
  const base = `http://127.0.0.1:${sink.port}`;
  const settings = settingsFor({ EMAIL_TRANSPORT: 'resend', RESEND_API_KEY: apiKey, RESEND_BASE_URL: base });
  const measurePeer = async (loops: number) => {
    await sink.reset();
    const { time, busy } = await timed(ground, sink, () => undiciLoop(base, ground.letters, loops));
    await expectTaken(sink, ground.letters, 'undici');
    return { value: ground.letters / time, busy };
  };
  const loops = await fastest([1, 4], measurePeer);
  ground.note(`undici was faster with ${loops} ${loops === 1 ? 'request' : 'requests'} at a time`);
  const measured = await compare(
    ground,
    () => engineRate(ground, sink, settings),
    () => measurePeer(loops),
  );
  const row = {
    what: `send ${whole(ground.letters)} letters by Resend's batch API ÷ a bare undici loop`,
    ...measured,
    ours: rate(measured.ours),
    peer: rate(measured.peer),
  };
  return [rowOf(row, { sign: '≥', must: 0.6, aim: 0.8 })];
}

const taken = z.object({ data: z.array(z.object({ id: z.string() })) });

/** The same letters in batches of 100, `loops` requests at a time, each with a key as the API advises; nothing written down. */
async function undiciLoop(base: string, howMany: number, loops: number): Promise<void> {
  const pool = new Pool(base, { connections: loops });
  let next = 0;
  const loop = async () => {
    while (next < howMany) {
      const first = next + 1;
      next = Math.min(next + batchMax, howMany);
      const batch = Array.from({ length: next - first + 1 }, (_, index) => {
        const { name: _name, address, ...letter } = personalised(first + index);
        return {
          ...letter,
          from: 'Bench Owner <bench@bench.test>',
          to: [address],
          replyTo: 'owner@bench.test',
        };
      });
      const { statusCode, body } = await pool.request({
        path: '/emails/batch',
        method: 'POST',
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': `bench-${first}`,
        },
        body: JSON.stringify(batch),
      });
      const { data } = taken.parse(await body.json());
      if (statusCode !== 200 || data.length !== batch.length)
        throw new Error(`undici: ${statusCode} for ${data.length} letters of ${batch.length}`);
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
  await pool.close();
}
