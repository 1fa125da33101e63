import { eq } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import { audit, letters, mailings, messages } from '@/db/schema';
import type { Transport } from '@/lib/email/transport';
import { fieldErrors } from '@/lib/errors';
import { createMessage, deleteMessage, sendTestLetter, updateMessage } from '@/lib/messages/mutations';
import {
  countMessages,
  findMessage,
  listMessages,
  listMessageUses,
  previewMessage,
} from '@/lib/messages/queries';
import { messageCursors, messageSchema, messageSorts } from '@/lib/messages/schema';
import { readSorted } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { rawConnection } from '../support/database';
import { createActor, createClient, createMailing } from '../support/factories';

let owner: Actor;
let stranger: Actor;
let manager: Actor;
let admin: Actor;

beforeEach(async () => {
  owner = await createActor(db, { name: 'Vera Orlova' });
  stranger = await createActor(db);
  manager = await createActor(db, { isStaff: true });
  admin = await createActor(db, { isStaff: true, isSuperuser: true });
});

async function written(actor: Actor, subject = 'News', body = '<p>Hello</p>'): Promise<number> {
  const result = await createMessage(actor, { subject, body });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.data.id;
}

const formErrors = (form: object) => {
  const parsed = messageSchema.safeParse({ subject: 'News', body: '<p>Hello</p>', ...form });
  return parsed.success ? null : fieldErrors(parsed.error);
};

describe('writing a message', () => {
  test('Liquid in subject and body is kept as it was typed', async () => {
    const subject = 'News for {{ client.full_name | default: "friend" }}';
    const body =
      '<p>Hello {{ client.full_name | default: "friend" }}, <a href="{{ unsubscribe_url }}">leave</a></p>';
    expect(await findMessage(owner, await written(owner, subject, body))).toMatchObject({ subject, body });
  });

  test('what a letter may not carry is taken out on save', async () => {
    const body =
      '<p onclick="steal()">Hello<script>steal()</script><a href="javascript:steal()">x</a><iframe src="https://x.example"></iframe></p>';
    const kept = (await findMessage(owner, await written(owner, 'News', body)))?.body ?? '';
    expect(kept).toContain('Hello');
    expect(kept).not.toMatch(/steal|script|iframe|onclick/);
  });

  test.each([
    ['subject', { subject: 'News {{ client.full_name', body: '<p>Hello</p>' }],
    ['body', { subject: 'News', body: '<p>One</p>\n<p>{% if client.email %}Two</p>' }],
    ['body', { subject: 'News', body: '<p>One</p>\n<p>{{ client.phone }}</p>' }],
  ])('a template that cannot be used is refused with line and reason (%s)', async (field, form) => {
    const result = await createMessage(owner, form);
    expect(result).toMatchObject({
      error: {
        fields: {
          [field]: {
            code: 'template_broken',
            params: { line: field === 'subject' ? 1 : 2, reason: expect.any(String) },
          },
        },
      },
    });
    expect((await countMessages(owner)).value).toBe(0);
  });

  test('a subject is one line of at most 200 characters', () => {
    expect(formErrors({ subject: 'x'.repeat(200) })).toBeNull();
    expect(formErrors({ subject: 'x'.repeat(201) })?.subject).toEqual({
      code: 'too_long',
      params: { max: 200 },
    });
    expect(formErrors({ subject: 'News\r\nBcc: all@shop.example' })?.subject?.code).toBe('one_line');
    expect(formErrors({ subject: ' \n ' })?.subject?.code).toBe('required');
  });

  test('a body has at most 200 kB, counted in octets', async () => {
    const body = (octets: number) => `<p>${'я'.repeat((octets - 8) / 2)} </p>`;
    expect(Buffer.byteLength(body(204_800))).toBe(204_800);
    expect(formErrors({ body: body(204_800) })).toBeNull();
    await written(owner, 'Full', body(204_800));
    expect(formErrors({ body: `${body(204_800)}x` })?.body).toEqual({
      code: 'body_too_large',
      params: { max: 200 },
    });
    expect(formErrors({ body: 'x'.repeat(1_000_000) })?.body?.code).toBe('body_too_large');
  });

  test('a body that grows over 200 kB by being cleaned is refused, not cut', async () => {
    const body = `<p>${'>'.repeat(150_000)}</p>`;
    expect(formErrors({ body })).toBeNull();
    expect(await createMessage(owner, { subject: 'News', body })).toMatchObject({
      error: { fields: { body: { code: 'body_too_large' } } },
    });
  });

  test.each(['', '  ', '<p></p>', '<p>&nbsp;</p><p><br></p>'])('an empty body is refused: “%s”', (body) => {
    expect(formErrors({ body })?.body?.code).toBe('required');
  });

  test('a picture alone says something', () => {
    expect(formErrors({ body: '<p><img src="https://shop.example/a.png"></p>' })).toBeNull();
  });
});

