import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import { audit, clients, mailingClients, mailings, messages, runs } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { createMailing, deleteMailing, duplicateMailing, updateMailing } from '@/lib/mailings/mutations';
import {
  alsoWrongWithMailing,
  countChosen,
  countMailingClients,
  findMailing,
  listMailingClients,
  listMailings,
  mailingOverview,
  pickableClients,
  planSends,
  readTiming,
} from '@/lib/mailings/queries';
import { type MailingInput, mailingSchema } from '@/lib/mailings/schema';
import type { Actor } from '@/lib/policy/rules';
import { countRuns, findRun, listDeliveries, listRuns } from '@/lib/runs/queries';
import {
  createActor,
  createClient,
  createClients,
  createDelivery,
  createMessage,
  createRun,
  createSuppression,
} from '../support/factories';

const now = new Date('2026-11-20T12:00:00Z');
const clock = fixedClock(now);

let owner: Actor;
let stranger: Actor;
let messageId: number;
let foreignMessageId: number;
let clientIds: number[];

beforeEach(async () => {
  owner = await createActor(db);
  stranger = await createActor(db);
  messageId = (await createMessage(db, owner)).id;
  foreignMessageId = (await createMessage(db, stranger)).id;
  clientIds = (await createClients(db, owner, 3)).map((client) => client.id);
});

const input = (changes: Partial<MailingInput> = {}): MailingInput => ({
  name: 'Weekly news',
  messageId,
  audience: 'chosen',
  clientIds,
  startsAt: '2026-12-01T09:00',
  zone: 'Europe/Moscow',
  periodicity: 'once',
  ...changes,
});

async function created(changes: Partial<MailingInput> = {}) {
  const result = await createMailing(owner, input(changes), db, clock);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  const mailing = await findMailing(owner, result.data.id);
  if (!mailing) throw new Error('it is not there');
  return mailing;
}

const chosenOf = async (mailingId: number) =>
  (await db.select().from(mailingClients).where(eq(mailingClients.mailingId, mailingId)))
    .map((row) => row.clientId)
    .sort((a, b) => a - b);

/** Everything that creating a mailing could write. */
async function written() {
  const [row] = await db.execute(sql`select
    (select count(*)::int from ${mailings}) as mailings, (select count(*)::int from ${mailingClients}) as chosen,
    (select count(*)::int from ${messages}) as messages, (select count(*)::int from ${clients}) as clients`);
  return row;
}

