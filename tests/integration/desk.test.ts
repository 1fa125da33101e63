import '@/tests/support/request-scope';
import { parse } from 'csv-parse/sync';
import { and, eq } from 'drizzle-orm';
import { beforeAll, describe, expect, it } from 'vitest';
import { GET as exportRoute } from '@/app/api/audit/route';
import { db } from '@/db/client';
import { audit } from '@/db/schema';
import { listAllAttempts } from '@/lib/attempts/queries';
import { listAudit } from '@/lib/audit/queries';
import { deleteClient } from '@/lib/clients/mutations';
import { listAllClients } from '@/lib/clients/queries';
import { findMailing, listMailings } from '@/lib/mailings/queries';
import { updateMessage } from '@/lib/messages/mutations';
import { listAllMessages } from '@/lib/messages/queries';
import { readSorted } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { disableMailing, enableMailing } from '@/lib/runs/mutations';
import { findWhatStops } from '@/lib/runs/queries';
import { blockUser, unblockUser } from '@/lib/users/mutations';
import { countUsers, findListedUser, listUsers } from '@/lib/users/queries';
import { userCursors, userSorts } from '@/lib/users/schema';
import {
  asActor,
  createAttempt,
  createBatch,
  createClient,
  createClients,
  createDelivery,
  createMailing,
  createMessage,
  createRun,
  createUser,
} from '@/tests/support/factories';
import { withRequest } from '@/tests/support/request-scope';
import { signIn } from '@/tests/support/sign-in';

type Person = Awaited<ReturnType<typeof createUser>>;
type Things = Awaited<ReturnType<typeof belongings>>;
let user: Person;
let boss: Actor;
let things: Things;

/**
 * One mailing with an open run: two letters sent, one in flight, three queued; one with a paused run of one letter; one that is
 * over; one that is deleted.
 */
async function belongings(owner: Person) {
  const clients = await createClients(db, owner, 6);
  const open = await createMailing(db, owner, { name: 'Spring sale', status: 'running' });
  const run = await createRun(db, open);
  const claimed = [];
  for (const [at, client] of clients.entries())
    claimed.push(await createDelivery(db, run, client, { status: at < 2 ? 'sent' : 'queued' }));
  await createBatch(db, run, {
    firstId: claimed[2]?.id ?? null,
    lastId: claimed[2]?.id ?? null,
    outstanding: 1,
  });
  const paused = await createMailing(db, owner, { pausedAt: new Date('2026-01-05T10:00:00Z') });
  const held = await createRun(db, paused, { pausedAt: new Date('2026-01-05T10:00:00Z') });
  const [first] = clients;
  if (first) await createDelivery(db, held, first);
  const over = await createMailing(db, owner, { status: 'completed' });
  const past = await createRun(db, over, { status: 'done' });
  for (const client of clients) await createDelivery(db, past, client, { status: 'sent' });
  await createMailing(db, owner, { archivedAt: new Date('2026-01-05T10:00:00Z'), nextSlotAt: null });
  return { open, paused, over };
}

beforeAll(async () => {
  user = await createUser(db, { email: 'uma@desk.example', name: 'Uma 100%' });
  boss = asActor(await createUser(db, { email: 'boss@desk.example', isStaff: true }));
  things = await belongings(user);
});

