import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Letter, SendResult } from '@/lib/email/letter';
import { resendTransport } from '@/lib/email/resend';
import { compileLetter } from '@/lib/sending/compose';
import { type Answer, type Reaction, resendRefusal as refusal, resendSink } from '../support/resend-sink';
import { unprepared } from '../support/unprepared';

const ending: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});
const now = new Date(Date.UTC(2026, 10, 21, 22, 0, 0));

async function serve(options: Parameters<typeof resendSink>[0] = {}, timeoutMs = 20_000) {
  const sink = await resendSink(options);
  ending.push(sink.close);
  const settings = { apiKey: 're_test', baseUrl: sink.url, timeoutMs };
  const transport = resendTransport('resend:test', settings, { now: () => now });
  return { asked: sink.asked, taken: sink.taken, sink, transport };
}
const always = (reaction: Reaction) => ({ react: () => reaction });

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

describe('letters through Resend', () => {
  test('a batch goes with its key, and each letter gets the id it was given', async () => {
    const { transport, asked } = await serve();
    const results = await transport.send(three, { idempotencyKey: 'key-1' });
    expect(results).toMatchObject([{ response: 'id-1' }, { response: 'id-2' }, { response: 'id-3' }]);
    expect(asked).toMatchObject([
      { key: 'key-1', validation: 'permissive', authorization: 'Bearer re_test' },
    ]);
    expect(asked[0]?.emails[0]).toEqual({
      from: '"Ann, Ltd" <ann@mail.org>',
      to: ['a@mail.org'],
      subject: 'Subject Bcc: x@y.z',
      html: '<p>Hello</p>',
      text: 'Hello',
      reply_to: 'ann@shop.org',
      headers: { 'List-Unsubscribe': '<https://mail.org/u>' },
    });
  });

  test('the same letters are the same bytes and the same digest', async () => {
    const { transport, asked } = await serve();
    await transport.send(three, { idempotencyKey: 'k' });
    await transport.send(three, { idempotencyKey: 'k' });
    expect(asked[0]?.octets).toBe(asked[1]?.octets);
    expect(transport.digest(three)).toBe(transport.digest([...three]));
    expect(transport.digest(three)).not.toBe(transport.digest(three.slice(1)));
  });

  test('a letter of a run arrives word for word, whatever stands in it, and a change of a word changes the digest', async () => {
    const { transport, asked } = await serve();
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('Привет 👋 "\\\u2028</p>', '\ud83d'),
    );
    const cases = fc.record({ words: text, name: text, other: text, opened: fc.constant(now) });
    await fc.assert(
      fc.asyncProperty(cases, async ({ words, name, other }) => {
        const run = compileLetter({
          id: 1,
          ownerId: 1,
          mailingId: 1,
          subject: 'Привет, {{ client.full_name }}',
          body: `<p>${words.replace(/[<>&{}]/g, '')} {{ client.full_name | default: "друг" }}</p>`,
          fromName: 'Анна',
          fromEmail: 'ann@mail.org',
          replyTo: 'ann@shop.org',
          linkBase: 'https://mail.org',
          locale: 'ru',
          openedAt: now,
        });
        const one = run.compose({ id: 7, email: 'a@mail.org', fullName: name });
        asked.length = 0;
        await transport.send([one]);
        const [sent] = asked[0]?.emails ?? [];
        expect(sent?.html).toBe(one.html);
        expect(sent?.text).toBe(one.text);
        expect(sent?.tags).toEqual([{ name: 'letter', value: one.tag }]);
        await transport.send([unprepared(one)]);
        expect(asked[1]?.emails[0]).toEqual(sent);
        const changed = run.compose({ id: 7, email: 'a@mail.org', fullName: other });
        expect(transport.digest([changed]) === transport.digest([one])).toBe(changed.html === one.html);
      }),
      { numRuns: 40 },
    );
  }, 30_000);

  test('several batches are in flight at once, over connections that are kept', async () => {
    const { transport, asked } = await serve();
    await Promise.all(['k1', 'k2', 'k3'].map((idempotencyKey) => transport.send(three, { idempotencyKey })));
    expect(asked.map((each) => each.key).sort()).toEqual(['k1', 'k2', 'k3']);
  });

  test('letters refused among others are the right ones', async () => {
    const { transport } = await serve({ isInvalid: (address) => address === 'b@mail.org' });
    const results = await transport.send(three);
    expect(outcomes(results)).toEqual(['accepted', 'refused recipient', 'accepted']);
    expect(results).toMatchObject([
      { response: 'id-1' },
      { lasting: true, response: 'Invalid `to` field.' },
      { response: 'id-2' },
    ]);
  });

  test('errors that point at no letter of the batch leave it in doubt', async () => {
    const body = JSON.stringify({ data: [{ id: 'x' }, { id: 'y' }], errors: [{ index: 9, message: 'no' }] });
    const { transport } = await serve(always({ body }));
    expect(outcomes(await transport.send(three))).toEqual(Array(3).fill('unknown'));
  });

  test('a batch refused as a whole for one letter is handed over in parts, and the others get theirs', async () => {
    const { transport, asked } = await serve({
      isInvalid: (address) => address === 'b@mail.org',
      isStrict: true,
    });
    const results = await transport.send(three, { idempotencyKey: 'k' });
    expect(outcomes(results)).toEqual(['accepted', 'refused recipient', 'accepted']);
    // Each part has the same key whenever the batch is repeated.
    expect(asked.map((each) => each.key)).toEqual(['k', 'k/0-2', 'k/0-1', 'k/1-2', 'k/2-3']);
  });

  test('a part without an answer leaves the whole batch in doubt; repeated, each letter is taken once', async () => {
    const { transport, taken } = await serve({
      isInvalid: (address) => address === 'b@mail.org',
      isStrict: true,
      react: (_, nth) => (nth === 5 ? { takeBut: 'cut' } : 'take'),
    });
    expect(outcomes(await transport.send(three, { idempotencyKey: 'k' }))).toEqual(Array(3).fill('unknown'));
    const again = await transport.send(three, { idempotencyKey: 'k' });
    expect(outcomes(again)).toEqual(['accepted', 'refused recipient', 'accepted']);
    expect(taken).toEqual(['a@mail.org', 'c@mail.org']);
  });

  test('a part that comes too fast waits as long as Resend asks', async () => {
    const tooFast = { ...refusal(429, 'rate_limit_exceeded'), headers: { 'retry-after': '1' } };
    const { transport, taken } = await serve({
      isInvalid: (address) => address === 'b@mail.org',
      isStrict: true,
      react: (_, nth) => (nth === 4 ? tooFast : 'take'),
    });
    const results = await transport.send(three, { idempotencyKey: 'k' });
    expect(outcomes(results)).toEqual(['accepted', 'refused recipient', 'accepted']);
    expect(taken).toEqual(['a@mail.org', 'c@mail.org']);
  });

  test('addresses that end in .example are never handed over', async () => {
    const { transport, asked } = await serve();
    const results = await transport.send([letter('x@shop.example'), letter('a@mail.org')]);
    expect(results).toMatchObject([{ outcome: 'refused', stage: 'policy' }, { outcome: 'accepted' }]);
    expect(asked[0]?.emails).toHaveLength(1);
  });

  test('nothing is handed over after the signal to stop', async () => {
    const { transport, asked } = await serve();
    expect(outcomes(await transport.send(three, { signal: AbortSignal.abort() }))).toEqual(
      Array(3).fill('untried'),
    );
    expect(asked).toEqual([]);
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
    ['a sender address that is refused', refusal(422, 'invalid_from_address'), 'sender_refused', undefined],
    ['a key that can not be read', refusal(400, 'invalid_idempotency_key'), 'server_error', undefined],
  ];
  test.each(sender)('%s makes the sender wait', async (_title, answer, waitCode, waitSeconds) => {
    const { transport } = await serve(always(answer));
    const results = await transport.send(three, { idempotencyKey: 'k' });
    expect(outcomes(results)).toEqual(Array(3).fill('refused sender'));
    expect(results[0]).toMatchObject({ waitCode, ...(waitSeconds === undefined ? {} : { waitSeconds }) });
  });

  const unsure: [string, Reaction][] = [
    ['500', refusal(500, 'internal_server_error')],
    [
      '502 in HTML',
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>bad gateway</html>' },
    ],
    ['500 with null', { status: 500, body: 'null' }],
    ['500 with a word', { status: 500, body: '"oops"' }],
    ['200 with null', { body: 'null' }],
    ['200 without ids', { body: '{}' }],
    ['200 with too few ids', { body: JSON.stringify({ data: [{ id: 'x' }] }) }],
    ['200 with garbage', { body: 'garbage' }],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:9/' } }],
    ['a cut connection', 'cut'],
    ['the same key at work elsewhere', refusal(409, 'concurrent_idempotent_requests')],
  ];
  test.each(unsure)('after %s nobody knows, and the same may be repeated', async (_title, answer) => {
    const { transport } = await serve(always(answer));
    const results = await transport.send(three, { idempotencyKey: 'k' });
    expect(outcomes(results)).toEqual(Array(3).fill('unknown'));
    expect(results.every((result) => 'mayRepeat' in result)).toBe(false);
  });

  test('no answer is waited for longer than the settings say', async () => {
    const { transport } = await serve(always('hang'), 300);
    const from = performance.now();
    expect(outcomes(await transport.send(three, { idempotencyKey: 'k' }))).toEqual(Array(3).fill('unknown'));
    expect(performance.now() - from).toBeLessThan(10_000);
  });

  test('the same key with other bytes is refused: nobody knows, and it may not be repeated', async () => {
    const { transport } = await serve();
    await transport.send(three, { idempotencyKey: 'k' });
    const results = await transport.send(three.slice(1), { idempotencyKey: 'k' });
    expect(results).toMatchObject(Array(2).fill({ outcome: 'unknown', mayRepeat: false }));
  });

  test('a host that takes no connections is found out before anything is handed over', async () => {
    const { transport, sink } = await serve();
    expect(await transport.ready()).toBeNull();
    sink.close();
    expect(await transport.ready()).toMatchObject({ waitCode: 'unreachable' });
  });

  test('a host that was lost while sending is looked for again', async () => {
    const { transport, sink } = await serve();
    await transport.send(three);
    expect(await transport.ready()).toBeNull();
    sink.close();
    expect(outcomes(await transport.send(three))).toEqual(Array(3).fill('unknown'));
    expect(await transport.ready()).toMatchObject({ waitCode: 'unreachable' });
  });
});