describe('creating a mailing', () => {
  test('its first slot is its start, in the zone it names', async () => {
    const mailing = await created();
    expect(mailing).toMatchObject({
      status: 'created',
      startsLocal: '2026-12-01T09:00',
      zone: 'Europe/Moscow',
      startsAt: new Date('2026-12-01T06:00:00Z'),
      nextSlotAt: new Date('2026-12-01T06:00:00Z'),
      nextSlotIndex: 0,
      endsAt: null,
    });
    expect(await chosenOf(mailing.id)).toEqual(clientIds);
  });

  test('“now” starts at this very moment', async () => {
    const mailing = await created({ startsAt: 'now' });
    expect(mailing.startsAt).toEqual(now);
    expect(mailing.nextSlotAt).toEqual(now);
  });

  test('a start that has passed is due at once, by its latest slot that is not in the future', async () => {
    const mailing = await created({ startsAt: '2026-11-01T09:00', periodicity: 'daily' });
    expect(mailing.nextSlotAt).toEqual(new Date('2026-11-20T06:00:00Z'));
  });

  test('a message written in place and pasted clients are made together with it', async () => {
    const mailing = await created({
      messageId: null,
      newSubject: 'Hello',
      newBody: '<p>Good news</p>',
      clientIds: [],
      newClients: 'Anna Petrova <anna@shop.example>\nboris@shop.example',
    });
    expect(mailing.subject).toBe('Hello');
    const page = await listMailingClients(owner, { mailingId: mailing.id });
    expect(page.items.map((client) => client.email)).toEqual(['anna@shop.example', 'boris@shop.example']);
  });

  test('all that a search finds are chosen by the search, not by their ids', async () => {
    await createClient(db, owner, { email: 'one@moscow.example' });
    await createClient(db, owner, { email: 'two@moscow.example' });
    await createClient(db, stranger, { email: 'three@moscow.example' });
    const mailing = await created({ clientIds: [], found: ['MOSCOW'] });
    expect(await chosenOf(mailing.id)).toHaveLength(2);
  });

  test('someone found by a search can be taken out again', async () => {
    const mailing = await created({ clientIds: [], found: ['*'], without: clientIds.slice(0, 1) });
    expect(await chosenOf(mailing.id)).toEqual(clientIds.slice(1));
  });

  test('50,000 clients are chosen by one search within seconds', async () => {
    await db.execute(sql`
      insert into ${clients} (owner_id, email, email_key, full_name)
      select ${owner.id}, 'n' || i || '@many.example', 'n' || i || '@many.example', 'Reader ' || i from generate_series(1, 50000) i`);
    const started = performance.now();
    const mailing = await created({ clientIds: [], found: ['@many.example'] });
    expect(performance.now() - started).toBeLessThan(10_000);
    const [row] = await db.execute<{ n: number }>(
      sql`select count(*)::int as n from ${mailingClients} where mailing_id = ${mailing.id}`,
    );
    expect(row?.n).toBe(50_000);
    expect(await countMailingClients(owner, mailing.id)).toMatchObject({ value: 10_000, exact: false });
    const page = await pickableClients(owner, { q: '@many', found: ['@many.example'] });
    expect(page.items.every((client) => client.chosen)).toBe(true);
    expect(await countChosen(owner, { found: ['@many.example'], clientIds: [], without: [] })).toEqual({
      value: 10_000,
      exact: false,
    });
  });

  const bad: [string, () => Partial<MailingInput>, string, string][] = [
    ['someone else’s message', () => ({ messageId: foreignMessageId }), 'messageId', 'not_found'],
    ['a message that does not exist', () => ({ messageId: 987_654_321 }), 'messageId', 'not_found'],
    ['no clients', () => ({ clientIds: [] }), 'clientIds', 'no_clients'],
    [
      'a search that finds nobody',
      () => ({ clientIds: [], found: ['nobody at all'] }),
      'clientIds',
      'no_clients',
    ],
    [
      'a client that does not exist',
      () => ({ clientIds: [...clientIds, 987_654_321] }),
      'clientIds',
      'not_found',
    ],
    ['an end before the start', () => ({ endsAt: '2026-11-30T09:00' }), 'endsAt', 'ends_before_start'],
    ['an end at the start', () => ({ endsAt: '2026-12-01T09:00' }), 'endsAt', 'ends_before_start'],
    [
      'an end that has passed',
      () => ({ startsAt: '2026-11-01T09:00', endsAt: '2026-11-19T09:00' }),
      'endsAt',
      'ends_in_past',
    ],
    ['an unknown zone', () => ({ zone: 'Europe/Atlantis' }), 'zone', 'unknown_zone'],
    ['an offset instead of a zone', () => ({ zone: '+03:00' }), 'zone', 'unknown_zone'],
    ['an impossible date', () => ({ startsAt: '2026-02-30T09:00' }), 'startsAt', 'impossible_date'],
    ['an impossible end', () => ({ endsAt: '2026-13-01T09:00' }), 'endsAt', 'impossible_date'],
    ['no date at all', () => ({ startsAt: '' }), 'startsAt', 'required'],
    [
      'a template that does not parse',
      () => ({ messageId: null, newSubject: 'Hello', newBody: '<p>{{ client.full_name </p>' }),
      'newBody',
      'template_broken',
    ],
    [
      'a message without a subject',
      () => ({ messageId: null, newSubject: '', newBody: '<p>Text</p>' }),
      'newSubject',
      'required',
    ],
    [
      'a line break in the subject',
      () => ({ messageId: null, newSubject: 'Hello\r\nBcc: all@shop.example', newBody: '<p>Text</p>' }),
      'newSubject',
      'one_line',
    ],
    [
      'a pasted line that is no address',
      () => ({
        newClients: 'anna@shop.example\nnot an address',
        messageId: null,
        newSubject: 'A',
        newBody: '<p>A</p>',
      }),
      'newClients',
      'invalid_lines',
    ],
  ];
  test.each(bad)('%s is refused at its field, and nothing is written', async (_, changes, field, code) => {
    const before = await written();
    const result = await createMailing(owner, input(changes()), db, clock);
    expect(result).toMatchObject({ ok: false, error: { fields: { [field]: { code } } } });
    expect(await written()).toEqual(before);
  });

  test('someone else’s client among the chosen is refused, and a message written in place is not left behind', async () => {
    const foreign = await createClient(db, stranger);
    const before = await written();
    const result = await createMailing(
      owner,
      input({ clientIds: [...clientIds, foreign.id], messageId: null, newSubject: 'A', newBody: '<p>A</p>' }),
      db,
      clock,
    );
    expect(result).toMatchObject({ ok: false, error: { fields: { clientIds: { code: 'not_found' } } } });
    expect(await written()).toEqual(before);
  });

  test('“all clients” wants at least one client', async () => {
    const newcomer = await createActor(db);
    const message = await createMessage(db, newcomer);
    const result = await createMailing(
      newcomer,
      input({ audience: 'all', messageId: message.id, clientIds: [] }),
      db,
      clock,
    );
    expect(result).toMatchObject({ ok: false, error: { fields: { clientIds: { code: 'no_clients' } } } });
  });

  test('everything that only the rows and the clock know is named at once, and nothing is written', async () => {
    const newcomer = await createActor(db);
    const before = await written();
    const result = await createMailing(
      newcomer,
      input({
        audience: 'all',
        clientIds: [],
        messageId: null,
        newSubject: 'A',
        newBody: '<p>{{ client.full_name </p>',
        startsAt: '2026-02-30T09:00',
      }),
      db,
      clock,
    );
    expect(result).toMatchObject({
      ok: false,
      error: {
        code: 'invalid',
        fields: {
          startsAt: { code: 'impossible_date' },
          newBody: { code: 'template_broken' },
          clientIds: { code: 'no_clients' },
        },
      },
    });
    expect(await written()).toEqual(before);
  });

  test('a half-filled form is told of its times and of missing clients beside what is empty', async () => {
    const newcomer = await createActor(db);
    const half = { audience: 'all', zone: 'Europe/Moscow', starts: 'later', startsAt: '2026-11-01T09:00' };
    expect(
      await alsoWrongWithMailing(
        newcomer,
        { ...half, endsAt: '2026-11-19T09:00', periodicity: 'daily' },
        db,
        clock,
      ),
    ).toEqual({ endsAt: { code: 'ends_in_past' }, clientIds: { code: 'no_clients' } });
    expect(
      await alsoWrongWithMailing(
        owner,
        { ...half, starts: 'now', startsAt: '', endsAt: '', periodicity: 'once' },
        db,
        clock,
      ),
    ).toEqual({});
  });

  test('a form names all of its mistakes at once: name, letter, clients and times', () => {
    const sent = { name: '', messageId: 'new', audience: 'chosen', zone: 'UTC', starts: 'later' };
    const codes = (changes: Record<string, string>) => {
      const { error } = mailingSchema.safeParse({ ...sent, ...changes });
      return Object.fromEntries(error?.issues.map((issue) => [issue.path.join('.'), issue.message]) ?? []);
    };
    expect(codes({ newSubject: '', newBody: '<p></p>', startsAt: '', endsAt: '', newClients: ' ' })).toEqual({
      name: 'required',
      newSubject: 'required',
      newBody: 'required',
      clientIds: 'no_clients',
      startsAt: 'required',
    });
    expect(
      codes({
        messageId: '1',
        clientIds: '1',
        audience: 'nobody',
        startsAt: '2026-12-01T09:00',
        endsAt: '2026-12-01T08:00',
      }),
    ).toEqual({ name: 'required', audience: 'invalid_value', endsAt: 'ends_before_start' });
  });

  test('the form refuses a name with a line break, an empty one, and one that is too long', () => {
    const name = (value: string) =>
      mailingSchema.safeParse({ ...input(), name: value }).error?.issues[0]?.message;
    expect(name('News\r\nBcc: everyone@shop.example')).toBe('one_line');
    expect(name('  ')).toBe('required');
    expect(name('x'.repeat(201))).toBe('too_long');
    expect(name('x'.repeat(200))).toBeUndefined();
  });
});

