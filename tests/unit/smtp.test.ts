import type { Socket } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { SmtpSettings } from '@/lib/email/connection';
import type { Letter, SendResult, Transport } from '@/lib/email/letter';
import { smtpTransport } from '@/lib/email/smtp';
import { type Script, type ScriptedServer, scriptedSmtp } from '../support/scripted-smtp';

const ending: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function serve(script: Script = {}): Promise<ScriptedServer> {
  const server = await scriptedSmtp(script);
  ending.push(server.close);
  return server;
}

function client(port: number, settings: Partial<SmtpSettings> = {}): Transport {
  const transport = smtpTransport('smtp:test', {
    host: '127.0.0.1',
    port,
    implicitTls: false,
    tls: 'required',
    user: null,
    password: null,
    connections: 1,
    timeoutMs: 400,
    ...settings,
  });
  ending.push(() => transport.close());
  return transport;
}

/** The server warns that its certificate is not secret: that is what these tests are about. */
function expectPublicCertificate() {
  vi.spyOn(console, 'error').mockImplementation(() => {});
}

function letter(to: string, text = 'Hello\n'): Letter {
  return {
    deliveryId: 1,
    ownerId: 1,
    from: { name: 'Ann', address: 'ann@mail.org' },
    to: { name: '', address: to },
    replyTo: null,
    subject: 'Subject',
    html: '<p>Hello</p>',
    text,
    headers: [],
    messageId: `${to}.1@mail.org`,
    date: new Date(0),
  };
}
const letters = (count: number) =>
  Array.from({ length: count }, (_, index) => letter(`c${index + 1}@mail.org`));
const outcomes = (results: SendResult[]) =>
  results.map((result) =>
    result.outcome === 'refused' ? `${result.outcome} ${result.scope}` : result.outcome,
  );

