import { createHash, randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { listen } from '../support/listen';
import type { Sink, Stage } from './smtp-sink';

const batch = z.array(z.looseObject({ to: z.array(z.string()) }));

export type ResendSink = Sink & {
  /** While the network is slow, what is sent stays on its way until `deliver`, whether or not somebody still waits for an answer. */
  setSlow(isSlow: boolean): void;
  /** Keys of what is on its way. */
  onTheWay(): string[];
  deliver(): void;
  /** How often something came under a key. */
  cameUnder(key: string): number;
};

/**
 * Resend's batch endpoint on loopback: keeps idempotency keys, answers a repeat of the same bytes with the same ids and sends
 * nothing, and notes whoever comes with other bytes under a known key. Stages are told per batch.
 */
export async function startResendSink({ latencyMs }: { latencyMs: number }): Promise<ResendSink> {
  const counts: Record<Stage, number> = { mail: 0, data: 0, dot: 0, accepted: 0, replied: 0 };
  const keys = new Map<string, { digest: string; ids: string[] }>();
  const came = new Map<string, number>();
  let underWay = 0;
  let isSlow = false;
  let late: { key: string; arrive: () => void }[] = [];
  const reach = (stage: Stage) => {
    counts[stage] += 1;
    sink.watch?.(stage, counts[stage]);
  };

  async function take(request: http.IncomingMessage, response: http.ServerResponse) {
    const key = request.headers['idempotency-key'];
    const isLate = isSlow;
    if (!isLate) reach('mail');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    // One whose sender was stopped in the middle of it comes whole when the network is fast again.
    if (isSlow) await new Promise<void>((arrive) => late.push({ key: String(key), arrive }));
    if (isLate) reach('mail');
    const handedOverAt = Date.now();
    reach('dot');
    await pause(latencyMs);
    const answer = (status: number, value: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
      reach('replied');
    };
    if (typeof key !== 'string') {
      sink.violations.push('a batch came without an idempotency key');
      return answer(422, { statusCode: 422, name: 'missing_required_field', message: 'no key' });
    }
    came.set(key, (came.get(key) ?? 0) + 1);
    const digest = createHash('sha256').update(body).digest('hex');
    const known = keys.get(key);
    if (known) {
      if (known.digest !== digest) {
        sink.violations.push(`key ${key} came again with other bytes`);
        return answer(409, { statusCode: 409, name: 'invalid_idempotent_request', message: 'other payload' });
      }
      return answer(200, { data: known.ids.map((id) => ({ id })) });
    }
    const letters = batch.parse(JSON.parse(body.toString('utf8')));
    const ids = letters.map(() => randomUUID());
    keys.set(key, { digest, ids });
    for (const letter of letters)
      sink.accepted.push({
        recipient: /([^<>\s]+@[^<>\s]+)/.exec(letter.to[0] ?? '')?.[1] ?? '',
        identity: key,
        handedOverAt,
      });
    reach('accepted');
    answer(200, { data: ids.map((id) => ({ id })) });
  }

  const server = http.createServer((request, response) => {
    underWay += 1;
    take(request, response)
      // The engine was killed while its request was on the way: nothing whole came, nothing is taken.
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ECONNRESET') sink.violations.push(`the server failed: ${error.message}`);
      })
      .finally(() => {
        underWay -= 1;
      });
  });
  const { base } = await listen(server);

  const sink: ResendSink = {
    settings: {
      EMAIL_TRANSPORT: 'resend',
      RESEND_API_KEY: 're_chaos',
      RESEND_BASE_URL: base,
    },
    accepted: [],
    violations: [],
    watch: null,
    count: (stage) => counts[stage],
    setSlow(slow) {
      isSlow = slow;
    },
    onTheWay: () => late.map(({ key }) => key),
    deliver() {
      for (const { arrive } of late) arrive();
      late = [];
    },
    cameUnder: (key) => came.get(key) ?? 0,
    // What is still on its way arrives some other time.
    async quiet() {
      while (underWay > late.length) await pause(20);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return sink;
}