describe('another user’s message', () => {
  let id: number;
  beforeEach(async () => {
    id = await written(owner, 'Secret plans');
  });

  test('is not found by a stranger: not read, not changed, not deleted, not sent', async () => {
    expect(await findMessage(stranger, id)).toBeNull();
    expect((await listMessages(stranger, { q: 'secret' })).items).toEqual([]);
    expect(await updateMessage(stranger, { id, subject: 'Mine', body: '<p>x</p>' })).toMatchObject({
      error: { code: 'not_found' },
    });
    expect(await deleteMessage(stranger, { id })).toMatchObject({ error: { code: 'not_found' } });
    expect(await sendTestLetter(stranger, { id })).toMatchObject({ error: { code: 'not_found' } });
    expect((await findMessage(owner, id))?.subject).toBe('Secret plans');
  });

  test('a manager looks at it and changes nothing', async () => {
    expect(await findMessage(manager, id)).toMatchObject({ subject: 'Secret plans', ownerId: owner.id });
    expect((await listMessages(manager)).items).toEqual([]);
    expect(await updateMessage(manager, { id, subject: 'Mine', body: '<p>x</p>' })).toMatchObject({
      error: { code: 'not_found' },
    });
    expect(await deleteMessage(manager, { id })).toMatchObject({ error: { code: 'not_found' } });
    expect(await sendTestLetter(manager, { id })).toMatchObject({ error: { code: 'not_found' } });
  });

  test('an admin may change it, and that is written down', async () => {
    expect((await updateMessage(admin, { id, subject: 'Corrected', body: '<p>x</p>' })).ok).toBe(true);
    expect((await deleteMessage(admin, { id })).ok).toBe(true);
    const entries = await db.select().from(audit).where(eq(audit.actorId, admin.id)).orderBy(audit.id);
    expect(entries).toMatchObject([
      { action: 'update_message', before: { subject: 'Secret plans' }, after: { subject: 'Corrected' } },
      { action: 'delete_message', targetId: id, before: { subject: 'Corrected', ownerId: owner.id } },
    ]);
  });
});