describe('editing a mailing', () => {
  test('an unchanged schedule keeps its next slot, also one sent back to the minute', async () => {
    const mailing = await created({ startsAt: 'now', periodicity: 'weekly' });
    const next = new Date('2026-11-27T12:00:00Z');
    await db
      .update(mailings)
      .set({ status: 'running', nextSlotAt: next, nextSlotIndex: 1 })
      .where(eq(mailings.id, mailing.id));
    const result = await updateMailing(
      owner,
      {
        ...input({ startsAt: mailing.startsLocal.slice(0, 16), periodicity: 'weekly', name: 'Other' }),
        mailingId: mailing.id,
      },
      db,
      clock,
    );
    expect(result.ok).toBe(true);
    expect(await findMailing(owner, mailing.id)).toMatchObject({
      name: 'Other',
      nextSlotAt: next,
      nextSlotIndex: 1,
      startsAt: now,
    });
  });

  test('a changed schedule of a mailing that has begun goes on with its first slot after now', async () => {
    const mailing = await created({ startsAt: '2026-11-01T09:00', periodicity: 'daily' });
    await db
      .update(mailings)
      .set({ status: 'running', nextSlotAt: new Date('2026-11-21T06:00:00Z'), nextSlotIndex: 20 })
      .where(eq(mailings.id, mailing.id));
    await updateMailing(
      owner,
      { ...input({ startsAt: '2026-11-01T10:30', periodicity: 'weekly' }), mailingId: mailing.id },
      db,
      clock,
    );
    expect(await findMailing(owner, mailing.id)).toMatchObject({
      status: 'running',
      nextSlotAt: new Date('2026-11-22T07:30:00Z'),
      nextSlotIndex: 3,
    });
  });

  test('a new schedule brings a completed mailing back', async () => {
    const mailing = await created();
    await db
      .update(mailings)
      .set({ status: 'completed', nextSlotAt: null })
      .where(eq(mailings.id, mailing.id));
    await updateMailing(
      owner,
      { ...input({ startsAt: '2026-12-24T09:00' }), mailingId: mailing.id },
      db,
      clock,
    );
    expect(await findMailing(owner, mailing.id)).toMatchObject({
      status: 'running',
      nextSlotAt: new Date('2026-12-24T06:00:00Z'),
    });
  });

  test('a new name leaves a completed mailing completed', async () => {
    const mailing = await created();
    await db
      .update(mailings)
      .set({ status: 'completed', nextSlotAt: null })
      .where(eq(mailings.id, mailing.id));
    const result = await updateMailing(
      owner,
      { ...input({ name: 'Other' }), mailingId: mailing.id },
      db,
      clock,
    );
    expect(result.ok).toBe(true);
    expect(await findMailing(owner, mailing.id)).toMatchObject({
      name: 'Other',
      status: 'completed',
      nextSlotAt: null,
    });
  });

  test('an end moved before the next slot ends a mailing that has nothing under way', async () => {
    const mailing = await created({ startsAt: '2026-11-19T09:00', periodicity: 'weekly' });
    await db
      .update(mailings)
      .set({ status: 'running', nextSlotAt: new Date('2026-11-26T06:00:00Z'), nextSlotIndex: 1 })
      .where(eq(mailings.id, mailing.id));
    const result = await updateMailing(
      owner,
      {
        ...input({ startsAt: '2026-11-19T09:00', periodicity: 'weekly', endsAt: '2026-11-22T09:00' }),
        mailingId: mailing.id,
      },
      db,
      clock,
    );
    expect(result.ok).toBe(true);
    expect(await findMailing(owner, mailing.id)).toMatchObject({ status: 'completed', nextSlotAt: null });
  });

  test('a schedule of a begun mailing that has no send left is refused', async () => {
    const mailing = await created();
    await db.update(mailings).set({ status: 'running', nextSlotAt: null }).where(eq(mailings.id, mailing.id));
    const result = await updateMailing(
      owner,
      { ...input({ startsAt: '2026-11-02T09:00' }), mailingId: mailing.id },
      db,
      clock,
    );
    expect(result).toMatchObject({ ok: false, error: { fields: { startsAt: { code: 'no_slot' } } } });
  });

  test('those chosen before stay chosen without being sent again, and single ones can go', async () => {
    const mailing = await created();
    const added = await createClient(db, owner);
    await updateMailing(
      owner,
      {
        ...input({ keep: true, clientIds: [added.id], without: clientIds.slice(0, 2) }),
        mailingId: mailing.id,
      },
      db,
      clock,
    );
    expect(await chosenOf(mailing.id)).toEqual([...clientIds.slice(2), added.id]);
  });

  test('a refused edit changes nothing, neither the mailing nor its clients', async () => {
    const mailing = await created();
    const result = await updateMailing(
      owner,
      {
        ...input({ name: 'Other', messageId: foreignMessageId, clientIds: clientIds.slice(0, 1) }),
        mailingId: mailing.id,
      },
      db,
      clock,
    );
    expect(result).toMatchObject({ ok: false, error: { fields: { messageId: { code: 'not_found' } } } });
    expect(await findMailing(owner, mailing.id)).toMatchObject({ name: 'Weekly news' });
    expect(await chosenOf(mailing.id)).toEqual(clientIds);
  });

  test('an admin’s change of another’s mailing is written to the audit log', async () => {
    const admin = await createActor(db, { isStaff: true, isSuperuser: true });
    const mailing = await created();
    const result = await updateMailing(
      admin,
      { ...input({ name: 'Mended' }), mailingId: mailing.id },
      db,
      clock,
    );
    expect(result.ok).toBe(true);
    expect(await findMailing(owner, mailing.id)).toMatchObject({ name: 'Mended', ownerId: owner.id });
    expect(await db.select().from(audit).where(eq(audit.targetId, mailing.id))).toMatchObject([
      { action: 'update_mailing', actorId: admin.id },
    ]);
  });
});

