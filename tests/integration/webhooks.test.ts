import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { db } from '@/db/client';
import { clients, suppressions } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { resendTransport } from '@/lib/email/resend';
import { parseEnv, SettingsError } from '@/lib/env';
import { sendDueMailings } from '@/lib/sending/engine';
import { createClient, createMailing, createUser, type UserRow } from '../support/factories';
import { resendSink } from '../support/resend-sink';

const key = randomBytes(24);
const secret = `whsec_${key.toString('base64')}`;
process.env.RESEND_WEBHOOK_SECRET = secret;
const { POST } = await import('@/app/api/webhooks/resend/route');

let owner: UserRow;
beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, batches, transports, engines cascade`);
  owner = await createUser(db, { email: 'ann@shop.test' });
});

const sign = (id: string, timestamp: string, body: string, by = key) =>
  `v1,${createHmac('sha256', by).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
const seconds = (offset = 0) => String(Math.floor(Date.now() / 1000) + offset);

type Call = { id?: string; timestamp?: string; signature?: string; headers?: Record<string, string> };

/** Calls the route as Resend does: signed over the very bytes of the body. */
function call(
  body: string,
  { id = `msg_${randomUUID()}`, timestamp = seconds(), signature, headers }: Call = {},
) {
  const signed = { 'svix-id': id, 'svix-timestamp': timestamp };
  return POST(
    new Request('http://localhost:3000/api/webhooks/resend', {
      method: 'POST',
      headers: headers ?? { ...signed, 'svix-signature': signature ?? sign(id, timestamp, body) },
      body,
    }),
  );
}

/** An event as Resend documents it, about the letter that carried these tags. */
const event = (type: string, tags: Record<string, string>, more: object = {}) =>
  JSON.stringify({
    type,
    created_at: '2026-11-22T23:41:12.126Z',
    data: {
      created_at: '2026-11-22T23:41:11.894719+00:00',
      email_id: '56761188-7520-42d8-8898-ff6fc54ce618',
      from: 'Ann <ann@shop.test>',
      to: ['reader@mail.test'],
      subject: 'News',
      tags,
      ...more,
    },
  });
const bounce = (tags: Record<string, string>, type = 'Permanent') =>
  event('email.bounced', tags, { bounce: { message: 'no such mailbox', subType: 'General', type } });
const complaint = (tags: Record<string, string>) => event('email.complained', tags);

/** Sends a letter through Resend and gives the tags that its events will carry. */
async function lettersTags(to: string, by = owner): Promise<Record<string, string>> {
  await createClient(db, by, { email: to });
  await createMailing(db, by, { startsAt: new Date('2026-01-05T09:00:00Z') });
  const sink = await resendSink();
  await sendDueMailings({
    clock: fixedClock(new Date('2026-01-05T09:00:00Z')),
    deadline: new Date('2999-01-01'),
    transport: resendTransport('resend:test', { apiKey: 're_test', baseUrl: sink.url, timeoutMs: 20_000 }),
    settings: parseEnv(process.env),
  });
  sink.close();
  const sent = sink.asked.flatMap((each) => each.emails).find((email) => email.to.includes(to));
  return Object.fromEntries((sent?.tags ?? []).map(({ name, value }) => [name, value]));
}

const suppressed = async (by = owner) =>
  (await db.select().from(suppressions).where(eq(suppressions.ownerId, by.id))).map(
    ({ emailKey, reason }) => [emailKey, reason],
  );

describe('news from Resend', () => {
  it('an address that bounced for good is never written to again, also when the client is made anew', async () => {
    const tags = await lettersTags('Reader@mail.test');
    expect((await call(bounce(tags))).status).toBe(200);
    expect(await suppressed()).toEqual([['reader@mail.test', 'bounced']]);
    await db.delete(clients);
    expect(await suppressed()).toEqual([['reader@mail.test', 'bounced']]);
    expect(await lettersTags('reader@mail.test')).toEqual({});
  });

  it('an address that complained is never written to again', async () => {
    const tags = await lettersTags('reader@mail.test');
    expect((await call(complaint(tags))).status).toBe(200);
    expect(await suppressed()).toEqual([['reader@mail.test', 'complained']]);
  });

  it('another owner of the same address is not touched', async () => {
    const other = await createUser(db, { email: 'bob@shop.test' });
    await createClient(db, other, { email: 'reader@mail.test' });
    await call(bounce(await lettersTags('reader@mail.test')));
    expect(await suppressed(other)).toEqual([]);
  });

  it.each(['Transient', 'Undetermined'])('a bounce that is %s changes nothing', async (type) => {
    const tags = await lettersTags('reader@mail.test');
    expect((await call(bounce(tags, type))).status).toBe(200);
    expect(await suppressed()).toEqual([]);
  });

  it('good news and news of other things change nothing', async () => {
    const tags = await lettersTags('reader@mail.test');
    for (const type of [
      'email.sent',
      'email.delivered',
      'email.opened',
      'email.delivery_delayed',
      'domain.updated',
    ])
      expect((await call(event(type, tags))).status).toBe(200);
    expect((await call('{"type":"contact.created","data":{"tags":7}}')).status).toBe(200);
    expect((await call('[]')).status).toBe(200);
    expect(await suppressed()).toEqual([]);
  });

  it('in any order and however often they come, a complaint outweighs a bounce, and a delivery neither', async () => {
    const tags = await lettersTags('reader@mail.test');
    const delivered = event('email.delivered', tags);
    const id = 'msg_same';
    for (const body of [bounce(tags), delivered, complaint(tags), complaint(tags), bounce(tags), delivered])
      expect((await call(body, { id })).status).toBe(200);
    expect(await suppressed()).toEqual([['reader@mail.test', 'complained']]);
  });

  it('the same event coming ten times at once is one suppression, and its time does not move', async () => {
    const body = complaint(await lettersTags('reader@mail.test'));
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(body, { id: 'msg_same' })));
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
    const [before] = await db.select().from(suppressions);
    await call(body, { id: 'msg_same' });
    expect(await db.select().from(suppressions)).toEqual([before]);
  });

  it('who had unsubscribed stays unsubscribed after a bounce', async () => {
    const tags = await lettersTags('reader@mail.test');
    await db
      .insert(suppressions)
      .values({ ownerId: owner.id, emailKey: 'reader@mail.test', reason: 'unsubscribed' });
    await call(bounce(tags));
    expect(await suppressed()).toEqual([['reader@mail.test', 'unsubscribed']]);
  });

  it('news of letters that are not ours are taken and change nothing', async () => {
    await lettersTags('reader@mail.test');
    const foreign: Record<string, string>[] = [
      {},
      { category: 'news' },
      { letter: 'AAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA' },
      { letter: '1' },
    ];
    for (const tags of foreign) expect((await call(bounce(tags))).status).toBe(200);
    expect(await suppressed()).toEqual([]);
  });
});

