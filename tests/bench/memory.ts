import { z } from 'zod';
import { type Ground, median, outputOf, type Row, rowOf, spawnScript, startSink, whole } from './ground';

const warmUp = 2000;
const processes = 5;
const seen = z.object({ before: z.number(), highest: z.number(), sent: z.number() });

/** How much the memory of an engine's process grows while it sends a mailing. */
export async function benchMemory(ground: Ground): Promise<Row[]> {
  const howMany = ground.letters * 10;
  const sink = await startSink(ground, 'sink.ts');
  const grown: { growth: number; before: number }[] = [];
  // What of its memory a process gives back, and when, differs from one to the next.
  for (let round = 0; round < Math.min(ground.rounds, processes); round += 1) {
    await sink.reset();
    const child = spawnScript('memory-child.ts', [String(warmUp), String(howMany)], {
      ...process.env,
      EMAIL_TRANSPORT: 'smtp',
      SMTP_URL: `smtp://127.0.0.1:${sink.port}`,
      EMAIL_FROM: 'bench@bench.test',
    });
    const { before, highest, sent } = seen.parse(JSON.parse(await outputOf(child)));
    const taken = await sink.count();
    if (sent !== howMany || taken !== howMany + warmUp)
      throw new Error(`sent ${sent}, the sink took ${taken}`);
    grown.push({ growth: Math.max(0, highest - before), before });
  }
  const growths = grown.map(({ growth }) => growth);
  const growth = median(growths);
  const row = {
    what: `memory growth of an engine's process sending ${whole(howMany)} letters`,
    ours: `${growth.toFixed(0)} MB, from ${median(grown.map(({ before }) => before)).toFixed(0)} MB`,
    peer: 'a limit',
    ratio: growth,
    spread: `${Math.min(...growths).toFixed(0)} to ${Math.max(...growths).toFixed(0)}`,
  };
  return [rowOf(row, { sign: '≤', must: 64, aim: 8, unit: ' MB' })];
}