describe('the list of users', () => {
  it('shows every user to a manager, with mailings that are there and letters that were sent', async () => {
    const { items } = await listUsers(boss, { q: 'UMA@DESK' });
    expect(items).toMatchObject([{ id: user.id, name: 'Uma 100%', mailings: 3, sent: 8 }]);
    expect(await findListedUser(boss, user.id)).toMatchObject({ mailings: 3, sent: 8 });
    expect(await countUsers(boss, { q: 'uma@desk' })).toEqual({ value: 1, exact: true });
  });

  it('is empty for whoever is no manager, however it is asked', async () => {
    for (const asking of [user, await createUser(db)].map(asActor)) {
      expect((await listUsers(asking)).items).toEqual([]);
      expect(await countUsers(asking)).toEqual({ value: 0, exact: true });
      expect(await findListedUser(asking, asking.id)).toBeNull();
      expect(await findWhatStops(asking, { ownerId: user.id })).toEqual({
        mailings: 0,
        runs: 0,
        heldRuns: 0,
        unsent: 0,
        inFlight: 0,
      });
    }
  });

  it('takes what is typed letter by letter', async () => {
    expect((await listUsers(boss, { q: '100%' })).items.map(({ id }) => id)).toEqual([user.id]);
    expect((await listUsers(boss, { q: '1_0%' })).items).toEqual([]);
    expect((await listUsers(boss, { q: "' or true --" })).items).toEqual([]);
    expect((await listUsers(boss, { q: 'uma\0@desk' })).items).toHaveLength(1);
  });

  it('is narrowed down by role and by state', async () => {
    const admin = await createUser(db, { isStaff: true, isSuperuser: true });
    const blocked = await createUser(db);
    await blockUser(null, { userId: blocked.id, reason: 'spam' });
    const unconfirmed = await createUser(db, { confirmedAt: null });
    const ids = async (filter: Parameters<typeof listUsers>[1]) =>
      (await listUsers(boss, { ...filter, size: 1000 })).items.map(({ id }) => id);
    const one = [admin.id, boss.id, blocked.id, unconfirmed.id, user.id];
    const among = async (filter: Parameters<typeof listUsers>[1]) => {
      const found = new Set(await ids(filter));
      return one.filter((id) => found.has(id));
    };
    expect(await among({ role: 'admin' })).toEqual([admin.id]);
    expect(await among({ role: 'manager' })).toEqual([boss.id]);
    expect(await among({ role: 'user' })).toEqual([blocked.id, unconfirmed.id, user.id]);
    expect(await among({ state: 'blocked' })).toEqual([blocked.id]);
    expect(await among({ state: 'unconfirmed' })).toEqual([unconfirmed.id]);
    expect(await among({ state: 'active' })).toEqual([admin.id, boss.id, user.id]);
    expect(await among({ state: 'active', role: 'user' })).toEqual([user.id]);
  });

  it('is read page by page without a gap or a repetition, in either order', async () => {
    for (const sort of ['newest', 'email'] as const) {
      const whole = (await listUsers(boss, { sort, size: 1000 })).items.map(({ id }) => id);
      const seen: number[] = [];
      let after: string | undefined;
      do {
        const page = await listUsers(boss, { sort, size: 3, after });
        seen.push(...page.items.map(({ id }) => id));
        // The address leads on, and is not taken for a damaged one.
        const asked = readSorted({ sort, after: page.next ?? undefined }, userSorts, userCursors);
        expect(asked).toMatchObject({ sort, after: page.next ?? undefined, isDamaged: false });
        after = asked.after;
      } while (after);
      expect(seen).toEqual(whole);
      expect(readSorted({ sort, after: 'nonsense' }, userSorts, userCursors).isDamaged).toBe(true);
      expect((await listUsers(boss, { sort, after: 'nonsense', size: 1000 })).items).toHaveLength(
        whole.length,
      );
    }
  });
});

describe('what a block or a disable will stop', () => {
  it('is said in mailings, runs, letters not yet sent and letters in flight', async () => {
    expect(await findWhatStops(boss, { ownerId: user.id })).toEqual({
      mailings: 1,
      runs: 2,
      heldRuns: 1,
      unsent: 4,
      inFlight: 1,
    });
    expect(await findWhatStops(boss, { mailingId: things.open.id })).toEqual({
      mailings: 1,
      runs: 1,
      heldRuns: 0,
      unsent: 3,
      inFlight: 1,
    });
  });

  it('is nothing where nothing is under way or planned', async () => {
    expect(await findWhatStops(boss, { mailingId: things.over.id })).toEqual({
      mailings: 0,
      runs: 0,
      heldRuns: 0,
      unsent: 0,
      inFlight: 0,
    });
  });
});

