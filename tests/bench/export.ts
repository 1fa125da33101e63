import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { watchBusy } from './busy';
import {
  compare,
  type Ground,
  type Measured,
  progress,
  type Row,
  rate,
  rowOf,
  spawnScript,
  whole,
} from './ground';
import { largestMailing } from './history';
import type { Side } from './reports';

/**
 * The export of a mailing with a tenth of all attempts over HTTP ÷ a bare `COPY … TO STDOUT` of the same columns, streamed by an HTTP
 * server that does nothing else; rows a second. And how far the memory of the server rises meanwhile.
 */
export async function exportRows(ground: Ground, { site, owner, places }: Side): Promise<Row[]> {
  const bare = spawnScript('copy-server.ts', [ground.databaseUrl, String(largestMailing)]);
  if (!bare.stdout || !bare.stdin || !bare.pid) throw new Error('the bare server has no pipes');
  const { stdin, pid } = bare;
  ground.atEnd(() => stdin.end());
  const port = Number((await createInterface({ input: bare.stdout })[Symbol.asyncIterator]().next()).value);
  const path = `/api/mailings/${largestMailing}/attempts`;

  // A tenth of it to warm up.
  await download(`${site.base}${path}?run=${places.run}`, owner);
  const before = residentMegabytes(site.pid);
  let highest = before;
  const watch = setInterval(() => {
    highest = Math.max(highest, residentMegabytes(site.pid));
  }, 50);
  const counts = new Set<number>();
  const measure = async (url: string, server: { name: string; pid: number }): Promise<Measured> => {
    const readBusy = watchBusy([
      server,
      { name: 'Postgres', pid: ground.postgresPid, withChildren: true },
      { name: 'this client', pid: process.pid },
    ]);
    const from = performance.now();
    const lines = await download(url, owner);
    counts.add(lines);
    return { value: lines / ((performance.now() - from) / 1000), busy: readBusy() };
  };
  const measured = await compare(
    ground,
    () => measure(`${site.base}${path}`, { name: 'the server', pid: site.pid }),
    () => measure(`http://localhost:${port}/`, { name: 'the bare server', pid }),
  );
  clearInterval(watch);
  const [lines = 0, ...differing] = counts;
  if (differing.length > 0) throw new Error(`the exports have ${[...counts].join(' and ')} lines`);
  const growth = highest - before;
  progress(`memory: ${before.toFixed(0)} to ${highest.toFixed(0)} MB`);
  return [
    rowOf(
      {
        what: `export of ${whole(lines - 1)} attempts over HTTP ÷ a bare COPY … TO STDOUT through a bare HTTP server`,
        ...measured,
        ours: rate(measured.ours),
        peer: rate(measured.peer),
      },
      { sign: '≥', must: 0.25, aim: 0.5 },
    ),
    rowOf(
      {
        what: `growth of the server's resident memory in ${ground.rounds} such exports`,
        ours: `${growth.toFixed(0)} MB, from ${before.toFixed(0)} MB`,
        peer: 'a limit',
        ratio: growth,
        spread: 'one run',
      },
      { sign: '≤', must: 64, aim: 16, unit: ' MB' },
    ),
  ];
}

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

const newLine = 10;

/** Reads an answer to its end and counts its lines. */
function download(url: string, cookie: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers: { cookie } }, (response) => {
      let lines = 0;
      response.on('data', (chunk: Buffer) => {
        for (let at = chunk.indexOf(newLine); at >= 0; at = chunk.indexOf(newLine, at + 1)) lines += 1;
      });
      response.once('error', reject);
      response.once('end', () =>
        response.statusCode === 200
          ? resolve(lines)
          : reject(new Error(`${url} answered ${response.statusCode}`)),
      );
    });
    request.once('error', reject);
  });
}
