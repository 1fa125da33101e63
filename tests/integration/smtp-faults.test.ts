import type net from 'node:net';
import { eq, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import { attempts, deliveries, runs, transports } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import type { SmtpSettings } from '@/lib/email/connection';
import type { Transport } from '@/lib/email/letter';
import { smtpTransport } from '@/lib/email/smtp';
import { parseEnv } from '@/lib/env';
import type { Actor } from '@/lib/policy/rules';
import { sendDueMailings } from '@/lib/sending/engine';
import { asActor, createClient, createMailing, createUser } from '../support/factories';
import { type Script, type ScriptedServer, scriptedSmtp } from '../support/scripted-smtp';

/*
 * What the engine makes of each way in which a mail server can misbehave: real sockets, the real client, the real ledger.
 */

const start = new Date('2026-01-05T09:00:00Z');
const name = 'smtp:test';
const password = 'hunter2-and-more';

let actor: Actor;
let clock: ReturnType<typeof fixedClock>;
const ending: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
  actor = asActor(await createUser(db));
  clock = fixedClock(start);
});
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function serve(script: Script): Promise<ScriptedServer> {
  const server = await scriptedSmtp(script);
  ending.push(server.close);
  return server;
}

function client(server: ScriptedServer, settings: Partial<SmtpSettings> = {}): Transport {
  const transport = smtpTransport(name, {
    host: '127.0.0.1',
    port: server.port,
    implicitTls: false,
    tls: 'required',
    user: null,
    password: null,
    connections: 2,
    timeoutMs: 10_000,
    ...settings,
  });
  ending.push(() => transport.close());
  return transport;
}

/** A mailing that is due, to `c1@mail.org`, `c2@mail.org` and so on. */
async function mailTo(howMany: number): Promise<string[]> {
  const addresses = Array.from({ length: howMany }, (_, index) => `c${index + 1}@mail.org`);
  for (const email of addresses) await createClient(db, actor, { email });
  await createMailing(db, actor);
  return addresses;
}

const pass = (transport: Transport, random = 0.999) =>
  sendDueMailings({
    clock,
    deadline: new Date('2999-01-01'),
    transport,
    settings: parseEnv({ ...process.env }),
    random: () => random,
  });

const later = (seconds: number) => clock.set(new Date(clock.now().getTime() + seconds * 1000));
const days = (n: number) => n * 24 * 3600;

async function deliveryTo(email: string) {
  const [row] = await db.select().from(deliveries).where(eq(deliveries.email, email));
  if (!row) throw new Error(`no delivery to ${email}`);
  return row;
}
const statuses = async () =>
  Object.fromEntries((await db.select().from(deliveries)).map((row) => [row.email, row.status]));
const allAre = (addresses: string[], status: string) =>
  Object.fromEntries(addresses.map((address) => [address, status]));
const attemptsAt = async (email: string) =>
  db
    .select()
    .from(attempts)
    .where(eq(attempts.deliveryId, (await deliveryTo(email)).id))
    .orderBy(attempts.id);
const transportRow = async () =>
  (await db.select().from(transports).where(eq(transports.name, name)))[0] ?? null;
const onlyRun = async () => {
  const [run] = await db.select().from(runs);
  if (!run) throw new Error('no run');
  return run;
};
const secondsUntil = (at: Date | null) => ((at?.getTime() ?? Number.NaN) - clock.now().getTime()) / 1000;

const drop = ({ socket }: { socket: net.Socket }) => {
  socket.destroy();
  return undefined;
};
/** Says a line one character at a time, over and over. */
const drip = (line: string, everyMs: number) => (context: { socket: net.Socket }) => {
  let at = 0;
  const timer = setInterval(() => context.socket.write(line[at++ % line.length] ?? ''), everyMs);
  context.socket.on('close', () => clearInterval(timer));
  return undefined;
};

