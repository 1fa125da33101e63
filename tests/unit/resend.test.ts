import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { Letter, SendResult } from '@/lib/email/letter';
import { resendTransport } from '@/lib/email/resend';

const ending: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

type Asked = {
  key: string | undefined;
  validation: string | undefined;
  octets: string;
  emails: { to: string[] }[];
};
type Answer = { status?: number; headers?: Record<string, string>; body?: string } | 'hang' | 'cut';
const now = new Date(Date.UTC(2026, 10, 21, 22, 0, 0));

/** A server in Resend's place that answers as told. */
async function serve(answer: (asked: Asked, nth: number) => Answer) {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let octets = '';
    request.on('data', (chunk) => {
      octets += chunk;
    });
    request.on('end', () => {
      const header = (name: string) => [request.headers[name]].flat()[0];
      const seen = {
        key: header('idempotency-key'),
        validation: header('x-batch-validation'),
        octets,
        emails: JSON.parse(octets) as { to: string[] }[],
      };
      asked.push(seen);
      const said = answer(seen, asked.length);
      if (said === 'cut') request.socket.destroy();
      else if (said !== 'hang') {
        response.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers });
        response.end(
          said.body ?? JSON.stringify({ data: seen.emails.map((_, index) => ({ id: `id-${index + 1}` })) }),
        );
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ending.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const settings = { apiKey: 're_test', baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 300 };
  return { asked, server, transport: resendTransport('resend:test', settings, { now: () => now }) };
}

const letter = (to: string): Letter => ({
  deliveryId: 1,
  ownerId: 1,
  from: { name: 'Ann, Ltd', address: 'ann@mail.org' },
  to: { name: 'Bob', address: to },
  replyTo: 'ann@shop.org',
  subject: 'Subject\r\nBcc: x@y.z',
  html: '<p>Hello</p>',
  text: 'Hello',
  headers: [['List-Unsubscribe', '<https://mail.org/u>']],
  messageId: '1@mail.org',
  date: new Date(0),
});
const three = ['a@mail.org', 'b@mail.org', 'c@mail.org'].map(letter);
const outcomes = (results: SendResult[]) =>
  results.map((result) =>
    result.outcome === 'refused' ? `${result.outcome} ${result.scope}` : result.outcome,
  );
const refusal = (status: number, name: string, message = 'no') => ({
  status,
  body: JSON.stringify({ statusCode: status, name, message }),
});

describe('letters through Resend', () => {
  test('a batch goes with its key, and each letter gets the id it was given', async () => {
    const { transport, asked } = await serve(() => ({}));
    const results = await transport.send(three, { idempotencyKey: 'key-1' });
    expect(results).toMatchObject([{ response: 'id-1' }, { response: 'id-2' }, { response: 'id-3' }]);
    expect(asked).toMatchObject([{ key: 'key-1', validation: 'permissive' }]);
    expect(JSON.parse(asked[0]?.octets ?? '')[0]).toMatchObject({
      from: '"Ann, Ltd" <ann@mail.org>',
      to: ['a@mail.org'],
      subject: 'Subject Bcc: x@y.z',
      reply_to: 'ann@shop.org',
      headers: { 'List-Unsubscribe': '<https://mail.org/u>' },
    });
  });

  test('the same letters are the same bytes and the same digest', async () => {
    const { transport, asked } = await serve(() => ({}));
    await transport.send(three, { idempotencyKey: 'k' });
    await transport.send(three, { idempotencyKey: 'k' });
    expect(asked[0]?.octets).toBe(asked[1]?.octets);
    expect(transport.digest(three)).toBe(transport.digest([...three]));
    expect(transport.digest(three)).not.toBe(transport.digest(three.slice(1)));
  });

  test('letters refused among others are the right ones', async () => {
    const { transport } = await serve(() => ({
      body: JSON.stringify({
        data: [{ id: 'x' }, { id: 'z' }],
        errors: [{ index: 1, message: 'Invalid `to`' }],
      }),
    }));
    const results = await transport.send(three);
    expect(outcomes(results)).toEqual(['accepted', 'refused recipient', 'accepted']);
    expect(results).toMatchObject([
      { response: 'x' },
      { lasting: true, response: 'Invalid `to`' },
      { response: 'z' },
    ]);
  });

  test('a batch refused as a whole for one letter is handed over in parts, and the others get theirs', async () => {
    const { transport, asked } = await serve(({ emails }) =>
      emails.some((email) => email.to.includes('b@mail.org'))
        ? refusal(422, 'validation_error', 'Invalid `to`')
        : {},
    );
    const results = await transport.send(three, { idempotencyKey: 'k' });
    expect(outcomes(results)).toEqual(['accepted', 'refused recipient', 'accepted']);
    // Each part has the same key whenever the batch is repeated.
    expect(asked.map((each) => each.key)).toEqual(['k', 'k/0-2', 'k/0-1', 'k/1-2', 'k/2-3']);
  });

  test('addresses that end in .example are never handed over', async () => {
    const { transport, asked } = await serve(() => ({}));
    const results = await transport.send([letter('x@shop.example'), letter('a@mail.org')]);
    expect(results).toMatchObject([{ outcome: 'refused', stage: 'policy' }, { outcome: 'accepted' }]);
    expect(asked[0]?.emails).toHaveLength(1);
  });

  const sender: [string, Answer, string, number | undefined][] = [
    [
      '429 with retry-after',
      { ...refusal(429, 'rate_limit_exceeded'), headers: { 'retry-after': '7' } },
      'slow_down',
      7,
    ],
    ['the daily quota', refusal(429, 'daily_quota_exceeded'), 'quota_daily', 2 * 3600],
    ['the monthly quota', refusal(429, 'monthly_quota_exceeded'), 'quota_monthly', (9 * 24 + 2) * 3600],
    ['a key that is refused', refusal(401, 'invalid_api_key'), 'key_refused', undefined],
    ['a key that may not send', refusal(403, 'restricted_api_key'), 'key_refused', undefined],
    [
      'a domain that is not verified',
      refusal(403, 'validation_error', 'The mail.org domain is not verified.'),
      'sender_refused',
      undefined,
    ],
    [
      'a key that Resend does not understand',
      refusal(400, 'invalid_idempotency_key'),
      'server_error',
      undefined,
    ],
  ];
  test.each(sender)('%s makes the sender wait', async (_title, answer, waitCode, waitSeconds) => {
    const { transport } = await serve(() => answer);
    const results = await transport.send(three, { idempotencyKey: 'k' });
    expect(outcomes(results)).toEqual(Array(3).fill('refused sender'));
    expect(results[0]).toMatchObject({ waitCode, ...(waitSeconds === undefined ? {} : { waitSeconds }) });
  });

  const unsure: [string, Answer][] = [
    ['500', refusal(500, 'internal_server_error')],
    [
      '502 in HTML',
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>bad gateway</html>' },
    ],
    ['500 with null', { status: 500, body: 'null' }],
    ['500 with a word', { status: 500, body: '"oops"' }],
    ['200 without ids', { body: '{}' }],
    ['200 with too few ids', { body: JSON.stringify({ data: [{ id: 'x' }] }) }],
    ['200 with garbage', { body: 'garbage' }],
    ['a cut connection', 'cut'],
    ['no answer at all', 'hang'],
    ['the same key at work elsewhere', refusal(409, 'concurrent_idempotent_requests')],
    ['the same key with other bytes', refusal(409, 'invalid_idempotent_request')],
  ];
  test.each(unsure)('after %s nobody knows', async (_title, answer) => {
    const { transport } = await serve(() => answer);
    expect(outcomes(await transport.send(three, { idempotencyKey: 'k' }))).toEqual(Array(3).fill('unknown'));
  });

  test('a host that takes no connections is found out before anything is handed over', async () => {
    const { transport, server } = await serve(() => ({}));
    expect(await transport.ready()).toBeNull();
    await new Promise((resolve) => server.close(resolve));
    expect(await transport.ready()).toMatchObject({ waitCode: 'unreachable' });
  });
});