describe('a block', () => {
  it('tells managers who, when and why', async () => {
    const other = await createUser(db);
    await blockUser(boss, { userId: other.id, reason: 'bought a list' });
    expect(await findListedUser(boss, other.id)).toMatchObject({
      blockedBy: boss.name,
      blockedReason: 'bought a list',
    });
  });
});

describe('the list of all mailings', () => {
  const names = async (actor: Actor, input: Parameters<typeof listMailings>[1]) =>
    (await listMailings(actor, { everyone: true, ...input })).items.map(({ name }) => name);

  it('is searched by name and by owner, of whom a part of name or address is enough', async () => {
    const other = await createUser(db, { email: 'ines@desk.example', name: 'Inês Ünal' });
    await createMailing(db, other, { name: 'Winter sale' });
    expect(await names(boss, { owner: 'ines@', q: 'sale' })).toEqual(['Winter sale']);
    expect(await names(boss, { owner: 'ÜNAL' })).toEqual(['Winter sale']);
    expect(await names(boss, { owner: 'uma@desk', q: 'sale' })).toEqual(['Spring sale']);
    expect(await names(boss, { owner: 'nobody at all' })).toEqual([]);
  });

  it('asked for by a user holds that user’s own, whichever owner is named', async () => {
    expect(await names(asActor(user), { owner: 'ines' })).toEqual([]);
    expect(await names(asActor(user), { owner: 'uma', q: 'sale' })).toEqual(['Spring sale']);
  });
});

