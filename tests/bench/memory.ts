import { type Row, spawnScript, type startSink } from './ground';

const warmUp = 2000;

/** How much the memory of an engine's process grows while it sends a mailing. */
export async function benchMemory(
  sink: Awaited<ReturnType<typeof startSink>>,
  howMany: number,
): Promise<Row> {
  await sink.reset();
  const child = spawnScript('memory-child.ts', [String(warmUp), String(howMany)], {
    ...process.env,
    EMAIL_TRANSPORT: 'smtp',
    SMTP_URL: `smtp://127.0.0.1:${sink.port}`,
    EMAIL_FROM: 'bench@bench.test',
  });
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`the engine's process ended with ${code}`);
  const { before, highest, sent } = JSON.parse(output) as { before: number; highest: number; sent: number };
  const taken = await sink.count();
  if (sent !== howMany || taken !== howMany + warmUp) throw new Error(`sent ${sent}, the sink took ${taken}`);
  return {
    what: `memory growth while sending ${howMany.toLocaleString('en')}`,
    ours: `${(highest - before).toFixed(0)} MB (from ${before.toFixed(0)})`,
    peer: 'limit 64 MB',
    ratio: (highest - before) / 64,
    spread: 'one run',
    bar: '≤ 1',
    isMet: highest - before <= 64,
  };
}