describe('an answer that concerns one client', () => {
  test('a refusal for good at RCPT is final, and the others get their letters in the same pass', async () => {
    const addresses = await mailTo(30);
    const server = await serve({
      on: { rcpt: ({ line }) => (line.includes('<c7@') ? '550 5.1.1 no such user' : '250 ok') },
    });
    const transport = client(server);
    expect(await pass(transport)).toMatchObject({
      claimed: 30,
      sent: 29,
      failed: 1,
      retried: 0,
      remaining: 0,
    });
    expect(await statuses()).toEqual({ ...allAre(addresses, 'sent'), 'c7@mail.org': 'failed' });
    expect(await deliveryTo('c7@mail.org')).toMatchObject({ reason: 'refused', tries: 1 });
    expect(await attemptsAt('c7@mail.org')).toMatchObject([
      { status: 'failure', code: 550, response: '550 5.1.1 no such user', stage: 'rcpt' },
    ]);
    expect((await onlyRun()).status).toBe('partly_done');
    expect((await transportRow())?.waitsUntil ?? null).toBeNull();
    later(days(30));
    expect((await pass(transport)).claimed).toBe(0);
    expect(server.commands.filter((line) => line.startsWith('RCPT'))).toHaveLength(30);
  });

  test('a refusal for now is tried again at growing distances that differ, until the tries are used up', async () => {
    await mailTo(3);
    const server = await serve({
      on: { rcpt: ({ line }) => (line.includes('<c2@') ? '450 4.2.0 mailbox busy' : '250 ok') },
    });
    const transport = client(server);
    expect(await pass(transport)).toMatchObject({ sent: 2, retried: 1, failed: 0, remaining: 1 });
    const waits: number[] = [];
    for (const random of [0, 0.999, 0, 0.999]) {
      const { status, nextTryAt } = await deliveryTo('c2@mail.org');
      expect(status).toBe('queued');
      waits.push(Math.round(secondsUntil(nextTryAt)));
      later(secondsUntil(nextTryAt) - 1);
      expect((await pass(transport)).claimed).toBe(0);
      later(1);
      expect((await pass(transport, random)).claimed).toBe(1);
    }
    // Base 60 s, doubling; between half of it and all of it by chance.
    expect(waits).toEqual([60, 60, 240, 240]);
    expect(await deliveryTo('c2@mail.org')).toMatchObject({
      status: 'failed',
      reason: 'tries_used',
      tries: 5,
    });
    expect((await attemptsAt('c2@mail.org')).map(({ status, code }) => [status, code])).toEqual(
      Array(5).fill(['failure', 450]),
    );
    expect(server.recipients.toSorted()).toEqual(['c1@mail.org', 'c3@mail.org']);
  });

  test('a server that lets nobody in the first time gets each letter at the second', async () => {
    const addresses = await mailTo(12);
    const seen = new Set<string>();
    const server = await serve({
      on: {
        rcpt: ({ line }) => {
          if (seen.has(line)) return '250 ok';
          seen.add(line);
          return '450 4.7.1 Greylisted, please try again in 5 minutes';
        },
      },
    });
    const transport = client(server);
    expect(await pass(transport)).toMatchObject({ sent: 0, retried: 12, remaining: 12 });
    expect((await transportRow())?.waitsUntil ?? null).toBeNull();
    expect((await pass(transport)).claimed).toBe(0);
    later(61);
    expect(await pass(transport)).toMatchObject({ sent: 12, remaining: 0 });
    expect(server.recipients.toSorted()).toEqual(addresses.toSorted());
    expect((await attemptsAt('c5@mail.org')).map(({ status }) => status)).toEqual(['failure', 'success']);
    expect((await onlyRun()).status).toBe('done');
  });

  test('what is refused at the final dot concerns that letter: for now it is tried again, for good it is not', async () => {
    const addresses = await mailTo(10);
    const server = await serve({
      on: {
        dot: ({ line }) => {
          if (line.includes('To: Grace Hopper <c3@')) return '554 5.6.0 looks like spam';
          return line.includes('To: Grace Hopper <c4@') && clock.now() < new Date(start.getTime() + 60_000)
            ? '451 4.3.0 try later'
            : '250 ok';
        },
      },
    });
    const transport = client(server);
    expect(await pass(transport)).toMatchObject({ sent: 8, failed: 1, retried: 1, remaining: 1 });
    later(60);
    expect(await pass(transport)).toMatchObject({ sent: 1, remaining: 0 });
    expect(await statuses()).toEqual({ ...allAre(addresses, 'sent'), 'c3@mail.org': 'failed' });
    expect(await attemptsAt('c3@mail.org')).toMatchObject([{ status: 'failure', code: 554, stage: 'dot' }]);
    expect(await attemptsAt('c4@mail.org')).toMatchObject([
      { status: 'failure', code: 451, stage: 'dot' },
      { status: 'success' },
    ]);
  });

  test('an answer of a megabyte fails one client, is cut to size, and delays nobody', async () => {
    const addresses = await mailTo(5);
    const server = await serve({
      on: {
        rcpt: ({ line }) =>
          line.includes('<c2@') ? `${'550-no\r\n'.repeat(60_000)}550 ${'x'.repeat(600_000)}` : '250 ok',
      },
    });
    expect(await pass(client(server))).toMatchObject({ sent: 4, failed: 1, remaining: 0 });
    expect(await statuses()).toEqual({ ...allAre(addresses, 'sent'), 'c2@mail.org': 'failed' });
    const [attempt] = await attemptsAt('c2@mail.org');
    expect(attempt).toMatchObject({ status: 'failure', code: 550 });
    expect(attempt?.response.length).toBeLessThanOrEqual(2000);
  });
});