describe('disabling a mailing', () => {
  it('is for managers and admins, of anybody, and for nobody else', async () => {
    const { over } = things;
    const admin = asActor(await createUser(db, { isStaff: true, isSuperuser: true }));
    for (const by of [asActor(user), asActor(await createUser(db))]) {
      expect(await disableMailing(by, { mailingId: over.id, reason: 'no' })).toMatchObject({
        error: { code: 'not_found' },
      });
      expect(await enableMailing(by, { mailingId: over.id })).toMatchObject({ error: { code: 'not_found' } });
    }
    for (const by of [boss, admin]) {
      expect(await disableMailing(by, { mailingId: over.id, reason: 'spam' })).toMatchObject({ ok: true });
      expect(await enableMailing(by, { mailingId: over.id })).toMatchObject({ ok: true });
      expect(await enableMailing(by, { mailingId: over.id })).toMatchObject({
        error: { code: 'not_disabled' },
      });
    }
    expect(await disableMailing(boss, { mailingId: 999_999_999, reason: 'spam' })).toMatchObject({
      error: { code: 'not_found' },
    });
  });

  it('at the same moment by two managers is done once, and both ways are written down with before and after', async () => {
    const mailing = await createMailing(db, user);
    const other = asActor(await createUser(db, { isStaff: true }));
    const results = await Promise.all(
      [boss, other].map((by) => disableMailing(by, { mailingId: mailing.id, reason: `by ${by.email}` })),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    await enableMailing(boss, { mailingId: mailing.id });
    const log = await db
      .select()
      .from(audit)
      .where(and(eq(audit.targetType, 'mailing'), eq(audit.targetId, mailing.id)))
      .orderBy(audit.id);
    expect(log).toMatchObject([
      { action: 'disable_mailing', before: { isDisabled: false }, after: { isDisabled: true } },
      {
        action: 'enable_mailing',
        actorId: boss.id,
        before: { isDisabled: true, reason: log[0]?.reason },
        after: { isDisabled: false },
      },
    ]);
  });
});

describe('the owner of a disabled mailing', () => {
  it('reads who stopped it, when and why, until it is enabled again', async () => {
    const mailing = await createMailing(db, user);
    const before = Date.now();
    await disableMailing(boss, { mailingId: mailing.id, reason: 'Bought list' });
    const seen = await findMailing(asActor(user), mailing.id);
    expect(seen).toMatchObject({ disabledBy: boss.name, disabledReason: 'Bought list' });
    expect(Math.abs((seen?.disabledAt?.getTime() ?? 0) - before)).toBeLessThan(60_000);
    await enableMailing(boss, { mailingId: mailing.id });
    expect(await findMailing(asActor(user), mailing.id)).toMatchObject({
      disabledBy: null,
      disabledReason: null,
      disabledAt: null,
    });
  });
});

describe('the audit log', () => {
  const download = async (cookie: string, query = '') => {
    const response = await withRequest({ cookie }, () =>
      exportRoute(new Request(`http://localhost:3000/api/audit${query}`)),
    );
    return { status: response.status, text: await response.text() };
  };

  it('tells who did what to whom, when and why, with what it was before and after', async () => {
    const target = await createUser(db, { email: 'told@desk.example' });
    await blockUser(boss, { userId: target.id, reason: 'Told on' });
    const { items } = await listAudit(boss, { userId: target.id });
    expect(items).toMatchObject([
      {
        actorEmail: boss.email,
        action: 'block_user',
        target: 'told@desk.example',
        isThere: true,
        reason: 'Told on',
        before: { isBlocked: 'false' },
        after: { isBlocked: 'true' },
      },
    ]);
    expect(Math.abs((items[0]?.createdAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('shows of a large change only the fields that differ, and the beginning of each', async () => {
    const owner = await createUser(db);
    const admin = asActor(await createUser(db, { isStaff: true, isSuperuser: true }));
    const message = await createMessage(db, owner, { subject: 'Same subject' });
    await updateMessage(admin, {
      id: message.id,
      subject: 'Same subject',
      body: `<p>${'long '.repeat(20_000)}</p>`,
    });
    const [entry] = (await listAudit(boss, { userId: admin.id })).items;
    expect(entry).toMatchObject({ action: 'update_message', target: 'Same subject' });
    expect(Object.keys(entry?.after ?? {})).toEqual(['body']);
    expect(entry?.after?.body).toHaveLength(300);
  });

  it('keeps the name of what is gone', async () => {
    const owner = await createUser(db);
    const admin = asActor(await createUser(db, { isStaff: true, isSuperuser: true }));
    const [client] = await createClients(db, owner, 1);
    await deleteClient(admin, { id: client?.id ?? 0 });
    expect((await listAudit(boss, { userId: admin.id })).items).toMatchObject([
      { action: 'delete_client', target: client?.email, isThere: false },
    ]);
  });

  it('is searched by who, whom and why, letter by letter, and narrowed down by action', async () => {
    const target = await createUser(db, { email: 'sought@desk.example' });
    await blockUser(boss, { userId: target.id, reason: '50% of it came back' });
    await unblockUser(boss, { userId: target.id });
    const actions = async (filter: Parameters<typeof listAudit>[1]) =>
      (await listAudit(boss, filter)).items.map(({ action }) => action);
    expect(await actions({ q: 'SOUGHT@desk' })).toEqual(['unblock_user', 'block_user']);
    expect(await actions({ q: '50% of' })).toEqual(['block_user']);
    expect(await actions({ q: '5_% of' })).toEqual([]);
    expect(await actions({ q: 'sought@', action: 'unblock_user' })).toEqual(['unblock_user']);
    expect((await actions({ q: 'boss@desk' })).length).toBeGreaterThan(2);
  });

  it('is read page by page without a gap or a repetition', async () => {
    const whole = (await listAudit(boss, { size: 1000 })).items.map(({ id }) => id);
    const seen: number[] = [];
    let after: string | undefined;
    do {
      const page = await listAudit(boss, { size: 2, after });
      seen.push(...page.items.map(({ id }) => id));
      after = page.next ?? undefined;
    } while (after);
    expect(seen).toEqual(whole);
  });

  it('is downloaded as CSV that no spreadsheet takes for formulas, narrowed down as on the page', async () => {
    const password = 'a sound password';
    const manager = await createUser(db, { email: 'csv@desk.example', isStaff: true, password });
    const target = await createUser(db);
    const reason = '=HYPERLINK("http://evil.example","look, here")';
    await blockUser(boss, { userId: target.id, reason });
    const cookie = await signIn(manager.email, password);
    const { status, text } = await download(cookie, `?user=${target.id}`);
    expect(status).toBe(200);
    const [head, ...rows] = parse(text, { bom: true }) as string[][];
    expect(head).toEqual([
      'at',
      'who',
      'action',
      'target_type',
      'target_id',
      'target',
      'reason',
      'before',
      'after',
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.slice(1)).toEqual([
      boss.email,
      'block_user',
      'user',
      String(target.id),
      target.email,
      `'${reason}`,
      '{"isBlocked": false}',
      '{"isBlocked": true}',
    ]);
    const all = parse((await download(cookie)).text, { bom: true }) as string[][];
    expect(all.length).toBe((await listAudit(boss, { size: 1000 })).items.length + 1);
  });

  it('does not exist for users, strangers and the blocked', async () => {
    const password = 'a sound password';
    const plain = await createUser(db, { email: 'plain@desk.example', password });
    expect((await listAudit(asActor(plain))).items).toEqual([]);
    const cookie = await signIn(plain.email, password);
    expect(await download(cookie)).toEqual({ status: 404, text: '' });
    expect(await download('')).toEqual({ status: 404, text: '' });
    const manager = await createUser(db, { email: 'was@desk.example', isStaff: true, password });
    const staff = await signIn(manager.email, password);
    expect((await download(staff)).status).toBe(200);
    await blockUser(null, { userId: manager.id, reason: 'left' });
    expect((await download(staff)).status).toBe(404);
  });
});

describe('everybody’s messages, clients and attempts', () => {
  it('are listed for managers with their owners, searched by what they are and whose, and to users only as their own', async () => {
    const [one, two] = [
      await createUser(db, { email: 'one@lists.example' }),
      await createUser(db, { email: 'two@lists.example' }),
    ];
    const made = [];
    for (const owner of [one, two]) {
      const client = await createClient(db, owner, { email: `c.${owner.id}@buyers.example` });
      const message = await createMessage(db, owner, { subject: `Lists ${owner.id}` });
      const mailing = await createMailing(db, owner, { messageId: message.id });
      const run = await createRun(db, mailing);
      const delivery = await createDelivery(db, run, client, { status: 'sent' });
      const attempt = await createAttempt(db, run, delivery);
      made.push({ client, message, attempt });
    }
    const [ofOne, ofTwo] = made;
    if (!ofOne || !ofTwo) throw new Error('nothing was made');
    const lists = {
      message: (by: Actor, input: Parameters<typeof listAllMessages>[1]) => listAllMessages(by, input),
      client: (by: Actor, input: Parameters<typeof listAllClients>[1]) => listAllClients(by, input),
      attempt: (by: Actor, input: Parameters<typeof listAllAttempts>[1]) => listAllAttempts(by, input),
    };
    const terms = {
      message: ofOne.message.subject,
      client: ofOne.client.email,
      attempt: ofOne.client.email,
    };
    for (const kind of ['message', 'client', 'attempt'] as const) {
      const ids = async (by: Actor, input: Parameters<(typeof lists)[typeof kind]>[1]) =>
        (await lists[kind](by, input)).items.map((item) => item.id);
      expect(await ids(boss, { owner: '@lists.example' }), kind).toEqual([ofTwo[kind].id, ofOne[kind].id]);
      expect(await ids(boss, { owner: 'one@lists' }), kind).toEqual([ofOne[kind].id]);
      expect(await ids(boss, { q: terms[kind] }), kind).toEqual([ofOne[kind].id]);
      expect(await ids(boss, { q: terms[kind], owner: 'two@lists' }), kind).toEqual([]);
      expect(await ids(asActor(two), {}), kind).toEqual([ofTwo[kind].id]);
      expect(await ids(asActor(two), { owner: 'one@lists' }), kind).toEqual([]);
      const first = await lists[kind](boss, { owner: '@lists.example', size: 1 });
      const second = await lists[kind](boss, {
        owner: '@lists.example',
        size: 1,
        after: first.next ?? undefined,
      });
      expect([first, second].flatMap(({ items }) => items.map(({ ownerEmail }) => ownerEmail))).toEqual([
        'two@lists.example',
        'one@lists.example',
      ]);
      expect(second.next).toBeNull();
    }
  });
});