describe('who may bring news', () => {
  const refused: [string, (body: string) => Call][] = [
    ['without a signature', () => ({ headers: {} })],
    ['with an empty signature', () => ({ signature: '' })],
    [
      'signed with another secret',
      (body) => ({ id: 'm', timestamp: seconds(), signature: sign('m', seconds(), body, randomBytes(24)) }),
    ],
    [
      'signed over other bytes',
      (body) => ({ id: 'm', timestamp: seconds(), signature: sign('m', seconds(), `${body} `) }),
    ],
    [
      'signed for another event',
      (body) => ({ id: 'm', timestamp: seconds(), signature: sign('n', seconds(), body) }),
    ],
    ['signed six minutes ago', () => ({ timestamp: seconds(-361) })],
    ['signed six minutes ahead', () => ({ timestamp: seconds(361) })],
    ['signed at no time', () => ({ timestamp: 'now' })],
    [
      'signed in a way unknown',
      (body) => ({
        id: 'm',
        timestamp: seconds(),
        signature: sign('m', seconds(), body).replace('v1', 'v2'),
      }),
    ],
  ];
  it.each(refused)('an event %s is refused and changes nothing', async (_title, forge) => {
    const body = bounce(await lettersTags('reader@mail.test'));
    const answer = await call(body, forge(body));
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toContain(secret);
    expect(await suppressed()).toEqual([]);
  });

  it('while the secret is changed, one good signature of several is enough', async () => {
    const body = bounce(await lettersTags('reader@mail.test'));
    const timestamp = seconds(-240);
    const old = sign('m', timestamp, body, randomBytes(24));
    const answer = await call(body, {
      id: 'm',
      timestamp,
      signature: `${old} v1a,x ${sign('m', timestamp, body)}`,
    });
    expect(answer.status).toBe(200);
    expect(await suppressed()).toHaveLength(1);
  });

  it('a body over 64 kB is refused before it is read to its end', async () => {
    let given = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 1;
        controller.enqueue(new Uint8Array(16 * 1024).fill(32));
      },
    });
    const request = new Request('http://localhost:3000/', {
      method: 'POST',
      body: endless,
      ...{ duplex: 'half' },
    });
    expect((await POST(request)).status).toBe(413);
    expect(given).toBeLessThan(10);
  });

  it('the address is closed where no secret is set', async () => {
    const body = bounce(await lettersTags('reader@mail.test'));
    delete process.env.RESEND_WEBHOOK_SECRET;
    vi.resetModules();
    const closed = await import('@/app/api/webhooks/resend/route');
    const headers = {
      'svix-id': 'm',
      'svix-timestamp': seconds(),
      'svix-signature': sign('m', seconds(), body),
    };
    const request = new Request('http://localhost:3000/', { method: 'POST', headers, body });
    expect((await closed.POST(request)).status).toBe(404);
    process.env.RESEND_WEBHOOK_SECRET = secret;
    expect(await suppressed()).toEqual([]);
  });

  it('a secret of another form stops the start', () => {
    for (const wrong of ['secret', 'whsec_', 'whsec_not base64', 'whsec_c2hvcnQ='])
      expect(() => parseEnv({ RESEND_WEBHOOK_SECRET: wrong })).toThrow(SettingsError);
    expect(parseEnv({ RESEND_WEBHOOK_SECRET: secret }).RESEND_WEBHOOK_SECRET).toBe(secret);
  });
});
