import { setMaxListeners } from 'node:events';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { askAgainHeader, askedAfterHeader, askMaxMs, askMs } from '@/lib/runs/schema';

/*
 * People with a run's page open, in a process of their own. Each asks what the page asks while its run is under way, as often as
 * components/mailings/live-runs does: how far the run has come, a second after the last answer or when that said, more rarely when nothing
 * moves, and every 15 seconds the page itself, as much more rarely as they are told to ask. Prints `ready` when all have had three answers,
 * and says how many there were since when its standard input ends.
 */
const [base = '', cookie = '', mailing = '', run = '', howMany = '50'] = process.argv.slice(2);
const pageMs = 15_000;
const agent = new http.Agent({ keepAlive: true });
let answers = 0;
const over = new AbortController();
// Each of them waits for its end.
setMaxListeners(Number(howMany), over.signal);

type Found = { status: number; etag: string; again: number; location: string };

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
          location: response.headers.location ?? '',
        }),
      );
    });
    request.once('error', reject);
  });
}

async function watch(nth: number, onThird: () => void): Promise<void> {
  await pause((nth * askMs) / Number(howMany));
  let etag = '';
  let pageAddress = `/mailings/${mailing}/runs/${run}`;
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
    if (performance.now() - pageAt >= pageMs * Math.max(1, found.again / askMs)) {
      pageAt = performance.now();
      const page = await ask(pageAddress, { rsc: '1' });
      // Next leads to the address that caches may tell apart.
      if (page.location) pageAddress = page.location;
      const shown = page.location ? await ask(pageAddress, { rsc: '1' }) : page;
      if (shown.status !== 200) throw new Error(`the page answered ${shown.status}`);
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