describe('deleting a message', () => {
  test('that no mailing uses takes it away', async () => {
    const id = await written(owner);
    expect(await deleteMessage(owner, { id })).toEqual({ ok: true, data: { archived: false } });
    expect(await findMessage(owner, id)).toBeNull();
    expect(await deleteMessage(owner, { id })).toMatchObject({ error: { code: 'not_found' } });
  });

  test('that a mailing uses archives it: out of the list, kept for the mailing', async () => {
    const id = await written(owner, 'Weekly');
    const mailing = await createMailing(db, owner, { messageId: id });
    expect(await deleteMessage(owner, { id })).toEqual({ ok: true, data: { archived: true } });
    expect((await listMessages(owner)).items).toEqual([]);
    expect((await countMessages(owner)).value).toBe(0);
    expect((await findMessage(owner, id))?.archivedAt).toBeInstanceOf(Date);
    expect(await listMessageUses(owner, id)).toMatchObject([{ id: mailing.id }]);
    expect(await listMessageUses(stranger, id)).toEqual([]);
    // When the last mailing has gone, it can go for good.
    await db.delete(mailings).where(eq(mailings.id, mailing.id));
    expect(await deleteMessage(owner, { id })).toEqual({ ok: true, data: { archived: false } });
  });

  test('at the moment when a mailing takes it into use archives it: the mailing wins', async () => {
    const id = await written(owner);
    const other = await createMailing(db, owner);
    const raw = rawConnection();
    try {
      let deletion: ReturnType<typeof deleteMessage> | undefined;
      await raw.begin(async (sql) => {
        await sql`update mailings set message_id = ${id} where id = ${other.id}`;
        deletion = deleteMessage(owner, { id });
        // The deletion now stands before the lock that the uncommitted mailing holds on the message.
        for (let waiting = 0; waiting === 0; ) {
          const [row] = await sql<{ n: number }[]>`
            select count(*)::int as n from pg_locks l join pg_stat_activity a using (pid)
            where not l.granted and a.datname = current_database()`;
          waiting = row?.n ?? 0;
        }
      });
      expect(await deletion).toEqual({ ok: true, data: { archived: true } });
      expect((await findMessage(owner, id))?.archivedAt).toBeInstanceOf(Date);
    } finally {
      await raw.end();
    }
  });
});

describe('the list', () => {
  test('finds signs that mean something elsewhere as what they are', async () => {
    for (const subject of ['50% off', '50 off', 'a_b', 'ab', 'c\\d', 'cd']) await written(owner, subject);
    const found = async (q: string) =>
      (await listMessages(owner, { q })).items.map((message) => message.subject);
    expect(await found('50%')).toEqual(['50% off']);
    expect(await found('A_B')).toEqual(['a_b']);
    expect(await found('c\\')).toEqual(['c\\d']);
  });

  test.each(messageSorts)(
    'shows each message once while others are written in between (by %s)',
    async (sort) => {
      for (let at = 0; at < 12; at += 1) await written(owner, `Subject ${at % 3}`);
      const before = new Set((await listMessages(owner, { size: 100 })).items.map((message) => message.id));
      const seen: number[] = [];
      let after: string | undefined;
      for (let page = 0; page < 20; page += 1) {
        const { items, next } = await listMessages(owner, { sort, size: 3, after });
        seen.push(...items.map((message) => message.id).filter((id) => before.has(id)));
        await written(owner, 'A new one');
        if (!next) break;
        // The address leads to it, and is not taken for a damaged one.
        const asked = readSorted({ sort, after: next }, messageSorts, messageCursors);
        expect(asked).toMatchObject({ sort, after: next, isDamaged: false });
        after = asked.after;
      }
      expect(seen).toHaveLength(12);
      expect(new Set(seen).size).toBe(12);
    },
  );
});

describe('a look at a letter', () => {
  const letter = { subject: 'For {{ client.full_name }}', body: '<p>Hello {{ client.full_name }}</p>' };

  test('is as one of one’s own clients; as oneself, when the client is somebody else’s', async () => {
    const mine = await createClient(db, owner, { fullName: 'Anna <b>' });
    const theirs = await createClient(db, stranger, { fullName: 'Not to be seen' });
    const as = async (clientId: number | null) => {
      const preview = await previewMessage(owner, { ...letter, clientId });
      return preview.ok ? preview.data : null;
    };
    expect((await as(mine.id))?.subject).toBe('For Anna <b>');
    expect((await as(mine.id))?.html).toContain('Hello Anna &lt;b&gt;');
    expect((await as(mine.id))?.text).toContain('Hello Anna <b>');
    expect((await as(theirs.id))?.subject).toBe('For Vera Orlova');
    expect((await as(null))?.subject).toBe('For Vera Orlova');
  });

  test('of half a letter says in which line it cannot be read', async () => {
    expect(await previewMessage(owner, { subject: '', body: '', clientId: null })).toMatchObject({
      ok: true,
    });
    expect(
      await previewMessage(owner, { subject: 'x', body: '<p>a</p>\n{% if', clientId: null }),
    ).toMatchObject({ error: { fields: { body: { code: 'template_broken', params: { line: 2 } } } } });
  });
});