describe('letters that arrive', () => {
  test('every letter of a send arrives once, whole, over connections that are reused', async () => {
    const server = await serve();
    const transport = client(server.port, { connections: 3 });
    const results = await transport.send(letters(200));
    expect(new Set(outcomes(results))).toEqual(new Set(['accepted']));
    expect(new Set(server.recipients).size).toBe(200);
    expect(server.letters).toHaveLength(200);
    await transport.send(letters(50));
    expect(server.connections()).toBeLessThanOrEqual(3);
    expect(results[0]).toMatchObject({ code: 250, response: '250 2.0.0 taken', stage: 'dot' });
  });

  test('a server without PIPELINING is asked one command at a time', async () => {
    const server = await serve({ ehlo: '250 plain' });
    expect(outcomes(await client(server.port).send(letters(5)))).toEqual(Array(5).fill('accepted'));
  });

  test('a line that is only a dot does not end the letter', async () => {
    const server = await serve();
    const text = '.\n..two\n.\nend\n.';
    await client(server.port).send([letter('a@mail.org', text), letter('b@mail.org', text)]);
    expect(server.letters).toHaveLength(2);
    for (const raw of server.letters) expect((await PostalMime.parse(raw)).text?.trim()).toBe(text);
  });

  test('several sends at once share the connections', async () => {
    const server = await serve();
    const transport = client(server.port, { connections: 2 });
    const results = await Promise.all([
      transport.send(letters(40)),
      transport.send(letters(40)),
      transport.send(letters(40)),
    ]);
    expect(results.flat().every((result) => result.outcome === 'accepted')).toBe(true);
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  test('a real server takes letters with sign-in over STARTTLS', async () => {
    const taken: string[] = [];
    expectPublicCertificate();
    const server = new SMTPServer({
      authMethods: ['PLAIN', 'LOGIN'],
      onAuth: ({ username, password }, _session, done) =>
        username === 'ann' && password === 'p@ss'
          ? done(null, { user: 'ann' })
          : done(new Error('Wrong password')),
      onData(stream, session, done) {
        stream.resume();
        stream.on('end', () => {
          taken.push(session.envelope.rcptTo[0]?.address ?? '');
          done(null, 'kept');
        });
      },
    });
    server.on('error', () => {});
    const port = await new Promise<number>((resolve) => {
      const listener = server.listen(0, '127.0.0.1', () => {
        const address = listener.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    ending.push(() => new Promise<void>((resolve) => server.close(resolve)));
    const transport = client(port, { user: 'ann', password: 'p@ss', timeoutMs: 5000, connections: 2 });
    expect(await transport.ready()).toBeNull();
    expect(outcomes(await transport.send(letters(20)))).toEqual(Array(20).fill('accepted'));
    expect(taken).toHaveLength(20);

    const wrong = client(port, { user: 'ann', password: 'wrong', timeoutMs: 5000 });
    const trouble = await wrong.ready();
    expect(trouble).toMatchObject({ waitCode: 'auth_refused' });
    expect(trouble?.response).toMatch(/^535/);
    expect(outcomes(await wrong.send(letters(3)))).toEqual(['refused sender', 'untried', 'untried']);
  });
});

describe('what concerns one letter delays no other', () => {
  test('a recipient refused for good at RCPT, among others that are taken', async () => {
    const server = await serve({
      on: { rcpt: ({ line }) => (line.includes('c2@') ? '550 5.1.1 no such user' : '250 ok') },
    });
    const results = await client(server.port).send(letters(4));
    expect(outcomes(results)).toEqual(['accepted', 'refused recipient', 'accepted', 'accepted']);
    expect(results[1]).toMatchObject({
      lasting: true,
      code: 550,
      response: '550 5.1.1 no such user',
      stage: 'rcpt',
    });
    expect(server.recipients).toEqual(['c1@mail.org', 'c3@mail.org', 'c4@mail.org']);
  });

  test('a refused recipient where DATA is refused too', async () => {
    const server = await serve({
      on: {
        rcpt: ({ line }) => (line.includes('c1@') ? '450 4.2.1 greylisted' : '250 ok'),
        data: ({ n }) => (n === 1 ? '554 5.5.1 no valid recipients' : '354 go'),
      },
    });
    const results = await client(server.port).send(letters(2));
    expect(results[0]).toMatchObject({ scope: 'recipient', lasting: false, code: 450 });
    expect(outcomes(results)[1]).toBe('accepted');
    expect(server.recipients).toEqual(['c2@mail.org']);
  });

  test('a letter refused at the final dot, for now or for good', async () => {
    const server = await serve({
      on: { dot: ({ n }) => (n === 1 ? '451 4.3.0 later' : n === 2 ? '554 5.6.0 spam' : '250 ok') },
    });
    const results = await client(server.port).send(letters(3));
    expect(results[0]).toMatchObject({ scope: 'recipient', lasting: false, code: 451, stage: 'dot' });
    expect(results[1]).toMatchObject({ scope: 'recipient', lasting: true, code: 554, stage: 'dot' });
    expect(outcomes(results)[2]).toBe('accepted');
  });

  test('a letter larger than the server takes is refused without being sent', async () => {
    const server = await serve({ ehlo: '250-big\r\n250-PIPELINING\r\n250 SIZE 2000' });
    const results = await client(server.port).send([
      letter('a@mail.org', 'x'.repeat(5000)),
      letter('b@mail.org'),
    ]);
    expect(outcomes(results)).toEqual(['refused recipient', 'accepted']);
    expect(server.commands.some((line) => line.includes('a@mail.org'))).toBe(false);
  });

  test('addresses that end in .example are never handed over', async () => {
    const server = await serve();
    const results = await client(server.port).send([letter('demo@shop.example'), letter('a@mail.org')]);
    expect(results[0]).toMatchObject({
      outcome: 'refused',
      scope: 'recipient',
      lasting: true,
      stage: 'policy',
    });
    expect(server.recipients).toEqual(['a@mail.org']);
  });

  test.each(['a@b.org>\r\nRCPT TO:<x@y.org', 'two@a.org,b@c.org', 'no address', 'a b@c.org'])(
    'what is no address never reaches the server: %j',
    async (to) => {
      const server = await serve();
      expect(await client(server.port).send([letter(to)])).toMatchObject([
        { outcome: 'refused', stage: 'policy', lasting: true },
      ]);
      expect(server.connections()).toBe(0);
    },
  );

  test('an address with letters beyond ASCII goes only to a server that takes it', async () => {
    const plain = await serve();
    expect(outcomes(await client(plain.port).send([letter('почта@пример.рф')]))).toEqual([
      'refused recipient',
    ]);
    const able = await serve({ ehlo: '250-able\r\n250-PIPELINING\r\n250 SMTPUTF8' });
    expect(outcomes(await client(able.port).send([letter('почта@пример.рф')]))).toEqual(['accepted']);
    expect(Buffer.from(able.recipients[0] ?? '', 'latin1').toString('utf8')).toBe(
      'почта@xn--e1afmkfd.xn--p1ai',
    );
  });
});

describe('what concerns the sender stops the rest, and costs no letter a try', () => {
  const cases: [string, Script, string, number | null][] = [
    ['421 in place of a greeting', { greeting: '421 4.7.0 too many connections' }, 'slow_down', 421],
    ['554 in place of a greeting', { greeting: '554 no service here' }, 'greeting_refused', 554],
    ['a web server', { greeting: 'HTTP/1.1 400 Bad Request' }, 'garbage', null],
    ['EHLO refused', { on: { ehlo: () => '550 go away' } }, 'greeting_refused', 550],
    ['MAIL refused for good', { on: { mail: () => '553 5.7.1 not your address' } }, 'sender_refused', 553],
    ['MAIL refused for now', { on: { mail: () => '451 4.3.0 busy' } }, 'server_error', 451],
    ['sign-in demanded', { on: { mail: () => '530 5.7.0 sign in first' } }, 'auth_refused', 530],
    ['too fast', { on: { rcpt: () => '450 4.7.1 rate limit exceeded' } }, 'slow_down', 450],
    ['421 at the final dot', { on: { dot: () => '421 4.3.2 shutting down' } }, 'slow_down', 421],
  ];
  test.each(cases)('%s', async (_title, script, waitCode, code) => {
    const server = await serve(script);
    const results = await client(server.port).send(letters(3));
    expect(outcomes(results)).toEqual(['refused sender', 'untried', 'untried']);
    expect(results[0]).toMatchObject({ waitCode, code });
    expect(server.letters).toEqual([]);
  });

  test('nobody listens', async () => {
    const server = await serve();
    await server.close();
    const transport = client(server.port);
    expect(await transport.ready()).toMatchObject({ waitCode: 'unreachable' });
    expect(outcomes(await transport.send(letters(2)))).toEqual(['refused sender', 'untried']);
  });

  test('421 in the middle of a run: what was taken stays taken, the rest waits', async () => {
    const server = await serve({ on: { mail: ({ n }) => (n > 3 ? '421 4.7.0 slow down' : '250 ok') } });
    const results = await client(server.port).send(letters(6));
    expect(outcomes(results)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'refused sender',
      'untried',
      'untried',
    ]);
    expect(results[3]).toMatchObject({ waitCode: 'slow_down' });
  });

  test('a server that lets each connection carry a few letters only is given fresh ones', async () => {
    let carried = 0;
    const server = await serve({
      on: {
        ehlo: () => {
          carried = 0;
          return '250-few\r\n250 PIPELINING';
        },
        mail: ({ socket }) => {
          if (++carried <= 3) return '250 ok';
          socket.end('421 enough for this connection\r\n');
          return undefined;
        },
      },
    });
    expect(outcomes(await client(server.port).send(letters(10)))).toEqual(Array(10).fill('accepted'));
    expect(server.recipients).toHaveLength(10);
  });

  test('a server that takes only two connections is given two', async () => {
    let open = 0;
    const server = await serve({
      greeting: (socket) => {
        if (open >= 2) {
          socket.end('421 4.7.0 too many connections\r\n');
          return;
        }
        open++;
        socket.on('close', () => open--);
        socket.write('220 welcome\r\n');
      },
    });
    const transport = client(server.port, { connections: 8 });
    const results = await transport.send(letters(300));
    expect(results.every((result) => result.outcome === 'accepted')).toBe(true);
    expect(new Set(server.recipients).size).toBe(300);
  });

  test('the password was refused: it stands nowhere in what is kept', async () => {
    const server = await serve({
      ehlo: '250-x\r\n250 AUTH PLAIN',
      on: { auth: () => '535 5.7.8 hunter2 is not the password' },
    });
    const trouble = await client(server.port, { user: 'ann', password: 'hunter2' }).ready();
    expect(trouble?.waitCode).toBe('auth_refused');
    expect(trouble?.response).toBe('535 5.7.8 … is not the password');
  });

  test('LOGIN is used where there is no PLAIN, and other ways are named', async () => {
    let step = 0;
    const reply = () => (step++ < 2 ? '334 VXNlcm5hbWU6' : '235 ok');
    const server = await serve({
      ehlo: '250-x\r\n250-PIPELINING\r\n250 AUTH LOGIN',
      on: { auth: reply, other: reply },
    });
    expect(await client(server.port, { user: 'ann', password: 'secret' }).ready()).toBeNull();
    expect(server.commands.slice(1, 4)).toEqual(['AUTH LOGIN', 'YW5u', 'c2VjcmV0']);
    const odd = await serve({ ehlo: '250-x\r\n250 AUTH XOAUTH2' });
    expect(await client(odd.port, { user: 'ann', password: 'secret' }).ready()).toEqual({
      waitCode: 'auth_not_offered',
      response: 'the server offers only XOAUTH2',
    });
  });

  test('encryption that fails after STARTTLS', async () => {
    const server = await serve({
      ehlo: '250-x\r\n250 STARTTLS',
      on: {
        starttls: ({ socket }) => {
          socket.write('220 go\r\n');
          setImmediate(() => socket.destroy());
          return undefined;
        },
      },
    });
    expect(await client(server.port).ready()).toMatchObject({ waitCode: 'tls_failed' });
    const refusing = await serve({
      ehlo: '250-x\r\n250 STARTTLS',
      on: { starttls: () => '454 4.7.0 not now' },
    });
    expect(await client(refusing.port).ready()).toMatchObject({ waitCode: 'slow_down' });
  });

  test('words put in behind the answer to STARTTLS are not believed', async () => {
    const server = await serve({
      ehlo: '250-x\r\n250 STARTTLS',
      on: { starttls: () => '220 go\r\n250-evil\r\n250 AUTH PLAIN' },
    });
    expect(await client(server.port).ready()).toMatchObject({ waitCode: 'tls_failed' });
  });

  test('a certificate nobody vouches for is refused', async () => {
    expectPublicCertificate();
    const server = new SMTPServer({ secure: true });
    server.on('error', () => {});
    const port = await new Promise<number>((resolve) => {
      const listener = server.listen(0, '127.0.0.1', () => {
        const address = listener.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    ending.push(() => new Promise<void>((resolve) => server.close(resolve)));
    expect(await client(port, { implicitTls: true, timeoutMs: 5000 }).ready()).toMatchObject({
      waitCode: 'tls_failed',
    });
  });
});

describe('a conversation that breaks', () => {
  test('dropped at DATA: nothing was handed over, the letter goes on a fresh connection', async () => {
    const server = await serve({
      on: {
        data: ({ n, socket }) => {
          if (n !== 3) return '354 go';
          socket.destroy();
          return undefined;
        },
      },
    });
    expect(outcomes(await client(server.port).send(letters(5)))).toEqual(Array(5).fill('accepted'));
    expect(server.recipients.toSorted()).toEqual([
      'c1@mail.org',
      'c2@mail.org',
      'c3@mail.org',
      'c4@mail.org',
      'c5@mail.org',
    ]);
  });

  test('dropped at DATA every time: the sender waits', async () => {
    const server = await serve({
      on: {
        data: ({ socket }) => {
          socket.destroy();
          return undefined;
        },
      },
    });
    const results = await client(server.port).send(letters(3));
    expect(outcomes(results)).toEqual(['refused sender', 'untried', 'untried']);
    expect(results[0]).toMatchObject({ waitCode: 'server_error', code: null });
  });

  test('dropped after the final dot: that letter is unknown and never sent again, the others arrive', async () => {
    const seen: string[] = [];
    const server = await serve({
      on: {
        dot: ({ n, line, socket }) => {
          seen.push(/To: (\S+)/.exec(line)?.[1] ?? '');
          if (n !== 2) return '250 ok';
          socket.destroy();
          return undefined;
        },
      },
    });
    const results = await client(server.port).send(letters(4));
    expect(outcomes(results)).toEqual(['accepted', 'unknown', 'accepted', 'accepted']);
    expect(seen).toEqual(['c1@mail.org', 'c2@mail.org', 'c3@mail.org', 'c4@mail.org']);
  });

  test('a server that drops every connection after the dot is not fed the whole list', async () => {
    const server = await serve({
      on: {
        dot: ({ socket }) => {
          socket.destroy();
          return undefined;
        },
      },
    });
    const results = await client(server.port).send(letters(20));
    expect(results.filter((result) => result.outcome === 'unknown')).toHaveLength(3);
    expect(results.filter((result) => result.outcome === 'untried')).toHaveLength(16);
  });

  test('half an answer to the final dot is no answer', async () => {
    const server = await serve({
      on: {
        dot: ({ socket }) => {
          socket.write('250 2.0');
          setTimeout(() => socket.destroy(), 20);
          return undefined;
        },
      },
    });
    expect(outcomes(await client(server.port).send(letters(1)))).toEqual(['unknown']);
  });

  test('silence after the final dot is unknown, and what is behind it waits', async () => {
    const server = await serve({ on: { dot: () => undefined } });
    const results = await client(server.port, { timeoutMs: 60 }).send(letters(3));
    expect(outcomes(results)).toEqual(['unknown', 'refused sender', 'untried']);
    expect(results[1]).toMatchObject({ waitCode: 'timeout' });
  });

  test('silence before it is safe', async () => {
    const server = await serve({
      on: { mail: () => undefined, rcpt: () => undefined, data: () => undefined },
    });
    const results = await client(server.port, { timeoutMs: 60 }).send(letters(2));
    expect(outcomes(results)).toEqual(['refused sender', 'untried']);
    expect(results[0]).toMatchObject({ waitCode: 'timeout', stage: 'mail' });
  });

  test('one octet at a time does not outlast the timeout', async () => {
    const server = await serve({
      greeting: (socket) => {
        const text = '220 very slow\r\n';
        let at = 0;
        const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), 50);
        socket.on('close', () => clearInterval(timer));
      },
    });
    const began = Date.now();
    expect(await client(server.port, { timeoutMs: 300 }).ready()).toMatchObject({ waitCode: 'timeout' });
    expect(Date.now() - began).toBeLessThan(1500);
  });

  test('garbage after the final dot is unknown; garbage before it is the sender’s trouble', async () => {
    const after = await serve({ on: { dot: () => '\u0001\u0002 what?' } });
    expect(outcomes(await client(after.port).send(letters(1)))).toEqual(['unknown']);
    const before = await serve({ on: { mail: () => 'what?' } });
    expect(outcomes(await client(before.port).send(letters(1)))).toEqual(['refused sender']);
  });

  test('an answer of a megabyte is read, cut to size, and does no harm', async () => {
    const server = await serve({
      on: {
        rcpt: () => `550 ${'x'.repeat(1_000_000)}`,
        mail: () => `${'250-more\r\n'.repeat(50_000)}250 ok`,
      },
    });
    const [result] = await client(server.port, { timeoutMs: 5000 }).send(letters(1));
    expect(result).toMatchObject({ outcome: 'refused', scope: 'recipient', code: 550 });
    expect(result && 'response' in result ? result.response.length : 0).toBeLessThanOrEqual(2000);
    const endless = await serve({ greeting: (socket) => void socket.write('220-x\r\n'.repeat(1_000_000)) });
    expect(await client(endless.port, { timeoutMs: 10_000 }).ready()).toMatchObject({ waitCode: 'garbage' });
  });

  test('a connection that the server closed while it rested is replaced silently', async () => {
    const server = await serve();
    const transport = client(server.port);
    await transport.send(letters(2));
    server.disconnect();
    expect(outcomes(await transport.send(letters(2)))).toEqual(['accepted', 'accepted']);
    expect(server.connections()).toBe(2);
  });

  test('the signal stops letters whose turn has not come', async () => {
    const stop = new AbortController();
    const server = await serve({
      on: {
        dot: ({ n }) => {
          if (n === 3) stop.abort();
          return '250 ok';
        },
      },
    });
    const results = await client(server.port).send(letters(10), { signal: stop.signal });
    expect(outcomes(results).filter((outcome) => outcome === 'untried').length).toBeGreaterThanOrEqual(5);
    expect(results.filter((result) => result.outcome === 'accepted')).toHaveLength(server.letters.length);
  });
});

describe('a letter that is announced behind the one before', () => {
  const verbs = (octets: string) => octets.split('\r\n').map((line) => line.slice(0, 4));

  test('its commands arrive with that one’s content, while letters wait', async () => {
    const behind: string[] = [];
    const server = await serve({
      on: {
        dot: (context) => {
          behind.push(context.behind);
          return '250 ok';
        },
      },
    });
    expect(outcomes(await client(server.port).send(letters(5)))).toEqual(Array(5).fill('accepted'));
    expect(behind.slice(0, 3).map(verbs)).toEqual(Array(3).fill(['MAIL', 'RCPT', 'DATA', '']));
    expect(behind[0]).toContain('<c2@mail.org>');
    expect(behind.slice(3)).toEqual(['', '']);
    expect(server.recipients).toEqual(letters(5).map(({ to }) => to.address));
    expect(server.connections()).toBe(1);
  });

  test('nothing is announced to a server without PIPELINING', async () => {
    const behind: string[] = [];
    const server = await serve({
      ehlo: '250 plain',
      on: {
        dot: (context) => {
          behind.push(context.behind);
          return '250 ok';
        },
      },
    });
    expect(outcomes(await client(server.port).send(letters(5)))).toEqual(Array(5).fill('accepted'));
    expect(behind).toEqual(Array(5).fill(''));
  });

  test('a letter too large for the server, or to an address it can not take, is passed over', async () => {
    const server = await serve({ ehlo: '250-big\r\n250-PIPELINING\r\n250 SIZE 2000' });
    const results = await client(server.port).send([
      letter('a@mail.org'),
      letter('b@mail.org', 'x'.repeat(5000)),
      letter('почта@пример.рф'),
      letter('c@mail.org'),
      letter('d@mail.org'),
      letter('e@mail.org'),
    ]);
    expect(outcomes(results)).toEqual([
      'accepted',
      'refused recipient',
      'refused recipient',
      'accepted',
      'accepted',
      'accepted',
    ]);
    expect(server.commands.filter((line) => line.startsWith('MAIL'))).toHaveLength(4);
    expect(server.recipients).toEqual(['a@mail.org', 'c@mail.org', 'd@mail.org', 'e@mail.org']);
  });

  test('a letter that can not be written fails its own send, and no other', async () => {
    const server = await serve();
    const transport = client(server.port);
    const broken: Letter = {
      ...letter('broken@mail.org'),
      writeMime: () => {
        throw new Error('no such template');
      },
    };
    const [before, failed, after] = await Promise.allSettled([
      transport.send(letters(3)),
      transport.send([broken]),
      transport.send(letters(3)),
    ]);
    expect(failed).toMatchObject({ status: 'rejected', reason: new Error('no such template') });
    for (const send of [before, after])
      expect(send.status === 'fulfilled' && outcomes(send.value)).toEqual(Array(3).fill('accepted'));
    expect(server.recipients).toHaveLength(6);
    expect(server.connections()).toBe(1);
  });

  test('its recipient is refused: an empty letter to nobody ends it, and the next one goes', async () => {
    const server = await serve({
      on: { rcpt: ({ line }) => (line.includes('c2@') ? '550 5.1.1 no such user' : '250 ok') },
    });
    const results = await client(server.port).send(letters(6));
    expect(outcomes(results)).toEqual(['accepted', 'refused recipient', ...Array(4).fill('accepted')]);
    expect(server.recipients).toEqual([1, 3, 4, 5, 6].map((n) => `c${n}@mail.org`));
    expect(server.connections()).toBe(1);
    expect(server.unfinished).toEqual([]);
  });

  test.each([
    ['451 4.3.0 later', false],
    ['554 5.6.0 spam', true],
  ])('%s to the letter before does not concern it', async (answer, lasting) => {
    const server = await serve({ on: { dot: ({ n }) => (n === 2 ? answer : '250 ok') } });
    const results = await client(server.port).send(letters(6));
    expect(outcomes(results)).toEqual(['accepted', 'refused recipient', ...Array(4).fill('accepted')]);
    expect(results[1]).toMatchObject({ lasting, response: answer, stage: 'dot' });
    expect(server.recipients).toEqual([1, 3, 4, 5, 6].map((n) => `c${n}@mail.org`));
    expect(server.connections()).toBe(1);
  });

  const noAnswer: [string, Script][] = [
    [
      'a connection that is dropped',
      {
        on: {
          dot: ({ n, socket }) => {
            if (n !== 2) return '250 ok';
            socket.destroy();
            return undefined;
          },
        },
      },
    ],
    ['garbage', { on: { dot: ({ n }) => (n === 2 ? '\u0001 what?' : '250 ok') } }],
    ['an answer out of place', { on: { dot: ({ n }) => (n === 2 ? '354 go on' : '250 ok') } }],
    [
      'half an answer',
      {
        on: {
          dot: ({ n, socket }) => {
            if (n !== 2) return '250 ok';
            socket.end('250 2.0');
            return undefined;
          },
        },
      },
    ],
  ];
  test.each(noAnswer)(
    '%s in place of the dot’s answer leaves the letter before unknown; it goes on a fresh connection',
    async (_title, script) => {
      const server = await serve(script);
      const results = await client(server.port).send(letters(6));
      expect(outcomes(results)).toEqual(['accepted', 'unknown', ...Array(4).fill('accepted')]);
      expect(server.recipients.filter((to) => to !== 'c2@mail.org')).toEqual(
        [1, 3, 4, 5, 6].map((n) => `c${n}@mail.org`),
      );
      expect(server.connections()).toBe(2);
      expect(server.unfinished.filter((said) => said !== '')).toEqual([]);
    },
  );

  test('421 at the dot before it: it is not tried, and nothing is said that could be its content', async () => {
    const server = await serve({
      on: { dot: ({ n }) => (n === 2 ? '421 4.3.2 shutting down' : '250 ok') },
    });
    const results = await client(server.port).send(letters(6));
    expect(outcomes(results)).toEqual(['accepted', 'refused sender', ...Array(4).fill('untried')]);
    expect(results[1]).toMatchObject({ waitCode: 'slow_down', stage: 'dot' });
    await vi.waitFor(() => expect(server.unfinished).toEqual(['']));
    expect(server.recipients).toEqual(['c1@mail.org']);
  });

  test('MAIL refused for now concerns the sender', async () => {
    const server = await serve({ on: { mail: ({ n }) => (n === 3 ? '451 4.3.0 busy' : '250 ok') } });
    const results = await client(server.port).send(letters(6));
    expect(outcomes(results)).toEqual([
      'accepted',
      'accepted',
      'refused sender',
      ...Array(3).fill('untried'),
    ]);
    expect(results[2]).toMatchObject({ waitCode: 'server_error', code: 451, stage: 'mail' });
  });

  test('MAIL refused for good is asked once more in the ordinary way, and then concerns the sender', async () => {
    const server = await serve({
      on: { mail: ({ n }) => (n >= 3 ? '553 5.7.1 not your address' : '250 ok') },
    });
    const results = await client(server.port).send(letters(6));
    expect(outcomes(results)).toEqual([
      'accepted',
      'accepted',
      'refused sender',
      ...Array(3).fill('untried'),
    ]);
    expect(results[2]).toMatchObject({ waitCode: 'sender_refused', code: 553 });
    expect(server.commands.filter((line) => line.includes('c3@'))).toHaveLength(2);
    expect(server.commands.some((line) => line.includes('c4@'))).toBe(false);
  });

  /** Servers that can not take what stands behind a final dot. */
  const losing: [string, () => Script][] = [
    [
      'loses it',
      () => ({
        on: {
          dot: ({ loseBehind }) => {
            loseBehind();
            return '250 ok';
          },
        },
      }),
    ],
    [
      'hangs up',
      () => {
        let early = false;
        return {
          on: {
            dot: ({ behind }) => {
              early = behind !== '';
              return '250 ok';
            },
            mail: ({ socket }) => {
              if (!early) return '250 ok';
              early = false;
              socket.destroy();
              return undefined;
            },
          },
        };
      },
    ],
    [
      'refuses it',
      () => {
        let early = false;
        const unless = (refusal: string, otherwise: string) => () => (early ? refusal : otherwise);
        return {
          on: {
            ehlo: () => {
              early = false;
              return '250-strict\r\n250 PIPELINING';
            },
            dot: ({ behind }) => {
              early = behind !== '';
              return '250 ok';
            },
            mail: unless('554 5.5.0 improper pipelining', '250 ok'),
            rcpt: unless('503 5.5.1 no MAIL', '250 ok'),
            data: unless('503 5.5.1 no RCPT', '354 go'),
          },
        };
      },
    ],
  ];
  test.each(losing)('a server that %s is announced no more letters, and gets them all', async (_, script) => {
    const server = await serve(script());
    const transport = client(server.port, { timeoutMs: 400 });
    expect(outcomes(await transport.send(letters(10)))).toEqual(Array(10).fill('accepted'));
    expect(outcomes(await transport.send(letters(10)))).toEqual(Array(10).fill('accepted'));
    expect(server.recipients).toHaveLength(20);
    expect(new Set(server.recipients).size).toBe(10);
    expect(server.connections()).toBe(2);
  });

  /** The second letter's dot gets no answer, or one too many, and the server goes on as if nothing was. */
  const shifted: [string, () => Script, string][] = [
    ['no answer', () => ({ on: { dot: ({ n }) => (n === 2 ? '' : '250 ok') } }), 'accepted'],
    [
      'no answer, and the next letter is refused',
      () => ({
        on: {
          dot: ({ n }) => (n === 2 ? '' : '250 ok'),
          rcpt: ({ line }) => (line.includes('c3@') ? '550 5.1.1 no such user' : '250 ok'),
          data: ({ n }) => (n === 3 ? '503 5.5.1 nobody to send to' : '354 go on'),
        },
      }),
      'refused recipient',
    ],
    [
      'no answer, and only the MAIL behind it is answered',
      () => {
        let isSilent = false;
        const unlessSilent = (words: string) => () => (isSilent ? undefined : words);
        return {
          on: {
            ehlo: () => {
              isSilent = false;
              return '250-short\r\n250 PIPELINING';
            },
            mail: () => '250 ok',
            dot: ({ n }) => {
              if (n !== 2) return '250 ok';
              isSilent = true;
              return '';
            },
            rcpt: unlessSilent('250 ok'),
            data: unlessSilent('354 go on'),
          },
        };
      },
      'accepted',
    ],
    [
      'two answers',
      () => ({ on: { dot: ({ n }) => (n === 2 ? '451 4.3.0 later\r\n250 ok' : '250 ok') } }),
      'accepted',
    ],
  ];
  test.each(shifted)(
    'where a dot gets %s, no answer is taken for another’s: that letter is unknown',
    async (_title, script, third) => {
      const server = await serve(script());
      const transport = client(server.port);
      const results = await transport.send(letters(6));
      expect(outcomes(results)).toEqual(['accepted', 'unknown', third, ...Array(3).fill('accepted')]);
      expect(results[1]).toMatchObject({ stage: 'dot', response: expect.stringContaining('other commands') });
      const expected = [1, 3, 4, 5, 6]
        .filter((n) => n !== 3 || third === 'accepted')
        .map((n) => `c${n}@mail.org`);
      expect(server.recipients).toEqual(expected);
      expect(server.unfinished.filter((said) => said !== '')).toEqual([]);
      // It may do so again: nothing stands behind a dot any more.
      expect(outcomes(await transport.send(letters(2)))).toEqual(['accepted', 'accepted']);
      expect(server.connections()).toBe(2);
    },
  );

  test.each([
    ['answers late', '250 late'],
    ['never answers', null],
  ])('one announced on a connection that %s goes over another, and only there', async (_title, late) => {
    let release = () => {};
    let announced = '';
    const server = await serve({
      on: {
        dot: ({ behind, socket }) => {
          if (announced !== '' || behind === '') return '250 ok';
          announced = /RCPT TO:<(.*)>/.exec(behind)?.[1] ?? '';
          return new Promise((answer) => {
            release = () => (late === null ? socket.destroy() : answer(late));
          });
        },
      },
    });
    const transport = client(server.port, { connections: 3, timeoutMs: 10_000 });
    const sending = transport.send(letters(40));
    await vi.waitFor(() => expect(server.recipients).toHaveLength(39));
    expect(announced).not.toBe('');
    expect(server.recipients).toContain(announced);
    release();
    const results = await sending;
    expect(outcomes(results).filter((outcome) => outcome === 'accepted')).toHaveLength(late ? 40 : 39);
    const others = Array.from({ length: 60 }, (_, index) => letter(`other${index}@mail.org`));
    await transport.send(others);
    expect(server.recipients).toHaveLength(late ? 100 : 99);
    expect(new Set(server.recipients).size).toBe(server.recipients.length);
    await vi.waitFor(() => expect(server.unfinished).toEqual(late ? [''] : []));
  });

  test.each([
    ['granted', false],
    ['never answered', true],
  ])('stopped while the dot’s answer is awaited, it is not handed over where it is %s', async (_, loses) => {
    const stop = new AbortController();
    const server = await serve({
      on: {
        dot: ({ n, loseBehind }) => {
          if (n !== 2) return '250 ok';
          stop.abort();
          if (loses) loseBehind();
          return '250 ok';
        },
      },
    });
    const transport = client(server.port);
    const results = await transport.send(letters(6), { signal: stop.signal });
    expect(outcomes(results)).toEqual(['accepted', 'accepted', ...Array(4).fill('untried')]);
    await vi.waitFor(() => expect(server.unfinished).toEqual(loses ? [] : ['']));
    expect(outcomes(await transport.send([letter('later@mail.org')]))).toEqual(['accepted']);
    expect(server.recipients).toEqual(['c1@mail.org', 'c2@mail.org', 'later@mail.org']);
    expect(server.connections()).toBe(2);
  });

  test('whatever a server does, each letter has one outcome, and it is true', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = randomFrom(seed);
      const taken = new Map<string, number>();
      const recipients = new Map<unknown, string>();
      const mishap =
        (well: string, mishaps: string[]) =>
        ({ socket }: { socket: Socket }): string | undefined => {
          if (random() > 0.04) return well;
          const what = mishaps[Math.floor(random() * mishaps.length)] ?? 'drop';
          if (what !== 'drop') return what;
          socket.destroy();
          return undefined;
        };
      const dot = mishap('250 ok', ['drop', '451 later', '554 spam', '421 4.3.2 bye', 'what?', '354 go']);
      const server = await serve({
        on: {
          mail: mishap('250 ok', ['drop', '552 too big', 'what?', '421 enough', '550 no']),
          rcpt: (context) => {
            recipients.set(context.socket, /<(.*)>/.exec(context.line)?.[1] ?? '');
            return mishap('250 ok', ['drop', '550 nobody', '450 later', 'what?'])(context);
          },
          data: mishap('354 go', ['drop', '451 later', '554 no']),
          dot: async (context) => {
            if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 4));
            const to = recipients.get(context.socket) ?? '';
            const said = context.line === '' ? '554 nobody' : (dot(context) ?? '');
            if (!said.startsWith('250')) return said;
            taken.set(to, (taken.get(to) ?? 0) + 1);
            if (random() < 0.02) context.socket.destroy();
            return said;
          },
        },
      });
      const transport = client(server.port, { connections: 1 + (seed % 4), timeoutMs: 5000 });
      const stop = new AbortController();
      if (seed % 5 === 0) setTimeout(() => stop.abort(), random() * 10);
      const sent = letters(60);
      const results = await transport.send(sent, { signal: stop.signal });
      expect(results).toHaveLength(60);
      for (const [index, { outcome }] of results.entries()) {
        const times = taken.get(sent[index]?.to.address ?? '') ?? 0;
        const right = outcome === 'accepted' ? [1] : outcome === 'unknown' ? [0, 1] : [0];
        expect(right, `seed ${seed}, letter ${index + 1}, ${outcome}`).toContain(times);
      }
      await transport.close();
      expect(server.unfinished.filter((said) => said !== '' && !said.startsWith('QUIT'))).toEqual([]);
    }
  }, 30_000);
});

/** Numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
