import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';

/*
 * A server in Resend's place that takes every batch, in a process of its own. Prints its port, then answers lines on standard
 * input with a number: `count` letters taken and `refused` answers of 429 since the last `reset`, which empties all it knows.
 *
 *   --per-second N   requests it lets through in any one second, for the whole server; says so in its headers
 *   --latency-ms N   how long each answer takes; letters count from the moment they have arrived
 *   --check-bytes    a key that comes again with other bytes is refused (409), and `mixed` counts those
 */
const { values } = parseArgs({
  options: {
    'per-second': { type: 'string' },
    'latency-ms': { type: 'string', default: '0' },
    'check-bytes': { type: 'boolean', default: false },
  },
});
const perSecond = values['per-second'] === undefined ? null : Number(values['per-second']);
const latencyMs = Number(values['latency-ms']);

type Taken = { answer: string; digest: string | null; isBusy: boolean };
const byKey = new Map<string, Taken>();
const counts = { count: 0, refused: 0, mixed: 0 };
/** When requests were let through, within the last second. */
const recent: number[] = [];
let nextId = 0;

/** A key and its colon can not stand inside a JSON string, where its quotes would be escaped: each is one letter. */
const recipient = Buffer.from('"to":');

function countLetters(body: Buffer): number {
  let letters = 0;
  for (let at = body.indexOf(recipient); at >= 0; at = body.indexOf(recipient, at + recipient.length))
    letters += 1;
  return letters;
}

/** Lets a request through, if the window of one second behind it has room. */
function isLetThrough(): boolean {
  if (perSecond === null) return true;
  const now = performance.now();
  while (recent[0] !== undefined && recent[0] <= now - 1000) recent.shift();
  if (recent.length >= perSecond) return false;
  recent.push(now);
  return true;
}

function rateHeaders(): Record<string, string> {
  if (perSecond === null) return {};
  return {
    'ratelimit-limit': String(perSecond),
    'ratelimit-policy': `${perSecond};w=1`,
    'ratelimit-remaining': String(Math.max(0, perSecond - recent.length)),
    'ratelimit-reset': '1',
  };
}

function answer(response: ServerResponse, status: number, body: string, more: Record<string, string> = {}) {
  const headers = { 'content-type': 'application/json', ...rateHeaders(), ...more };
  response.writeHead(status, headers).end(body);
}

const refusal = (statusCode: number, name: string) => JSON.stringify({ statusCode, name, message: name });

function take(key: string | undefined, body: Buffer, response: ServerResponse) {
  if (!isLetThrough()) {
    counts.refused += 1;
    answer(response, 429, refusal(429, 'rate_limit_exceeded'), { 'retry-after': '1' });
    return;
  }
  const digest = values['check-bytes'] ? createHash('sha256').update(body).digest('hex') : null;
  const known = key === undefined ? undefined : byKey.get(key);
  if (known && known.digest !== digest) {
    counts.mixed += 1;
    answer(response, 409, refusal(409, 'invalid_idempotent_request'));
    return;
  }
  if (known?.isBusy) {
    answer(response, 409, refusal(409, 'concurrent_idempotent_requests'));
    return;
  }
  if (known) {
    answer(response, 200, known.answer);
    return;
  }
  const letters = countLetters(body);
  counts.count += letters;
  const data = Array.from({ length: letters }, () => {
    nextId += 1;
    return { id: `00000000-0000-4000-8000-${nextId.toString(16).padStart(12, '0')}` };
  });
  const taken: Taken = { answer: JSON.stringify({ data }), digest, isBusy: true };
  if (key !== undefined) byKey.set(key, taken);
  const finish = () => {
    taken.isBusy = false;
    answer(response, 200, taken.answer);
  };
  if (latencyMs > 0) setTimeout(finish, latencyMs);
  else finish();
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method !== 'POST' || request.url !== '/emails/batch') {
      answer(response, 404, refusal(404, 'not_found'));
      return;
    }
    take([request.headers['idempotency-key']].flat()[0], Buffer.concat(chunks), response);
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${address && typeof address === 'object' ? address.port : 0}\n`);
});
process.stdin.setEncoding('utf8');
process.stdin.on('data', (lines: string) => {
  for (const line of lines.split('\n').filter(Boolean)) {
    if (line === 'reset') {
      byKey.clear();
      Object.assign(counts, { count: 0, refused: 0, mixed: 0 });
    }
    process.stdout.write(`${line === 'refused' || line === 'mixed' ? counts[line] : counts.count}\n`);
  }
});
process.stdin.on('end', () => process.exit(0));
