import { z } from 'zod';
import { type Ground, outputOf, type Row, rowOf, spawnScript, startSink, whole } from './ground';

const warmUp = 2000;
const seen = z.object({ before: z.number(), highest: z.number(), sent: z.number() });

/** How much the memory of an engine's process grows while it sends a mailing. */
export async function benchMemory(ground: Ground): Promise<Row[]> {
  const howMany = ground.letters * 10;
  const sink = await startSink(ground, 'sink.ts');
  const child = spawnScript('memory-child.ts', [String(warmUp), String(howMany)], {
    ...process.env,
    EMAIL_TRANSPORT: 'smtp',
    SMTP_URL: `smtp://127.0.0.1:${sink.port}`,
    EMAIL_FROM: 'bench@bench.test',
  });
  const { before, highest, sent } = seen.parse(JSON.parse(await outputOf(child)));
  const taken = await sink.count();
  if (sent !== howMany || taken !== howMany + warmUp) throw new Error(`sent ${sent}, the sink took ${taken}`);
  const growth = Math.max(0, highest - before);
  const row = {
    what: `memory growth of an engine's process sending ${whole(howMany)} letters`,
    ours: `${growth.toFixed(0)} MB, from ${before.toFixed(0)} MB`,
    peer: 'a limit',
    ratio: growth,
    spread: 'one run',
  };
  return [rowOf(row, { sign: '≤', must: 64, aim: 8, unit: ' MB' })];
}