describe('a test letter', () => {
  test('goes to its writer, as the client, with [Test] before the subject, and tells the server’s answer', async () => {
    const id = await written(owner, 'For {{ client.full_name }}', '<p>Hello {{ client.full_name }}</p>');
    const result = await sendTestLetter(owner, { id });
    expect(result).toMatchObject({ data: { to: owner.email, response: expect.stringContaining('outbox') } });
    const [letter] = await db.select().from(letters).where(eq(letters.ownerId, owner.id));
    expect(letter).toMatchObject({ toEmail: owner.email, subject: '[Test] For Vera Orlova', isTest: true });
    expect(letter?.html).toContain('Hello Vera Orlova');
    expect(letter?.raw).not.toContain('List-Unsubscribe');
  });

  const answering = (changes: Partial<Transport>) => () => ({
    kind: 'smtp' as const,
    name: 'smtp:test',
    repeatsSafely: false,
    batchMax: 100,
    ready: async () => null,
    send: async () => [],
    digest: () => '',
    close: async () => {},
    ...changes,
  });

  test('that the server does not take says so in the server’s own words', async () => {
    const id = await written(owner);
    const wrongPassword = answering({
      ready: async () => ({ waitCode: 'auth_refused', response: '535 5.7.8 Authentication failed' }),
    });
    expect(await sendTestLetter(owner, { id }, { openTransport: wrongPassword })).toMatchObject({
      error: { code: 'test_not_taken', params: { words: '535 5.7.8 Authentication failed' } },
    });
    const silent = answering({
      send: async () => [{ outcome: 'unknown', response: 'connection lost', stage: 'dot' }],
    });
    expect(await sendTestLetter(owner, { id }, { openTransport: silent })).toMatchObject({
      error: { code: 'test_no_answer', params: { words: 'connection lost' } },
    });
  });

  test('can be sent twenty times an hour', async () => {
    const id = await written(owner);
    for (let at = 0; at < 20; at += 1) expect((await sendTestLetter(owner, { id })).ok).toBe(true);
    expect(await sendTestLetter(owner, { id })).toMatchObject({
      error: { code: 'test_limit', params: { minutes: expect.any(Number) } },
    });
    expect(await db.select().from(letters).where(eq(letters.ownerId, owner.id))).toHaveLength(20);
  });
});

describe('test letters from one network', () => {
  test('are sixty an hour, whoever asks for them', async () => {
    const network = { network: '192.0.2.60' };
    let taken = 0;
    for (let person = 0; person < 4; person += 1) {
      const someone = await createActor(db);
      const id = await written(someone);
      for (let at = 0; at < 20; at += 1) if ((await sendTestLetter(someone, { id }, network)).ok) taken += 1;
    }
    expect(taken).toBe(60);
  });
});

describe('changing a message', () => {
  test('keeps nothing of a version that is refused', async () => {
    const id = await written(owner, 'Before', '<p>Before</p>');
    expect((await updateMessage(owner, { id, subject: 'After', body: '<p>{{ oops</p>' })).ok).toBe(false);
    expect(await findMessage(owner, id)).toMatchObject({ subject: 'Before', body: '<p>Before</p>' });
    expect((await updateMessage(owner, { id, subject: 'After', body: '<p>After</p>' })).ok).toBe(true);
    expect(await db.select({ subject: messages.subject }).from(messages).where(eq(messages.id, id))).toEqual([
      { subject: 'After' },
    ]);
  });
});
