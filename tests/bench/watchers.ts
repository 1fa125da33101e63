import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/*
 * People with a run's page open, in a process of their own. Each asks what the page asks while its run is under way, as often as
 * components/mailings/live-runs does: how far the run has come, a second after the last answer, and every 15 seconds the page itself.
 * Prints `ready` when all have had an answer; says how many answers there were when its standard input ends.
 */
const [base = '', cookie = '', mailing = '', run = '', howMany = '50'] = process.argv.slice(2);
const askMs = 1000;
const pageMs = 15_000;
const agent = new http.Agent({ keepAlive: true });
let answers = 0;
let isOver = false;

function ask(path: string, headers: Record<string, string>): Promise<{ status: number; etag: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(`${base}${path}`, { agent, headers: { cookie, ...headers } }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, etag: response.headers.etag ?? '' }),
      );
    });
    request.once('error', reject);
  });
}

async function watch(nth: number, onAnswer: () => void): Promise<void> {
  await pause((nth * askMs) / Number(howMany));
  let etag = '';
  for (let pageAt = performance.now(); !isOver; await pause(askMs)) {
    const found = await ask(
      `/api/runs/progress?mailing=${mailing}&run=${run}`,
      etag ? { 'if-none-match': etag } : {},
    );
    if (found.status !== 200 && found.status !== 304) throw new Error(`answered ${found.status}`);
    etag = found.etag;
    answers += 1;
    onAnswer();
    if (performance.now() - pageAt < pageMs) continue;
    pageAt = performance.now();
    await ask(`/mailings/${mailing}/runs/${run}`, { rsc: '1' });
  }
}

const first = Array.from(
  { length: Number(howMany) },
  (_, nth) => new Promise<void>((resolve, reject) => watch(nth, resolve).catch(reject)),
);
await Promise.all(first);
answers = 0;
process.stdout.write('ready\n');
process.stdin.resume().on('end', () => {
  isOver = true;
  process.stdout.write(`${answers}\n`, () => process.exit(0));
});