describe('the rate that Resend announces', () => {
  test.each<[string, Record<string, string>, number | null]>([
    ['nothing', {}, null],
    ['five a second', { 'ratelimit-limit': '5', 'ratelimit-remaining': '4', 'ratelimit-reset': '1' }, 5],
    ['two a second, by its policy', { 'ratelimit-limit': '100', 'ratelimit-policy': '100;w=50' }, 2],
    ['the strictest of two', { 'ratelimit-limit': '10, 10;w=1, 120;w=60' }, 2],
    ['what makes no sense', { 'ratelimit-limit': 'many', 'ratelimit-policy': '0;w=0' }, null],
  ])('%s', async (_title, headers, rate) => {
    const { transport } = await serve({ headers });
    expect(transport.requestsPerSecond?.()).toBeNull();
    await transport.send(three);
    expect(transport.requestsPerSecond?.()).toBe(rate);
  });

  test('is learned from a refusal too, and kept when an answer is silent about it', async () => {
    const tooFast = { ...refusal(429, 'rate_limit_exceeded'), headers: { 'ratelimit-limit': '2' } };
    const { transport } = await serve({ react: (_, nth) => (nth === 1 ? tooFast : 'take') });
    await transport.send(three);
    await transport.send(three);
    expect(transport.requestsPerSecond?.()).toBe(2);
  });

  test('is used less and less fully while requests at that rate are refused, and fully again after many that are not', async () => {
    let isStrict = true;
    const tooFast = { ...refusal(429, 'rate_limit_exceeded'), headers: { 'ratelimit-limit': '10' } };
    const { transport } = await serve({
      headers: { 'ratelimit-limit': '10' },
      react: (_, nth) => (isStrict && nth > 1 ? tooFast : 'take'),
    });
    const rates: number[] = [];
    for (let n = 0; n < 15; n += 1) {
      await transport.send(three);
      rates.push(transport.requestsPerSecond?.() ?? 0);
    }
    expect(rates.slice(0, 3)).toEqual([10, 9.8, 9.6]);
    expect(rates.at(-1)).toBe(8);
    isStrict = false;
    await transport.send(three);
    expect(transport.requestsPerSecond?.()).toBeCloseTo(8.002);
  });
});
