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