describe('an answer that concerns the sender: everything waits, nobody loses a try, and then it goes on', () => {
  type Case = {
    title: string;
    /** What the server does while it is sick. */
    sick: Script;
    code: string;
    /** Letters that are taken all the same. */
    taken?: number;
    settings?: Partial<SmtpSettings>;
    ehlo?: string;
    /** Letters that end as `unknown`. */
    unknown?: number;
  };
  let letters = 0;
  const signIn = { settings: { user: 'ann', password }, ehlo: '250-x\r\n250-PIPELINING\r\n250 AUTH PLAIN' };
  const cases: Case[] = [
    {
      title: '421 in place of a greeting',
      sick: { greeting: '421 4.7.0 too many of you' },
      code: 'slow_down',
    },
    {
      title: '421 in the middle of a run',
      sick: { on: { mail: () => (++letters > 4 ? '421 4.7.0 slow down' : '250 ok') } },
      code: 'slow_down',
      taken: 4,
    },
    {
      title: 'MAIL refused for now',
      sick: { on: { mail: () => '451 4.3.0 no room' } },
      code: 'server_error',
    },
    {
      title: 'MAIL refused for good',
      sick: { on: { mail: () => '553 5.7.1 not your address' } },
      code: 'sender_refused',
    },
    {
      title: 'a sign-in that is refused',
      sick: { on: { auth: () => `535 5.7.8 ${password} is wrong` } },
      code: 'auth_refused',
      ...signIn,
    },
    {
      title: 'a sign-in that is refused in the middle of a run',
      sick: {
        on: {
          auth: ({ connection }) => (connection === 1 ? '235 ok' : '535 5.7.8 the password was changed'),
          mail: ({ socket }) => {
            if (++letters <= 4) return '250 ok';
            socket.end('421 4.3.2 closing\r\n');
            return undefined;
          },
        },
      },
      code: 'auth_refused',
      taken: 4,
      ...signIn,
      settings: { ...signIn.settings, connections: 1 },
    },
    {
      title: 'sign-in demanded all at once',
      sick: { on: { mail: () => (++letters > 4 ? '530 5.7.0 sign in first' : '250 ok') } },
      code: 'auth_refused',
      taken: 4,
    },
    {
      title: 'encryption that fails',
      sick: {
        on: {
          starttls: ({ socket }) => {
            socket.write('220 go\r\n');
            setImmediate(() => socket.destroy());
            return undefined;
          },
        },
      },
      ehlo: '250-x\r\n250-PIPELINING\r\n250 STARTTLS',
      code: 'tls_failed',
    },
    {
      title: 'the connection dropped at DATA every time',
      sick: { on: { data: drop } },
      code: 'server_error',
    },
    { title: 'a greeting that is no SMTP', sick: { greeting: 'HTTP/1.1 400 Bad Request' }, code: 'garbage' },
    { title: 'garbage in the middle of a run', sick: { on: { rcpt: () => 'what?' } }, code: 'garbage' },
    {
      title: 'a greeting of many megabytes',
      sick: { greeting: (socket) => void socket.write('220-x\r\n'.repeat(700_000)) },
      code: 'garbage',
    },
    {
      title: 'silence',
      sick: { on: { mail: () => undefined, rcpt: () => undefined, data: () => undefined } },
      code: 'timeout',
      settings: { timeoutMs: 150 },
    },
    {
      title: 'a greeting that drips one character at a time',
      sick: { greeting: (socket) => void drip('220-very slow\r\n', 20)({ socket }) },
      code: 'timeout',
      settings: { timeoutMs: 200 },
    },
    {
      title: 'an answer to MAIL that drips one character at a time',
      sick: { on: { mail: drip('250-very slow\r\n', 20), rcpt: () => undefined, data: () => undefined } },
      code: 'timeout',
      settings: { timeoutMs: 200 },
    },
    {
      title: 'silence after a final dot',
      sick: { on: { dot: () => undefined } },
      code: 'timeout',
      settings: { timeoutMs: 60, connections: 1 },
      unknown: 1,
    },
    {
      title: 'an answer to the final dot that drips one character at a time',
      sick: { on: { dot: drip('250-very slow\r\n', 20) } },
      code: 'timeout',
      settings: { timeoutMs: 60, connections: 1 },
      unknown: 1,
    },
  ];

  test.each(cases)(
    '$title',
    async ({ sick, code, taken = 0, unknown = 0, settings, ehlo = '250-x\r\n250 PIPELINING' }) => {
      letters = 0;
      const addresses = await mailTo(20);
      let isSick = true;
      const { greeting = '220 welcome' } = sick;
      const server = await serve({
        greeting: (socket, connection) => {
          const said = isSick ? greeting : '220 welcome';
          if (typeof said === 'function') said(socket, connection);
          else socket.write(`${said}\r\n`);
        },
        on: {
          // This one can not really encrypt: when it is well, it does not offer to.
          ehlo: () => (isSick ? ehlo : ehlo.replace('STARTTLS', 'SIZE')),
          ...Object.fromEntries(
            Object.entries(sick.on ?? {}).map(([verb, answer]): [string, typeof answer] => [
              verb,
              (context) => (isSick ? answer(context) : wellAnswers[verb]),
            ]),
          ),
        },
      });
      const transport = client(server, settings);

      const counts = await pass(transport);
      // The other half of the engine's window may have begun in the same moment.
      const lost = counts.unknown;
      expect(lost).toBeGreaterThanOrEqual(unknown);
      expect(lost).toBeLessThanOrEqual(unknown * 2);
      expect(counts).toMatchObject({ sent: taken, failed: 0, retried: 0, remaining: 20 - taken - lost });
      const waiting = await db.select().from(deliveries).where(eq(deliveries.status, 'queued'));
      expect(waiting).toHaveLength(20 - taken - lost);
      expect(waiting.filter(({ tries, nextTryAt }) => tries > 0 || secondsUntil(nextTryAt) > 0)).toEqual([]);
      const row = await transportRow();
      expect(row?.waitCode).toBe(code);
      expect(secondsUntil(row?.waitsUntil ?? null)).toBeGreaterThan(1);
      expect(JSON.stringify([row, await db.select().from(attempts)])).not.toContain(password);

      const asked = server.connections();
      later(secondsUntil(row?.waitsUntil ?? null) - 1);
      expect((await pass(transport)).claimed).toBe(0);
      expect(server.connections()).toBe(asked);

      isSick = false;
      later(1);
      let { sent, remaining } = await pass(transport);
      if (code === 'slow_down' && remaining > 0) {
        // The rate begins low and doubles each minute.
        later(20 * 60);
        const rest = await pass(transport);
        sent += rest.sent;
        remaining = rest.remaining;
      }
      expect(remaining).toBe(0);
      expect(sent).toBe(20 - taken - lost);
      expect((await transportRow())?.waitsUntil ?? null).toBeNull();
      expect(Object.values(await statuses()).filter((status) => status === 'sent')).toHaveLength(20 - lost);
      expect(new Set(server.recipients).size).toBe(server.recipients.length);
      expect(server.recipients).toHaveLength(20 - lost);
      expect(addresses).toEqual(expect.arrayContaining(server.recipients));
    },
  );

  const wellAnswers: Record<string, string> = {
    auth: '235 ok',
    data: '354 go on',
    mail: '250 ok',
    rcpt: '250 ok',
    dot: '250 ok',
  };
});