describe('deleting and duplicating', () => {
  test('a mailing without runs is deleted', async () => {
    const mailing = await created();
    expect(await deleteMailing(owner, { mailingId: mailing.id }, db, clock)).toEqual({
      ok: true,
      data: { archived: false },
    });
    expect(await findMailing(owner, mailing.id)).toBeNull();
  });

  test('a mailing with runs is stopped and archived; its history stays', async () => {
    const mailing = await created();
    const client = await createClient(db, owner);
    const run = await createRun(db, mailing, { openedAt: now });
    await createDelivery(db, run, client);
    expect(await deleteMailing(owner, { mailingId: mailing.id }, db, clock)).toEqual({
      ok: true,
      data: { archived: true },
    });
    expect((await listMailings(owner)).items).toEqual([]);
    expect(await findMailing(owner, mailing.id)).toMatchObject({
      status: 'completed',
      nextSlotAt: null,
      archivedAt: now,
    });
    expect((await listDeliveries(owner, { runId: run.id })).items).toMatchObject([{ status: 'cancelled' }]);
    expect(await updateMailing(owner, { ...input(), mailingId: mailing.id }, db, clock)).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
  });

  test('a completed mailing with runs can be deleted too', async () => {
    const mailing = await created();
    await createRun(db, mailing, { status: 'done', openedAt: now });
    await db
      .update(mailings)
      .set({ status: 'completed', nextSlotAt: null })
      .where(eq(mailings.id, mailing.id));
    expect(await deleteMailing(owner, { mailingId: mailing.id }, db, clock)).toEqual({
      ok: true,
      data: { archived: true },
    });
  });

  test('deleting while a run opens loses no run', async () => {
    for (let round = 0; round < 10; round += 1) {
      const mailing = await created();
      const [deleted] = await Promise.allSettled([
        deleteMailing(owner, { mailingId: mailing.id }, db, clock),
        createRun(db, mailing, { slotAt: now }),
      ]);
      if (deleted.status === 'rejected') throw deleted.reason;
      const left = await db.select().from(runs).where(eq(runs.mailingId, mailing.id));
      expect(Boolean(await findMailing(owner, mailing.id))).toBe(left.length > 0);
    }
  });

  test('a copy has the same message and clients, and is paused', async () => {
    const mailing = await created({
      startsAt: '2026-11-01T09:00',
      periodicity: 'daily',
      endsAt: '2026-11-30T09:00',
    });
    const result = await duplicateMailing(owner, { mailingId: mailing.id }, db, clock);
    if (!result.ok) throw new Error(result.error.code);
    const copy = await findMailing(owner, result.data.id);
    expect(copy).toMatchObject({
      name: 'Weekly news (2)',
      status: 'created',
      pausedAt: now,
      startsAt: now,
      messageId: mailing.messageId,
      endsAt: mailing.endsAt,
    });
    expect(await chosenOf(result.data.id)).toEqual(clientIds);
  });
});

