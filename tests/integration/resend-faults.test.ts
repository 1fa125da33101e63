import { setTimeout as pause } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { attempts, clients, deliveries, messages, runs, transports } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { resendTransport } from '@/lib/email/resend';
import { parseEnv } from '@/lib/env';
import type { Actor } from '@/lib/policy/rules';
import { disableMailing, finishRun, pauseMailing, resumeMailing, stopMailing } from '@/lib/runs/mutations';
import { unsubscribeToken } from '@/lib/sending/compose';
import { sendDueMailings } from '@/lib/sending/engine';
import { findNextDue } from '@/lib/sending/ledger';
import { unsubscribeByToken } from '@/lib/suppressions/mutations';
import { blockUser } from '@/lib/users/mutations';
import { asActor, createClient, createMailing, createSuppression, createUser } from '../support/factories';
import { type Answer, type Reaction, resendRefusal, resendSink } from '../support/resend-sink';

/*
 * What Resend, or the way to it, can do to a run: the real engine and the real transport against a server on loopback that
 * misbehaves as told. Time is a clock that the test moves.
 */

const start = new Date('2026-01-30T21:00:00Z');
let actor: Actor;
let clock: ReturnType<typeof fixedClock>;
const ending: (() => void)[] = [];

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, batches, transports, engines cascade`);
  actor = asActor(await createUser(db, { email: 'ann@shop.test' }));
  clock = fixedClock(start);
});
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

const later = (minutes: number) => clock.set(new Date(clock.now().getTime() + minutes * 60_000));

async function resend(
  react?: (nth: number) => Reaction | Promise<Reaction>,
  options: Parameters<typeof resendSink>[0] = {},
  timeoutMs = 20_000,
) {
  const sink = await resendSink({ ...(react ? { react: (_, nth) => react(nth) } : {}), ...options });
  ending.push(sink.close);
  const transport = () =>
    resendTransport('resend:test', { apiKey: 're_test', baseUrl: sink.url, timeoutMs }, clock);
  return {
    ...sink,
    /** One pass of a new process. */
    pass: () =>
      sendDueMailings({
        clock,
        deadline: new Date('2999-01-01'),
        transport: transport(),
        settings: parseEnv(process.env),
        random: () => 0.5,
      }),
  };
}

/** A run of a mailing to that many clients, `c1@shop.test` and on, not begun. */
async function mailing(howMany = 3, overrides: Parameters<typeof createMailing>[2] = {}) {
  for (let n = 1; n <= howMany; n += 1)
    await createClient(db, actor, { email: `c${n}@shop.test`, fullName: `Client ${n}` });
  return createMailing(db, actor, { startsAt: start, ...overrides });
}

const everyone = (howMany = 3) => Array.from({ length: howMany }, (_, index) => `c${index + 1}@shop.test`);

const onlyRun = async () => {
  const [run, other] = await db.select().from(runs);
  if (!run || other) throw new Error('there is not one run');
  return run;
};
const ends = async () =>
  (await db.select().from(deliveries).orderBy(deliveries.id)).map(({ status, reason }) =>
    reason === null ? status : `${status} ${reason}`,
  );
/** Statuses of deliveries that have not ended may read either way while a batch is in doubt. */
const hasEnded = async () => (await ends()).some((status) => !/^(queued|sending)$/.test(status));
const waitOf = async () => (await db.select().from(transports))[0];
const attemptsOf = async (email: string) => {
  const rows = await db
    .select({ status: attempts.status, response: attempts.response, code: attempts.code })
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .where(eq(deliveries.email, email))
    .orderBy(attempts.id);
  return rows;
};
const tries = async () => (await db.select().from(deliveries)).map((row) => row.tries);

const html: Answer = {
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: '<html>502 Bad Gateway</html>',
};

describe('an answer that tells nothing', () => {
  const lost: [string, Reaction][] = [
    ['500', resendRefusal(500, 'internal_server_error')],
    ['500 after the letters were taken', { takeBut: resendRefusal(500, 'application_error') }],
    ['502 in HTML', html],
    ['502 in HTML after the letters were taken', { takeBut: html }],
    ['null', { body: 'null' }],
    ['500 with null after the letters were taken', { takeBut: { status: 500, body: 'null' } }],
    ['200 without ids', { body: '{}' }],
    ['200 without ids after the letters were taken', { takeBut: { body: '{"data":[]}' } }],
    ['a connection cut before anything was taken', 'cut'],
    ['a connection cut after the letters were taken', { takeBut: 'cut' }],
    ['the same key at work elsewhere', resendRefusal(409, 'concurrent_idempotent_requests')],
  ];
  it.each(lost)(
    'after %s the same bytes go again under the same key, and each client has one letter',
    async (_title, reaction) => {
      await mailing();
      const server = await resend((nth) => (nth === 1 ? reaction : 'take'));
      expect(await server.pass()).toMatchObject({ sent: 0, unknown: 0, remaining: 3 });
      expect(await hasEnded()).toBe(false);
      later(20);
      expect(await server.pass()).toMatchObject({ sent: 3, unknown: 0, remaining: 0 });
      expect(server.taken.sort()).toEqual(everyone());
      expect(server.asked).toHaveLength(2);
      expect(server.asked[0]?.key).toMatch(/.{16,}/);
      expect(server.asked[1]?.key).toBe(server.asked[0]?.key);
      expect(server.asked[1]?.octets).toBe(server.asked[0]?.octets);
      expect(await ends()).toEqual(['sent', 'sent', 'sent']);
      expect((await onlyRun()).status).toBe('done');
      expect((await attemptsOf('c2@shop.test')).at(-1)).toEqual({
        status: 'success',
        code: 200,
        response: server.idOf('c2@shop.test'),
      });
    },
  );

  const silent: [string, Reaction][] = [
    ['no answer', 'hang'],
    ['no answer, though the letters were taken', { takeBut: 'hang' }],
  ];
  it.each(silent)('after %s within the time allowed it is the same', async (_title, reaction) => {
    await mailing();
    // The shortened time is for the silent request alone: a busy machine may be slow too.
    const server = await resend((nth) => (nth === 1 ? reaction : 'take'), {}, 3000);
    expect(await server.pass()).toMatchObject({ sent: 0, unknown: 0, remaining: 3 });
    later(20);
    expect(await server.pass()).toMatchObject({ sent: 3, unknown: 0, remaining: 0 });
    expect(server.taken.sort()).toEqual(everyone());
    expect(server.asked[1]?.octets).toBe(server.asked[0]?.octets);
    expect(server.asked[1]?.key).toBe(server.asked[0]?.key);
  });

  it('an answer lost again and again is asked for until it comes', async () => {
    await mailing();
    const server = await resend((nth) => (nth < 5 ? { takeBut: html } : 'take'));
    for (let pass = 0; pass < 5; pass += 1) {
      await server.pass();
      later(60);
    }
    expect(await ends()).toEqual(['sent', 'sent', 'sent']);
    expect(server.taken.sort()).toEqual(everyone());
    expect(new Set(server.asked.map((each) => each.octets)).size).toBe(1);
  });

  it('what is changed meanwhile changes neither the members nor the bytes of a batch in doubt', async () => {
    const made = await mailing();
    const server = await resend((nth) => (nth === 1 ? { takeBut: html } : 'take'));
    await server.pass();
    await createClient(db, actor, { email: 'new@shop.test' });
    await db
      .update(clients)
      .set({ fullName: 'Another', email: 'other@shop.test', emailKey: 'other@shop.test' })
      .where(eq(clients.email, 'c1@shop.test'));
    await db.delete(clients).where(eq(clients.email, 'c2@shop.test'));
    await db
      .update(messages)
      .set({ subject: 'Changed', body: '<p>Changed</p>' })
      .where(eq(messages.id, made.messageId));
    await db.execute(
      sql`update users set name = 'Another name', email = 'x@shop.test', email_key = 'x@shop.test' where id = ${actor.id}`,
    );
    later(20);
    expect(await server.pass()).toMatchObject({ sent: 3 });
    expect(server.asked.map((each) => each.octets)).toEqual([
      server.asked[0]?.octets,
      server.asked[0]?.octets,
    ]);
    expect(server.taken.sort()).toEqual(everyone());
  });

  it('a batch in doubt holds no other batch back', async () => {
    await mailing(130);
    const server = await resend((nth) => (nth === 1 ? { takeBut: html } : 'take'));
    const first = await server.pass();
    expect(first.sent).toBeGreaterThan(0);
    expect(first.sent + first.remaining).toBe(130);
    later(20);
    await server.pass();
    expect([...server.taken].sort()).toEqual(everyone(130).sort());
    expect(server.asked.every((each) => each.emails.length <= 100)).toBe(true);
    expect(new Set(await ends())).toEqual(new Set(['sent']));
  });
});

describe('a batch that may not be repeated', () => {
  /** A batch whose answer was lost; then `happens`, and a pass. */
  async function doubt(happens: (mailingId: number) => Promise<unknown>, overrides = {}) {
    const made = await mailing(3, overrides);
    const server = await resend((nth) => (nth === 1 ? { takeBut: html } : 'take'));
    await server.pass();
    expect(server.asked).toHaveLength(1);
    await happens(made.id);
    const counts = await server.pass();
    return { server, counts, made };
  }

  it('after 24 hours nobody can know: unknown, and nothing is handed over', async () => {
    const { server } = await doubt(async () => later(24 * 60 + 1));
    expect(server.asked).toHaveLength(1);
    expect(await ends()).toEqual(Array(3).fill('unknown key_expired'));
    expect((await onlyRun()).status).toBe('partly_done');
    later(60);
    await server.pass();
    expect(server.asked).toHaveLength(1);
  });

  it('within 24 hours it still goes out', async () => {
    const { server } = await doubt(async () => later(23 * 60));
    expect(server.asked).toHaveLength(2);
    expect(await ends()).toEqual(['sent', 'sent', 'sent']);
    expect(server.taken).toHaveLength(3);
  });

  const gates: [string, (mailingId: number) => Promise<unknown>][] = [
    [
      'one of its clients unsubscribed',
      async () => {
        const [one] = await db.select().from(deliveries).where(eq(deliveries.email, 'c2@shop.test'));
        await unsubscribeByToken(unsubscribeToken(one?.id ?? 0));
      },
    ],
    ['the address of one bounced', () => createSuppression(db, actor, 'c3@shop.test', { reason: 'bounced' })],
    [
      'its owner was blocked',
      async () => {
        const admin = asActor(await createUser(db, { isStaff: true, isSuperuser: true }));
        const blocked = await blockUser(admin, { userId: actor.id, reason: 'spam' });
        expect(blocked.ok).toBe(true);
      },
    ],
    [
      'a manager disabled the mailing',
      async (mailingId) => {
        const manager = asActor(await createUser(db, { isStaff: true }));
        const disabled = await disableMailing(manager, { mailingId, reason: 'looks odd' }, db, clock);
        expect(disabled.ok).toBe(true);
      },
    ],
    [
      'it was stopped',
      async (mailingId) => {
        expect((await stopMailing(actor, { mailingId }, db, clock)).ok).toBe(true);
      },
    ],
  ];
  it.each(gates)('nothing is repeated when %s, and its letters are unknown', async (_title, close) => {
    const { server } = await doubt(async (mailingId) => {
      await close(mailingId);
      later(20);
    });
    expect(server.asked).toHaveLength(1);
    expect((await ends()).map((status) => status.split(' ')[0])).toEqual(Array(3).fill('unknown'));
    later(24 * 60);
    await server.pass();
    expect(server.asked).toHaveLength(1);
  });

  it('nothing is repeated after the end of the mailing', async () => {
    const endsAt = new Date(start.getTime() + 10 * 60_000);
    const { server } = await doubt(async () => later(11), { endsAt });
    expect(server.asked).toHaveLength(1);
    expect((await ends()).map((status) => status.split(' ')[0])).toEqual(Array(3).fill('unknown'));
  });

  it('what is in doubt when its owner pauses is repeated after the resume, under the same key', async () => {
    const { server, made } = await doubt(async (mailingId) => {
      await pauseMailing(actor, { mailingId }, db, clock);
      later(20);
    });
    expect(server.asked).toHaveLength(1);
    expect(await findNextDue('resend:test')).toBeNull();
    await resumeMailing(actor, { mailingId: made.id }, db, clock);
    await server.pass();
    expect(await ends()).toEqual(['sent', 'sent', 'sent']);
    expect(server.asked).toHaveLength(2);
    expect(server.asked[1]?.key).toBe(server.asked[0]?.key);
  });

  it('what is in doubt in a paused mailing is unknown when its time is over', async () => {
    const endsAt = new Date(start.getTime() + 10 * 60_000);
    const { server } = await doubt(
      async (mailingId) => {
        await pauseMailing(actor, { mailingId }, db, clock);
        later(11);
      },
      { endsAt },
    );
    expect(server.asked).toHaveLength(1);
    expect((await ends()).map((status) => status.split(' ')[0])).toEqual(Array(3).fill('unknown'));
    expect((await onlyRun()).status).toBe('partly_done');
  });

  it('a letter that would not be the same any more is not repeated', async () => {
    const { server } = await doubt(async () => {
      await db.execute(sql`update runs set link_base = 'https://elsewhere.test'`);
      later(20);
    });
    expect(server.asked).toHaveLength(1);
    expect(await ends()).toEqual(Array(3).fill('unknown letter_changed'));
  });

  it('a key that Resend knows with other bytes is never sent again', async () => {
    await mailing();
    const server = await resend(() => resendRefusal(409, 'invalid_idempotent_request'));
    await server.pass();
    later(20);
    await server.pass();
    later(60);
    await server.pass();
    expect(server.asked).toHaveLength(1);
    expect((await ends()).map((status) => status.split(' ')[0])).toEqual(Array(3).fill('unknown'));
    expect((await attemptsOf('c1@shop.test')).at(-1)?.response).toMatch(/invalid_idempotent_request/);
  });

  it('the owner may finish what is unknown: the letters go again under a new key', async () => {
    const { server, made } = await doubt(async () => later(24 * 60 + 1));
    const run = await onlyRun();
    const finished = await finishRun(
      actor,
      { mailingId: made.id, runId: run.id, outcomes: ['unknown'] },
      db,
      clock,
    );
    expect(finished.ok).toBe(true);
    await server.pass();
    expect(await ends()).toEqual(['sent', 'sent', 'sent']);
    expect(server.asked).toHaveLength(2);
    expect(server.asked[1]?.key).not.toBe(server.asked[0]?.key);
  });
});

describe('what concerns the sender', () => {
  it('"slow down" makes everything wait as long as Resend asks, and costs no client a try', async () => {
    await mailing(150);
    const tooFast = {
      ...resendRefusal(429, 'rate_limit_exceeded', 'Too many requests'),
      headers: { 'retry-after': '7' },
    };
    const until = new Date(start.getTime() + 7000);
    const server = await resend(() => (clock.now() < until ? tooFast : 'take'));
    expect(await server.pass()).toMatchObject({ sent: 0, failed: 0, remaining: 150 });
    expect(server.taken).toEqual([]);
    const wait = await waitOf();
    expect(wait).toMatchObject({ waitCode: 'slow_down', waitsUntil: until });
    expect(wait?.waitResponse).toContain('Too many requests');
    expect(new Set(await tries())).toEqual(new Set([0]));
    const before = server.asked.length;
    clock.set(new Date(start.getTime() + 6000));
    await server.pass();
    expect(server.asked).toHaveLength(before);
    clock.set(new Date(start.getTime() + 8000));
    // It may go on more slowly than before.
    for (let pass = 0; pass < 10 && server.taken.length < 150; pass += 1) {
      await server.pass();
      later(15);
    }
    expect([...server.taken].sort()).toEqual(everyone(150).sort());
    expect(new Set(await ends())).toEqual(new Set(['sent']));
    expect((await waitOf())?.waitCode).toBeNull();
  });

  it('"slow down" holds, though a batch handed over before it is taken after it', async () => {
    await mailing(250);
    let comeThird = () => {};
    const third = new Promise<void>((resolve) => {
      comeThird = resolve;
    });
    const server = await resend(async (nth) => {
      if (nth === 2) {
        // The third may be kept back until this one is answered.
        await Promise.race([third, pause(2000)]);
        return { ...resendRefusal(429, 'rate_limit_exceeded'), headers: { 'retry-after': '60' } };
      }
      if (nth === 3) {
        comeThird();
        for (let look = 0; look < 100 && !(await waitOf())?.waitsUntil; look += 1) await pause(20);
      }
      return 'take';
    });
    await server.pass();
    expect(await waitOf()).toMatchObject({
      waitCode: 'slow_down',
      waitsUntil: new Date(start.getTime() + 60_000),
    });
    const before = server.asked.length;
    clock.set(new Date(start.getTime() + 59_000));
    await server.pass();
    expect(server.asked).toHaveLength(before);
  });

  const quotas: [string, string, string, Date][] = [
    ['the day', 'daily_quota_exceeded', 'quota_daily', new Date('2026-01-31T00:00:00Z')],
    ['the month', 'monthly_quota_exceeded', 'quota_monthly', new Date('2026-02-01T00:00:00Z')],
  ];
  it.each(quotas)(
    'a quota of %s makes the sender wait for the next one, says so, and then goes on',
    async (_title, name, code, until) => {
      await mailing();
      const server = await resend((nth) =>
        nth === 1 ? resendRefusal(429, name, 'You have reached your quota.') : 'take',
      );
      await server.pass();
      expect(await waitOf()).toMatchObject({ waitCode: code, waitsUntil: until });
      expect((await onlyRun()).status).toBe('open');
      clock.set(new Date(until.getTime() - 60_000));
      await server.pass();
      expect(server.asked).toHaveLength(1);
      clock.set(until);
      expect(await server.pass()).toMatchObject({ sent: 3, remaining: 0 });
      expect(new Set(await tries())).toEqual(new Set([1]));
      expect(server.taken.sort()).toEqual(everyone());
    },
  );

  it('a quota met while a batch is in doubt keeps the batch as it is', async () => {
    await mailing();
    const server = await resend((nth) => {
      if (nth === 1) return { takeBut: html };
      return nth === 2 ? resendRefusal(429, 'daily_quota_exceeded') : 'take';
    });
    await server.pass();
    later(20);
    await server.pass();
    expect(server.asked).toHaveLength(2);
    expect(await hasEnded()).toBe(false);
    clock.set(new Date('2026-01-31T00:05:00Z'));
    await server.pass();
    expect(await ends()).toEqual(['sent', 'sent', 'sent']);
    expect(server.taken.sort()).toEqual(everyone());
    expect(new Set(server.asked.map((each) => each.octets)).size).toBe(1);
  });

  it('a key that is refused stops all sending with the reason, and a mended one goes on', async () => {
    await mailing();
    const server = await resend((nth) =>
      nth === 1 ? resendRefusal(401, 'invalid_api_key', 'API key is invalid') : 'take',
    );
    await server.pass();
    expect(await waitOf()).toMatchObject({ waitCode: 'key_refused' });
    expect((await waitOf())?.waitResponse).toContain('API key is invalid');
    later(20);
    await server.pass();
    expect(await ends()).toEqual(['sent', 'sent', 'sent']);
  });

  it('a host that can not be reached leaves no letter in doubt', async () => {
    await mailing();
    const server = await resend();
    server.close();
    await server.pass();
    expect(await waitOf()).toMatchObject({ waitCode: 'unreachable' });
    expect(await db.select().from(attempts)).toEqual([]);
  });
});

describe('letters refused among others', () => {
  const isInvalid = (address: string) => /^c(2|5|10)@/.test(address);
  const expected = Array.from({ length: 12 }, (_, index) =>
    [2, 5, 10].includes(index + 1) ? 'failed refused' : 'sent',
  );

  it('the refused clients are the right ones, each with the reason; the others have their letter and its id', async () => {
    await mailing(12);
    const server = await resend(undefined, { isInvalid });
    expect(await server.pass()).toMatchObject({ sent: 9, failed: 3, remaining: 0 });
    expect(await ends()).toEqual(expected);
    for (const address of server.taken)
      expect(await attemptsOf(address)).toEqual([
        { status: 'success', code: 200, response: server.idOf(address) },
      ]);
    expect(await attemptsOf('c5@shop.test')).toEqual([
      { status: 'failure', code: 422, response: 'Invalid `to` field.' },
    ]);
    expect((await onlyRun()).status).toBe('partly_done');
  });

  it('a batch refused as a whole for one bad address: the others get theirs, once', async () => {
    await mailing(12);
    const server = await resend(undefined, { isInvalid, isStrict: true });
    expect(await server.pass()).toMatchObject({ sent: 9, failed: 3, remaining: 0 });
    expect(await ends()).toEqual(expected);
    expect(server.taken).toHaveLength(9);
  });

  it('a batch refused as a whole, and then an answer lost: no client gets two, none is forgotten', async () => {
    await mailing(12);
    const server = await resend((nth) => (nth === 5 ? { takeBut: 'cut' } : 'take'), {
      isInvalid,
      isStrict: true,
    });
    await server.pass();
    later(20);
    await server.pass();
    expect(await ends()).toEqual(expected);
    expect(server.taken).toHaveLength(9);
    expect(new Set(server.taken).size).toBe(9);
  });

  it('example addresses are kept back, and the rest of the batch has its own answers', async () => {
    await createClient(db, actor, { email: 'demo@demo.example' });
    await mailing(3);
    const server = await resend();
    expect(await server.pass()).toMatchObject({ sent: 3, failed: 1 });
    expect(await ends()).toEqual(['failed refused', 'sent', 'sent', 'sent']);
    for (const address of everyone())
      expect((await attemptsOf(address)).at(-1)?.response).toBe(server.idOf(address));
  });

  it('an example address in a batch whose answer is lost does not keep the batch from being repeated', async () => {
    await createClient(db, actor, { email: 'demo@demo.example' });
    await mailing(3);
    const server = await resend((nth) => (nth === 1 ? { takeBut: 'cut' } : 'take'));
    await server.pass();
    later(20);
    await server.pass();
    expect(await ends()).toEqual(['failed refused', 'sent', 'sent', 'sent']);
    expect(server.asked[1]?.octets).toBe(server.asked[0]?.octets);
    expect(server.taken.sort()).toEqual(everyone());
  });
});
