import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { askAgainHeader, askedAfterHeader, askMaxMs, askMs } from '@/lib/runs/schema';

/*
 * People with a run's page open, in a process of their own. Each asks what the page asks while its run is under way, as often as
 * components/mailings/live-runs does: how far the run has come, a second after the last answer or when that said, more rarely when nothing
 * moves, and every 15 seconds the page itself. Prints `ready` when all have had three answers, and says how many there were since when its
 * standard input ends.
 */
const [base = '', cookie = '', mailing = '', run = '', howMany = '50'] = process.argv.slice(2);
const pageMs = 15_000;
const agent = new http.Agent({ keepAlive: true });
let answers = 0;
const over = new AbortController();

type Found = { status: number; etag: string; again: number };

function ask(path: string, headers: Record<string, string>): Promise<Found> {
  return new Promise((resolve, reject) => {
    const request = http.get(`${base}${path}`, { agent, headers: { cookie, ...headers } }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          etag: response.headers.etag ?? '',
          again: Number(response.headers[askAgainHeader]),
        }),
      );
    });
    request.once('error', reject);
  });
}

async function watch(nth: number, onThird: () => void): Promise<void> {
  await pause((nth * askMs) / Number(howMany));
  let etag = '';
  let waitMs = askMs;
  let quietTurns = 0;
  let pageAt = performance.now();
  for (let turn = 1; !over.signal.aborted; turn += 1) {
    const found = await ask(`/api/runs/progress?mailing=${mailing}&run=${run}`, {
      [askedAfterHeader]: `${waitMs}`,
      ...(etag ? { 'if-none-match': etag } : {}),
    });
    if (found.status !== 200 && found.status !== 304) throw new Error(`answered ${found.status}`);
    quietTurns = found.status === 304 ? quietTurns + 1 : 0;
    etag = found.etag;
    answers += 1;
    if (turn === 3) onThird();
    if (performance.now() - pageAt >= pageMs) {
      pageAt = performance.now();
      await ask(`/mailings/${mailing}/runs/${run}`, { rsc: '1' });
    }
    waitMs = Math.min(askMaxMs, Math.max(found.again, askMs * 1.5 ** Math.max(0, quietTurns - 3)));
    await pause(waitMs, undefined, { signal: over.signal }).catch(() => {});
  }
}

const ready: Promise<void>[] = [];
const all = Array.from({ length: Number(howMany) }, (_, nth) => {
  let onThird = () => {};
  ready.push(
    new Promise((resolve) => {
      onThird = resolve;
    }),
  );
  return watch(nth, () => onThird());
});
await Promise.race([Promise.all(ready), Promise.all(all)]);
answers = 0;
process.stdout.write('ready\n');
process.stdin.resume().on('end', async () => {
  over.abort();
  const howOften = answers;
  await Promise.all(all);
  process.stdout.write(`${howOften}\n`, () => process.exit(0));
});