test('the runs of a mailing are counted as they are listed, missed ones too, and those of no other', async () => {
  const mailing = await created();
  const other = await created();
  for (const [nth, status] of (['done', 'missed', 'done'] as const).entries())
    await createRun(db, mailing, {
      slotAt: new Date(now.getTime() + nth * 60_000),
      status,
      openedAt: now,
      closedAt: now,
    });
  await createRun(db, other, { openedAt: now });
  const { items, next } = await listRuns(owner, { mailingId: mailing.id, size: 2 });
  expect([items.length, next === null]).toEqual([2, false]);
  expect(await countRuns(owner, mailing.id)).toEqual({ value: 3, exact: true });
  expect(await countRuns(owner, other.id)).toEqual({ value: 1, exact: true });
});

describe('another person’s mailing is not there', () => {
  test('for reading, editing, deleting, duplicating and for its runs', async () => {
    const mailing = await created();
    const run = await createRun(db, mailing, { openedAt: now });
    await createDelivery(db, run, await createClient(db, owner));
    const { id: mailingId } = mailing;
    expect(await findMailing(stranger, mailingId)).toBeNull();
    expect(await mailingOverview(stranger, mailingId)).toBeNull();
    expect((await listMailings(stranger)).items).toEqual([]);
    expect((await listMailings(stranger, { everyone: true })).items).toEqual([]);
    expect((await listMailingClients(stranger, { mailingId })).items).toEqual([]);
    expect((await countMailingClients(stranger, mailingId)).value).toBe(0);
    expect(await countChosen(stranger, { mailingId, found: [], clientIds, without: [] })).toEqual({
      value: 0,
      exact: true,
    });
    expect((await listRuns(stranger, { mailingId })).items).toEqual([]);
    expect((await countRuns(stranger, mailingId)).value).toBe(0);
    expect(await findRun(stranger, { mailingId, runId: run.id })).toBeNull();
    expect((await listDeliveries(stranger, { runId: run.id })).items).toEqual([]);
    const refused = { ok: false, error: { code: 'not_found' } };
    expect(await updateMailing(stranger, { ...input(), mailingId }, db, clock)).toEqual(refused);
    expect(await deleteMailing(stranger, { mailingId }, db, clock)).toEqual(refused);
    expect(await duplicateMailing(stranger, { mailingId }, db, clock)).toEqual(refused);
  });

  test('a manager reads it and changes nothing', async () => {
    const manager = await createActor(db, { isStaff: true });
    const mailing = await created();
    expect(await findMailing(manager, mailing.id)).toMatchObject({ name: 'Weekly news' });
    expect((await listMailings(manager)).items).toEqual([]);
    expect(
      (await listMailings(manager, { everyone: true, q: 'weekly' })).items.map((row) => row.id),
    ).toContain(mailing.id);
    const refused = { ok: false, error: { code: 'not_found' } };
    expect(await updateMailing(manager, { ...input(), mailingId: mailing.id }, db, clock)).toEqual(refused);
    expect(await deleteMailing(manager, { mailingId: mailing.id }, db, clock)).toEqual(refused);
    expect(await duplicateMailing(manager, { mailingId: mailing.id }, db, clock)).toEqual(refused);
  });
});