describe('a connection that breaks', () => {
  test('dropped at DATA, the letter goes once more in the same pass, and arrives once', async () => {
    const addresses = await mailTo(20);
    const server = await serve({
      on: { data: (context) => (context.n === 5 ? drop(context) : '354 go on') },
    });
    expect(await pass(client(server))).toMatchObject({ sent: 20, unknown: 0, retried: 0, remaining: 0 });
    expect(server.recipients.toSorted()).toEqual(addresses.toSorted());
    expect((await db.select().from(attempts)).map(({ status }) => status)).toEqual(Array(20).fill('success'));
  });

  test.each([
    ['dropped', drop],
    ['answered with garbage', () => '\u0001 what?'],
    [
      'answered by half',
      ({ socket }: { socket: net.Socket }) => {
        socket.end('250 2.0');
        return undefined;
      },
    ],
  ])(
    '%s after the final dot, the letter is unknown, is never sent again by itself, and delays nobody',
    async (_, react) => {
      const addresses = await mailTo(20);
      const handed: string[] = [];
      let victim = '';
      const server = await serve({
        on: {
          dot: (context) => {
            const to = /To: Grace Hopper <(\S+)>/.exec(context.line)?.[1] ?? '';
            handed.push(to);
            if (handed.length !== 5) return '250 ok';
            victim = to;
            return react(context);
          },
        },
      });
      const transport = client(server);
      expect(await pass(transport)).toMatchObject({ sent: 19, unknown: 1, retried: 0, remaining: 0 });
      expect(await statuses()).toEqual({ ...allAre(addresses, 'sent'), [victim]: 'unknown' });
      expect(await deliveryTo(victim)).toMatchObject({ reason: 'no_answer' });
      expect(await attemptsAt(victim)).toMatchObject([{ status: 'unknown', code: null, stage: 'dot' }]);
      expect((await onlyRun()).status).toBe('partly_done');
      later(days(30));
      expect((await pass(transport)).claimed).toBe(0);
      expect(handed.toSorted()).toEqual(addresses.toSorted());
    },
  );

  test('a server that breaks off after every final dot gets a handful of letters, not the list', async () => {
    await mailTo(40);
    const server = await serve({ on: { dot: drop } });
    const transport = client(server, { connections: 1 });
    const { unknown, sent, remaining } = await pass(transport);
    expect(sent).toBe(0);
    // Three in a row, and one more for each hand-over that began in the same moment.
    expect(unknown).toBeGreaterThanOrEqual(3);
    expect(unknown).toBeLessThanOrEqual(5);
    expect(remaining).toBe(40 - unknown);
    expect((await transportRow())?.waitCode).toBe('server_error');

    later(secondsUntil((await transportRow())?.waitsUntil ?? null));
    expect((await pass(transport)).unknown).toBeLessThanOrEqual(3);
  });
});
