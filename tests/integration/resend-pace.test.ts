import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { db } from '@/db/client';
import { attempts, clients, deliveries } from '@/db/schema';
import { systemClock } from '@/lib/clock';
import { resendTransport } from '@/lib/email/resend';
import { parseEnv } from '@/lib/env';
import { sendDueMailings } from '@/lib/sending/engine';
import { createMailing, createUser } from '../support/factories';
import { resendRefusal, resendSink } from '../support/resend-sink';

/*
 * How engines keep to the rate that Resend announces. Time is real here: the server counts requests in the second behind each.
 */

const ending: (() => void)[] = [];
beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, batches, transports, engines cascade`);
});
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

const perSecond = 10;
const tooFast = { ...resendRefusal(429, 'rate_limit_exceeded'), headers: { 'retry-after': '1' } };

/** A server that takes `perSecond` requests in any second, says so, and takes a while for each answer. */
async function serve({
  latencyMs = 60,
  refuse = () => false,
}: {
  latencyMs?: number;
  refuse?: (nth: number) => boolean;
} = {}) {
  const letThrough: number[] = [];
  const seen = { refused: 0, askedAtFirstAnswer: 0 };
  const sink = await resendSink({
    headers: { 'ratelimit-limit': String(perSecond), 'ratelimit-policy': `${perSecond};w=1` },
    react: async (_, nth) => {
      const now = performance.now();
      if (refuse(nth) || letThrough.filter((at) => at > now - 1000).length >= perSecond) {
        seen.refused += 1;
        return tooFast;
      }
      letThrough.push(now);
      await pause(latencyMs);
      if (nth === 1) seen.askedAtFirstAnswer = sink.asked.length;
      return 'take';
    },
  });
  ending.push(sink.close);
  /** One pass of an engine of its own, with what it has learnt of the server. */
  const engine = () => {
    const transport = resendTransport('resend:test', {
      apiKey: 're_test',
      baseUrl: sink.url,
      timeoutMs: 20_000,
    });
    return () =>
      sendDueMailings({
        clock: systemClock,
        deadline: new Date(Date.now() + 60_000),
        transport,
        settings: parseEnv({ ...process.env, SEND_BATCH: '5' }),
      });
  };
  return { sink, seen, engine };
}

/** A mailing that is due, in batches of five. */
async function mailing(batches: number): Promise<string[]> {
  const owner = await createUser(db);
  const addresses = Array.from({ length: batches * 5 }, (_, index) => `c${index + 1}@shop.test`);
  await db
    .insert(clients)
    .values(
      addresses.map((email) => ({ ownerId: owner.id, email, emailKey: email, fullName: 'Grace Hopper' })),
    );
  await createMailing(db, owner);
  return addresses.toSorted();
}

const isEveryoneSent = async () =>
  (await db.select().from(deliveries)).every(({ status }) => status === 'sent');

describe('the rate that Resend announces', { timeout: 60_000 }, () => {
  it('is learnt by one request, which goes alone', async () => {
    const addresses = await mailing(8);
    const { sink, seen, engine } = await serve({ latencyMs: 400 });
    expect(await engine()()).toMatchObject({ sent: 40, remaining: 0 });
    expect(seen).toEqual({ refused: 0, askedAtFirstAnswer: 1 });
    expect(sink.taken.toSorted()).toEqual(addresses);
  });

  it('is used by one engine without a refusal, and nearly to the full', async () => {
    const addresses = await mailing(50);
    const { sink, seen, engine } = await serve();
    const from = performance.now();
    expect(await engine()()).toMatchObject({ sent: 250, remaining: 0 });
    const seconds = (performance.now() - from) / 1000;
    expect(sink.taken.toSorted()).toEqual(addresses);
    // One in twenty-five: this machine may have stood still for a moment.
    expect(seen.refused).toBeLessThanOrEqual(2);
    // 50 requests in five periods, of which the first costs nothing.
    expect(seconds).toBeLessThan(8);
  });

  it('is shared by several engines: together they stay under it, and each letter leaves once', async () => {
    const addresses = await mailing(60);
    const { sink, seen, engine } = await serve();
    const from = performance.now();
    const first = engine()();
    // The run is open: the others find it.
    await vi.waitFor(() => expect(sink.asked).not.toHaveLength(0), 10_000);
    const counts = await Promise.all([first, engine()(), engine()()]);
    const seconds = (performance.now() - from) / 1000;
    for (const pass = engine(); !(await isEveryoneSent()) && seconds < 30; ) await pass();
    expect(sink.taken.toSorted()).toEqual(addresses);
    expect(counts.filter(({ sent }) => sent > 0)).toHaveLength(3);
    // Three that did not know of each other would be refused two of three times.
    expect(seen.refused).toBeLessThanOrEqual(6);
    expect(seconds).toBeLessThan(12);
  });

  it('after a refusal that asks for a second the same pass goes on, and the refusal stands in the ledger', async () => {
    const addresses = await mailing(10);
    const { sink, engine } = await serve({ refuse: (nth) => nth === 4 });
    expect(await engine()()).toMatchObject({ sent: 50, failed: 0, unknown: 0, remaining: 0 });
    expect(sink.taken.toSorted()).toEqual(addresses);
    const refused = (await db.select().from(attempts)).filter(({ status }) => status === 'failure');
    expect(refused).toHaveLength(5);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set([429]));
  });
});