describe('what lists and pages show', () => {
  test('the list pages without losing or repeating anything, and filters by status and name', async () => {
    const ids: number[] = [];
    for (let i = 0; i < 5; i += 1) ids.push((await created({ name: `Mailing ${i}` })).id);
    const seen: number[] = [];
    let after: string | undefined;
    do {
      const page = await listMailings(owner, { after, size: 2 });
      seen.push(...page.items.map((row) => row.id));
      after = page.next ?? undefined;
    } while (after);
    expect(seen).toEqual(ids.toReversed());
    await db
      .update(mailings)
      .set({ status: 'running', pausedAt: now })
      .where(eq(mailings.id, ids[0] ?? 0));
    expect((await listMailings(owner, { status: 'paused' })).items.map((row) => row.id)).toEqual([ids[0]]);
    expect((await listMailings(owner, { status: 'active' })).items).toEqual([]);
    expect((await listMailings(owner, { q: 'mailing 3' })).items.map((row) => row.id)).toEqual([ids[3]]);
    expect((await listMailings(owner, { q: '%' })).items).toEqual([]);
  });

  test('counts of a run equal its deliveries, and the overview tells the same', async () => {
    const mailing = await created();
    const run = await createRun(db, mailing, { slotAt: now });
    const people = await createClients(db, owner, 6);
    const statuses = ['sent', 'sent', 'failed', 'skipped', 'queued', 'unknown'] as const;
    for (const [index, status] of statuses.entries()) {
      const person = people[index];
      if (person) await createDelivery(db, run, person, { status });
    }
    const counts = {
      total: 6,
      queued: 1,
      sending: 0,
      sent: 2,
      failed: 1,
      skipped: 1,
      expired: 0,
      cancelled: 0,
      unknown: 1,
    };
    expect(await mailingOverview(owner, mailing.id)).toEqual({
      id: mailing.id,
      name: 'Weekly news',
      status: 'created',
      pausedAt: null,
      disabledAt: null,
      nextSlotAt: mailing.nextSlotAt,
      runs: [{ id: run.id, kind: 'scheduled', slotAt: now, status: 'open', counts }],
    });
    const failed = await listDeliveries(owner, { runId: run.id, status: 'failed' });
    expect(failed.items.map((row) => row.email)).toEqual([people[2]?.email]);
    const searched = await listDeliveries(owner, { runId: run.id, q: people[4]?.email.toUpperCase() });
    expect(searched.items.map((row) => row.clientId)).toEqual([people[4]?.id]);
    await db.delete(clients).where(eq(clients.id, people[4]?.id ?? 0));
    expect((await listDeliveries(owner, { runId: run.id, q: people[4]?.email })).items).toEqual(
      searched.items,
    );
  });

  test('a run whose mail server is in trouble shows as waiting, with the reason and until when', async () => {
    const mailing = await created();
    const run = await createRun(db, mailing, { openedAt: now, transport: 'smtp:mailer@smtp.example.org' });
    const until = new Date('2026-11-20T12:05:00Z');
    await db.execute(sql`
      insert into transports (name, waits_until, waits_since, wait_code, wait_response)
      values ('smtp:mailer@smtp.example.org', ${until.toISOString()}, ${now.toISOString()}, 'auth_refused', '535 5.7.8 no')`);
    expect(await findRun(owner, { mailingId: mailing.id, runId: run.id }, db, clock)).toMatchObject({
      status: 'waiting',
      wait: { code: 'auth_refused', response: '535 5.7.8 no', until },
    });
    const later = fixedClock(new Date(until.getTime() + 1));
    expect(await findRun(owner, { mailingId: mailing.id, runId: run.id }, db, later)).toMatchObject({
      status: 'open',
      wait: null,
    });
  });

  test('who gets nothing is counted beside who gets it', async () => {
    const mailing = await created();
    const [first] = await db
      .select()
      .from(clients)
      .where(eq(clients.id, clientIds[0] ?? 0));
    await createSuppression(db, owner, first?.email ?? '');
    expect(await countMailingClients(owner, mailing.id)).toEqual({ value: 3, exact: true, suppressed: 1 });
  });

  test('the preview of a schedule lists the next sends in the zone', () => {
    const timing = readTiming(
      { startsAt: '2027-01-31T09:00', zone: 'Europe/Moscow', periodicity: 'monthly', endsAt: null },
      now,
    );
    if (!timing.ok) throw new Error('refused');
    const sends = planSends(timing.data, false, false, now, 3);
    expect(sends.now).toBe(false);
    expect(sends.more).toBe(true);
    expect(sends.at.map((at) => at.toISOString())).toEqual([
      '2027-01-31T06:00:00.000Z',
      '2027-02-28T06:00:00.000Z',
      '2027-03-31T06:00:00.000Z',
    ]);
  });
});
