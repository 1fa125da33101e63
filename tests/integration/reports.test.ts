import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import { type AnswerKind, deliveryStatuses } from '@/db/enums';
import { attempts, formerAddresses, runCounts, runs } from '@/db/schema';
import {
  countAllAttempts,
  countAttempts,
  exportAttempts,
  findAttempt,
  listAllAttempts,
  listAttempts,
  listOtherAttempts,
} from '@/lib/attempts/queries';
import { attemptsSearched, csvLine, readAttemptsAsked, readClientsAsked } from '@/lib/attempts/schema';
import { deleteClient, updateClient } from '@/lib/clients/mutations';
import { listNextSends } from '@/lib/mailings/queries';
import { countOf } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import {
  findHighRefusal,
  listAnsweringDomains,
  listAnswers,
  listRates,
  mailingFigures,
  ownCounts,
} from '@/lib/reports/queries';
import { findRun, listDeliveries, listLastRuns } from '@/lib/runs/queries';
import { clientsChosen, clientsSearched } from '@/lib/runs/schema';
import {
  createActor,
  createAttempt,
  createClient,
  createClients,
  createDelivery,
  createMailing,
  createMessage,
  createRun,
} from '../support/factories';

let owner: Actor;
let stranger: Actor;

beforeEach(async () => {
  owner = await createActor(db);
  stranger = await createActor(db);
});

async function sentMailing(of: Actor, letters = 3) {
  const message = await createMessage(db, of);
  const mailing = await createMailing(db, of, { messageId: message.id });
  const run = await createRun(db, mailing);
  const people = await createClients(db, of, letters);
  for (const [index, person] of people.entries()) {
    const status = index === 0 ? 'failed' : 'sent';
    const delivery = await createDelivery(db, run, person, {
      status,
      kind: index === 0 ? 'address_unknown' : null,
    });
    await createAttempt(
      db,
      run,
      delivery,
      index === 0 ? { status: 'failure', code: 550, response: '550 5.1.1 no such user' } : {},
    );
  }
  return { mailing, run, people };
}

describe('reports', () => {
  test('what a mailing has done equals its rows, and is nothing to who may not see it', async () => {
    const first = await sentMailing(owner);
    await sentMailing(owner, 2);
    await sentMailing(stranger, 4);
    const done = { sent: 2, attemptsSucceeded: 2, attemptsFailed: 1, attemptsUnknown: 0 };
    expect(await mailingFigures(owner, first.mailing.id)).toEqual(done);
    expect((await mailingFigures(stranger, first.mailing.id)).sent).toBe(0);
    expect((await ownCounts(owner)).clients).toEqual({ value: 5, exact: true });
  });
});

describe('the dashboard', () => {
  test('warns of many refusals lately, says why where more than half have one reason, and not of a few, of long ago, or of another’s', async () => {
    const refused = async (of: Actor, failed: number, sent: number, openedAt: Date, spam = 2) => {
      const message = await createMessage(db, of);
      const mailing = await createMailing(db, of, { messageId: message.id });
      const run = await createRun(db, mailing, { openedAt, status: 'partly_done' });
      for (const [at, person] of (await createClients(db, of, failed + sent)).entries()) {
        const kind = at < failed ? (at < spam ? 'spam' : 'address_unknown') : null;
        const delivery = await createDelivery(db, run, person, { status: kind ? 'failed' : 'sent', kind });
        await createAttempt(db, run, delivery, kind ? { status: 'failure', code: 550, kind } : {});
      }
    };
    const week = new Date('2026-03-01T00:00Z');
    const within = new Date('2026-03-03T10:07Z');
    await refused(owner, 30, 0, new Date('2026-02-20T00:00Z'));
    await refused(stranger, 30, 0, within);
    expect(await findHighRefusal(owner, week)).toBeNull();
    await refused(owner, 9, 0, within);
    expect(await findHighRefusal(owner, week)).toBeNull();
    await refused(owner, 3, 10, within);
    expect(await findHighRefusal(owner, week)).toEqual({ failed: 12, sent: 10, kind: 'address_unknown' });
    // Half is not most.
    await refused(owner, 4, 0, within, 4);
    expect(await findHighRefusal(owner, week)).toEqual({ failed: 16, sent: 10, kind: null });
    // A twentieth is where it begins.
    await refused(owner, 0, 294, within);
    expect(await findHighRefusal(owner, week)).toMatchObject({ failed: 16, sent: 304 });
    await refused(owner, 0, 1, within);
    expect(await findHighRefusal(owner, week)).toBeNull();
  });

  test('tells what is sent next and to how many, and how the last runs ended, of one’s own', async () => {
    const people = await createClients(db, owner, 4);
    const chosen = await createMailing(db, owner, { clients: people.slice(0, 3) });
    const toAll = await createMailing(db, owner, { startsAt: new Date('2026-01-06T09:00Z') });
    await createMailing(db, owner, { pausedAt: new Date() });
    await createMailing(db, stranger);
    expect(await listNextSends(owner)).toMatchObject([
      { id: chosen.id, chosen: 3 },
      { id: toAll.id, chosen: null },
    ]);
    const [done, stopped] = [
      await createRun(db, chosen, { status: 'done' }),
      await createRun(db, toAll, { status: 'stopped' }),
    ];
    await createRun(db, toAll, { status: 'missed' });
    await createRun(db, toAll);
    expect((await listLastRuns(owner)).map(({ id }) => id)).toEqual([stopped.id, done.id]);
    expect(await listLastRuns(stranger)).toEqual([]);
  });
});

describe('attempts', () => {
  test('of a list whose number is shown are exactly so many, however it was narrowed down', async () => {
    const manager = await createActor(db, { isStaff: true });
    const walked = async <Filter>(
      list: (input: Filter & { after: string | undefined; size: number }) => Promise<{
        items: unknown[];
        next: string | null;
      }>,
      filter: Filter,
    ) => {
      let rows = 0;
      let after: string | undefined;
      do {
        const page = await list({ ...filter, after, size: 7 });
        rows += page.items.length;
        after = page.next ?? undefined;
      } while (after);
      return { value: rows, exact: true };
    };
    const results = [
      {},
      { status: 'failure', code: 550, kind: 'mailbox_full' },
      { status: 'failure', code: 550, kind: 'spam' },
      { status: 'unknown', kind: 'no_answer', response: '' },
      { status: 'unknown', kind: 'interrupted', response: '' },
      { status: 'failure', code: 450, kind: 'spam' },
    ] as const;
    const mine: { mailingId: number }[] = [];
    for (const [nth, who] of [owner, owner, stranger].entries()) {
      const mailing = await createMailing(db, who);
      mine.push({ mailingId: mailing.id });
      for (const isOver of [true, false]) {
        const run = await createRun(db, mailing, { openedAt: new Date(`2026-02-0${nth + 1}T09:50:00Z`) });
        for (const [at, person] of (await createClients(db, who, isOver ? 5 : 6 + nth)).entries()) {
          const { status, kind = null }: { status?: 'failure' | 'unknown'; kind?: AnswerKind | null } =
            results[at % results.length] ?? {};
          const stands = status === 'failure' ? 'failed' : (status ?? 'sent');
          const delivery = await createDelivery(db, run, person, { status: stands, kind });
          for (const minutes of kind === 'spam' ? [0, 35] : [5])
            await createAttempt(db, run, delivery, {
              ...results[at % results.length],
              attemptedAt: new Date(run.openedAt.getTime() + minutes * 60_000),
            });
        }
        if (isOver)
          await db
            .update(runs)
            .set({ status: 'partly_done', closedAt: new Date() })
            .where(eq(runs.id, run.id));
      }
    }
    const [first] = mine;
    if (!first) throw new Error('no mailing');
    const days = { from: new Date('2026-02-01T10:00:00Z'), until: new Date('2026-02-02T10:15:00Z') };
    const statuses = ['success', 'failure', 'unknown'] as const;
    const kinds = ['mailbox_full', 'spam', 'no_answer', 'interrupted', 'tls'] as const;
    const narrowed = [
      {},
      { from: days.from },
      { until: days.until },
      days,
      ...statuses.flatMap((status) => [{ status }, { status, ...days }]),
      ...kinds.map((kind) => ({ kind })),
    ];
    const seen = new Set<number>();
    for (const filter of narrowed) {
      for (const of of [{}, ...mine]) {
        const found = await walked((input) => listAttempts(owner, input), { ...of, ...filter });
        expect(await countAttempts(owner, { ...of, ...filter }), JSON.stringify({ of, filter })).toEqual(
          found,
        );
        seen.add(found.value);
      }
      for (const whose of [{}, { owner: owner.email }, { owner: 'nobody is called so' }])
        expect(
          await countAllAttempts(manager, { ...whose, ...filter }),
          JSON.stringify({ whose, filter }),
        ).toEqual(
          'owner' in whose && whose.owner !== owner.email
            ? null
            : await walked((input) => listAllAttempts(manager, input), { ...whose, ...filter }),
        );
      expect(await countAllAttempts(owner, filter)).toEqual(await countAttempts(owner, filter));
    }
    expect(seen.size).toBeGreaterThan(6);
    // Of what the sums do not tell there is no number.
    for (const filter of [
      { q: 'spam' },
      { kind: 'spam' as const, status: 'failure' as const },
      { kind: 'spam' as const, ...days },
      { from: new Date('2026-02-01T10:07:00Z') },
    ])
      expect(await countAttempts(owner, filter)).toBeNull();
    // But for what stands on one page whole.
    const found = await listAttempts(owner, { kind: 'mailbox_full', status: 'failure' });
    expect(countOf(found, undefined, null)).toEqual({ value: found.items.length, exact: true });
    expect(countOf({ ...found, next: 'more' }, undefined, null)).toBeNull();
    expect(countOf(found, 'before', null)).toBeNull();
  });

  test('clients of a run that fit a choice are as many as it says', async () => {
    const mailing = await createMailing(db, owner);
    const run = await createRun(db, mailing);
    const ends = [
      { status: 'sent' },
      { status: 'failed', kind: 'spam' },
      { status: 'failed', kind: 'spam' },
      { status: 'failed', kind: 'mailbox_full' },
      { status: 'unknown', kind: 'no_answer' },
      { status: 'expired' },
      { status: 'queued' },
    ] as const;
    for (const end of ends) await createDelivery(db, run, await createClient(db, owner), end);
    const found = await findRun(owner, { mailingId: mailing.id, runId: run.id });
    const kinds = await listAnswers(owner, { runId: run.id });
    if (!found) throw new Error('no run');
    for (const status of [null, ...deliveryStatuses])
      for (const kind of [null, 'spam', 'mailbox_full', 'no_answer', 'tls'] as const) {
        const { items } = await listDeliveries(owner, { runId: run.id, status, kind });
        expect(clientsChosen({ status, kind }, found.counts, kinds), `${status} ${kind}`).toEqual({
          value: items.length,
          exact: true,
        });
      }
    expect(clientsChosen({ q: 'a', status: null, kind: null }, found.counts, kinds)).toBeNull();
  });

  test('of more runs than are added up are more than 10,000, or no number is told', async () => {
    const mailing = await createMailing(db, owner);
    await db.execute(sql`
      insert into runs (mailing_id, owner_id, kind, status, subject, body, from_name, from_email, reply_to, link_base, opened_at, closed_at,
        served_at)
      select ${mailing.id}, ${owner.id}, 'manual', 'done', '', '', '', '', '', '', now(), now(), now() from generate_series(1, 10001)`);
    expect(await countAttempts(owner)).toBeNull();
    await db.update(runCounts).set({ attemptsSucceeded: 2 }).where(eq(runCounts.mailingId, mailing.id));
    expect(await countAttempts(owner)).toEqual({ value: 10_000, exact: false });
    expect(await countAttempts(owner, { status: 'failure' })).toBeNull();
    expect(await countAttempts(stranger)).toEqual({ value: 0, exact: true });
  });

  test('are listed newest first, of one’s own, by mailing and result, page by page', async () => {
    const { mailing } = await sentMailing(owner, 5);
    await sentMailing(stranger);
    const seen: number[] = [];
    let after: string | undefined;
    do {
      const page = await listAttempts(owner, { after, size: 2 });
      seen.push(...page.items.map((row) => row.id));
      after = page.next ?? undefined;
    } while (after);
    expect(seen).toHaveLength(5);
    expect(seen).toEqual(seen.toSorted((a, b) => b - a));
    const failed = await listAttempts(owner, { mailingId: mailing.id, status: 'failure' });
    expect(failed.items).toMatchObject([{ code: 550, response: '550 5.1.1 no such user' }]);
  });

  test('are found by the client’s address and by the server’s answer, page by page, among one’s own only', async () => {
    const { people } = await sentMailing(owner, 5);
    await sentMailing(stranger, 5);
    const manager = await createActor(db, { isStaff: true });
    const first = people[0]?.email ?? '';
    expect((await listAttempts(owner, { q: first.toUpperCase() })).items.map((row) => row.email)).toEqual([
      first,
    ]);
    expect((await listAttempts(stranger, { q: first })).items).toEqual([]);
    const refused = await listAttempts(owner, { q: ' NO SUCH user' });
    expect(refused.items).toMatchObject([{ response: '550 5.1.1 no such user' }]);
    expect(refused).toMatchObject({ next: null, searchedTo: null });
    expect((await listAttempts(owner, { q: 'no such user', status: 'success' })).items).toEqual([]);
    expect((await listAttempts(owner, { q: '%' })).items).toEqual([]);
    expect((await listAllAttempts(manager, { q: first })).items.map((row) => row.email)).toEqual([first]);
    expect((await listAllAttempts(owner, { q: 'no such user' })).items).toHaveLength(1);

    const seen: number[] = [];
    let after: string | undefined;
    do {
      const page = await listAttempts(owner, { q: '@', after, size: 2 });
      seen.push(...page.items.map((row) => row.id));
      after = page.next ?? undefined;
    } while (after);
    expect(seen).toHaveLength(5);
    expect(seen).toEqual(seen.toSorted((a, b) => b - a));
  });

  test('more than a page of a search looks through are searched page by page, and each says how far it came', async () => {
    const { mailing, run, people } = await sentMailing(owner);
    const [{ id: deliveryId, batchId } = { id: 0, batchId: 0 }] = await db
      .select({ id: attempts.deliveryId, batchId: attempts.batchId })
      .from(attempts)
      .where(eq(attempts.runId, run.id))
      .limit(1);
    await db.execute(sql`
      insert into ${attempts} (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, code, response, stage, transport)
      select ${deliveryId}::bigint, ${run.id}::bigint, ${mailing.id}::bigint, ${owner.id}::bigint, ${batchId}::bigint,
        '2026-11-20T09:00Z'::timestamptz, 'success', 250, '250 taken', 'dot', 'smtp'
      from generate_series(1, ${attemptsSearched})`);
    const first = await listAttempts(owner, { q: 'no such user' });
    expect(first.items).toEqual([]);
    expect(first.searchedTo).toEqual(new Date('2026-11-20T09:00Z'));
    const second = await listAttempts(owner, { q: 'no such user', after: first.next ?? undefined });
    expect(second.items).toMatchObject([{ response: '550 5.1.1 no such user' }]);
    expect(second).toMatchObject({ next: null, searchedTo: null });
    expect(people).toHaveLength(3);
    // Who is a client now is found by a whole address among all, however long ago it was.
    const last = people.at(-1)?.email ?? '';
    const ofLast = { items: [{ email: last }], next: null, searchedTo: null };
    expect(await listAttempts(owner, { q: ` ${last.toUpperCase()} ` })).toMatchObject(ofLast);
    expect(await listAllAttempts(await createActor(db, { isStaff: true }), { q: last })).toMatchObject(
      ofLast,
    );
    expect((await listAttempts(owner, { q: last, status: 'unknown' })).items).toEqual([]);
    // And so is who was one, by every address under which letters came, also when somebody else has it now.
    const [, gone, moved] = people;
    if (!gone || !moved) throw new Error('three were mailed');
    await deleteClient(owner, { id: gone.id });
    await updateClient(owner, { id: moved.id, email: 'moved@away.example', fullName: '', comment: '' });
    await createClient(db, owner, { email: gone.email });
    for (const email of [gone.email, moved.email]) {
      const found = { items: [{ email }], next: null, searchedTo: null };
      expect(await listAttempts(owner, { q: email.toUpperCase() })).toMatchObject(found);
      expect(await listAllAttempts(await createActor(db, { isStaff: true }), { q: email })).toMatchObject(
        found,
      );
      expect(await listDeliveries(owner, { runId: run.id, q: email })).toMatchObject({ items: [{ email }] });
    }
    const kept = () => db.select().from(formerAddresses).where(eq(formerAddresses.ownerId, owner.id));
    expect(await kept()).toHaveLength(2);
    // Whoever never got a letter is forgotten.
    const never = await createClient(db, owner, { email: 'never@away.example' });
    await deleteClient(owner, { id: never.id });
    expect(await kept()).toHaveLength(2);
    // What was not taken is not looked for among what was.
    for (const rare of [
      { mailingId: mailing.id, status: 'failure' },
      { status: 'failure' },
      { kind: 'address_unknown' },
      { mailingId: mailing.id, kind: 'address_unknown', q: 'such user' },
    ] as const)
      expect(await listAttempts(owner, rare)).toMatchObject({ items: [{ code: 550 }], next: null });
    expect((await listAttempts(owner, { kind: 'spam' })).items).toEqual([]);
    const ofDay = (day: string) => readAttemptsAsked({ from: day, to: day }, 'UTC').filter;
    expect(await listAttempts(owner, { ...ofDay('2026-01-05'), q: 'such user' })).toMatchObject({
      items: [{ code: 550 }],
      next: null,
      searchedTo: null,
    });
    expect((await listAttempts(owner, ofDay('2026-01-06'))).items).toEqual([]);
    const manager = await createActor(db, { isStaff: true });
    expect(await listAllAttempts(manager, { owner: owner.email, kind: 'address_unknown' })).toMatchObject({
      items: [{ ownerEmail: owner.email }],
    });
  });

  test('of a long run are searched by a part of a name page by page, and each page says how many it looked at', async () => {
    const mailing = await createMailing(db, owner);
    const run = await createRun(db, mailing);
    await db.execute(sql`
      insert into deliveries (run_id, client_id, email, full_name, status)
      select ${run.id}, 900000 + n, 'reader' || n || '@clients.example', case when n in (7, 5300) then 'Rare Bird' else 'Reader' end, 'queued'
      from generate_series(1, ${2 * clientsSearched + 5}::int) n`);
    const input = { runId: run.id, q: 'rare b' };
    const first = await listDeliveries(owner, input);
    expect(first.items.map((row) => row.clientId)).toEqual([900_007]);
    expect(first.searched).toBe(clientsSearched);
    const second = await listDeliveries(owner, { ...input, after: first.next ?? '' });
    expect(second.items.map((row) => row.clientId)).toEqual([905_300]);
    expect(second.searched).toBe(clientsSearched);
    const third = await listDeliveries(owner, { ...input, after: second.next ?? '' });
    expect(third).toEqual({ items: [], next: null, searched: null });
    expect(await listDeliveries(stranger, input)).toEqual({ items: [], next: null, searched: null });
    expect((await listDeliveries(owner, { ...input, status: 'failed' })).searched).toBeNull();
  });

  test('of another’s mailing are not there, except to a manager', async () => {
    const { mailing, run } = await sentMailing(stranger);
    const manager = await createActor(db, { isStaff: true });
    expect((await listAttempts(owner, { mailingId: mailing.id })).items).toEqual([]);
    const { items } = await listAttempts(manager, { mailingId: mailing.id });
    expect(items).toHaveLength(3);
    expect(await findAttempt(owner, items[0]?.id ?? 0)).toBeNull();
    expect(await findAttempt(manager, items[0]?.id ?? 0)).toMatchObject({ mailingId: mailing.id });
    expect((await listAttempts(manager)).items).toEqual([]);
    for (const of of [{ runId: run.id }, { mailingId: mailing.id }]) {
      expect(await listAnswers(owner, of)).toEqual([]);
      expect(await listAnsweringDomains(owner, of)).toEqual([]);
      expect(await listAnswers(manager, of)).toMatchObject([{ kind: 'address_unknown', failed: 1 }]);
    }
    expect((await listRates(owner, run.id)).steps).toEqual([]);
    expect((await listRates(manager, run.id)).steps).toMatchObject([{ succeeded: 2, failed: 1, unknown: 0 }]);
  });

  test('of a period, a kind and a mailing’s name are found together, a page after the other', async () => {
    const message = await createMessage(db, owner);
    const mailing = await createMailing(db, owner, { messageId: message.id, name: 'Autumn letter' });
    const run = await createRun(db, mailing);
    const [person] = await createClients(db, owner, 1);
    if (!person) throw new Error('nobody');
    const delivery = await createDelivery(db, run, person);
    const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 20, 55 + minute));
    // Written in another order than they were made.
    for (const minute of [3, 9, 1, 7, 5])
      await createAttempt(db, run, delivery, {
        attemptedAt: at(minute),
        status: 'failure',
        code: 451,
        response: '451 4.7.1 greylisted',
        kind: 'greylisted',
      });
    await sentMailing(owner);
    const moscow = readAttemptsAsked(
      { q: 'autumn', kind: 'greylisted', from: '2026-03-02', to: '2026-03-02' },
      'Europe/Moscow',
    );
    expect(moscow.errors).toEqual({});
    // The second of March begins at 21:00 UTC there: minute 5.
    const seen: number[] = [];
    let after: string | undefined;
    do {
      const page = await listAttempts(owner, { ...moscow.filter, after, size: 2 });
      seen.push(...page.items.map((row) => row.attemptedAt.getTime()));
      after = page.next ?? undefined;
    } while (after);
    expect(seen).toEqual([9, 7, 5].map((minute) => at(minute).getTime()));
    expect((await listAttempts(owner, { q: 'autumn' })).items).toHaveLength(5);
    expect((await listAttempts(stranger, { q: 'autumn' })).items).toEqual([]);
    const [{ id } = { id: 0 }] = (await listAttempts(owner, { q: 'autumn', size: 1 })).items;
    expect(await listOtherAttempts(owner, { id, deliveryId: delivery.id })).toHaveLength(4);
    expect(await listOtherAttempts(stranger, { id, deliveryId: delivery.id })).toEqual([]);
  });

  test('of everybody in a period are listed newest first, page after page, by kind and by owner too', async () => {
    const manager = await createActor(db, { isStaff: true });
    const at = (minute: number) => new Date(Date.UTC(2026, 4, 1, 9, 0) + minute * 60_000);
    const made: Record<string, number[]> = {};
    for (const [whose, minutes] of [
      [owner, [0, 14, 15, 29, 31, 44, 59]],
      [stranger, [1, 15, 30, 46, 58]],
    ] as const) {
      const message = await createMessage(db, whose);
      const mailing = await createMailing(db, whose, { messageId: message.id });
      const run = await createRun(db, mailing);
      const [person] = await createClients(db, whose, 1);
      if (!person) throw new Error('nobody');
      const delivery = await createDelivery(db, run, person);
      // Written in another order than they were made; those at odd minutes were not taken.
      for (const minute of minutes.toReversed())
        await createAttempt(db, run, delivery, {
          attemptedAt: at(minute),
          ...(minute % 2 ? { status: 'failure', code: 552, response: '552 full', kind: 'mailbox_full' } : {}),
        });
      made[whose.email] = [...minutes];
    }
    const all = Object.values(made).flat();
    const walk = async (actor: Actor, asked: Parameters<typeof listAllAttempts>[1]) => {
      const seen: number[] = [];
      let after: string | undefined;
      do {
        const page = await listAllAttempts(actor, { ...asked, after, size: 2 });
        seen.push(...page.items.map((row) => (row.attemptedAt.getTime() - at(0).getTime()) / 60_000));
        after = page.next ?? undefined;
      } while (after);
      return seen;
    };
    const newestFirst = (minutes: number[]) => minutes.toSorted((a, b) => b - a);
    const hour = { from: at(0), until: at(60) };
    expect(await walk(manager, hour)).toEqual(newestFirst(all));
    expect(await walk(manager, { from: at(14), until: at(46) })).toEqual(
      newestFirst(all.filter((minute) => minute >= 14 && minute < 46)),
    );
    expect(await walk(manager, { ...hour, kind: 'mailbox_full' })).toEqual(
      newestFirst(all.filter((minute) => minute % 2)),
    );
    expect(await walk(manager, { ...hour, q: '552', status: 'failure' })).toEqual(
      newestFirst(all.filter((minute) => minute % 2)),
    );
    expect(await walk(manager, { ...hour, status: 'success' })).toEqual(
      newestFirst(all.filter((minute) => minute % 2 === 0)),
    );
    expect(await walk(manager, { ...hour, owner: stranger.email })).toEqual(
      newestFirst(made[stranger.email] ?? []),
    );
    expect(await walk(manager, { from: at(60), until: at(90) })).toEqual([]);
    expect(await walk(owner, hour)).toEqual(newestFirst(made[owner.email] ?? []));
  });

  test('asked for by a choice that makes no sense are refused field by field', () => {
    const wrong = (asked: Record<string, string | string[]>) => {
      const { errors } = readAttemptsAsked(asked, 'UTC');
      return Object.fromEntries(Object.entries(errors).map(([name, error]) => [name, error.code]));
    };
    expect(wrong({})).toEqual({});
    expect(wrong({ q: ' x '.repeat(60), status: 'failure', kind: 'spam', mailing: '7' })).toEqual({});
    expect(wrong({ q: 'x'.repeat(10_000), owner: 'x'.repeat(10_000) })).toEqual({
      q: 'too_long',
      owner: 'too_long',
    });
    // What was typed is still there to be mended.
    expect(readAttemptsAsked({ q: 'x'.repeat(10_000) }, 'UTC').asked.q).toHaveLength(10_000);
    expect(wrong({ from: '2026-03-02', to: '2026-03-01' })).toEqual({ to: 'to_before_from' });
    expect(wrong({ from: '2026-02-30', to: 'x'.repeat(10_000) })).toEqual({
      from: 'invalid_date',
      to: 'invalid_date',
    });
    expect(wrong({ status: 'nice', kind: 'constructor', mailing: "7' or 1=1" })).toEqual({
      status: 'invalid_value',
      kind: 'invalid_value',
      mailing: 'invalid_value',
    });
    expect(wrong({ mailing: '-1' })).toEqual({ mailing: 'invalid_value' });
    expect(wrong({ status: ['failure', 'success'] })).toEqual({});
  });

  test('behind a cursor that was tampered with begin at their beginning, and the page knows why', async () => {
    await sentMailing(owner, 3);
    const { next } = await listAttempts(owner, { size: 1 });
    expect(readAttemptsAsked({ after: next ?? '' }, 'UTC')).toMatchObject({ after: next, isDamaged: false });
    expect(readAttemptsAsked({}, 'UTC')).toMatchObject({ after: undefined, isDamaged: false });
    const word = (keys: unknown) => Buffer.from(JSON.stringify(keys)).toString('base64url');
    const tampered = [
      ...['x', '%00', next?.slice(0, -3) ?? '', `${next}`.repeat(40)],
      ...[[], [1], [1, 'x'], [1.5, 2], [1, 2, 3], { id: 1 }, "1' or 1=1"].map(word),
    ];
    for (const after of tampered) {
      const asked = readAttemptsAsked({ after, q: 'kept' }, 'UTC');
      expect(asked, after).toMatchObject({ after: undefined, isDamaged: true, errors: {} });
      expect(asked.asked.q).toBe('kept');
      expect((await listAttempts(owner, { after: asked.after })).items, after).toHaveLength(3);
      expect(readClientsAsked({ after, status: 'failed' })).toMatchObject(
        after === word([1])
          ? { after, isDamaged: false }
          : { after: undefined, isDamaged: true, status: 'failed' },
      );
    }
    expect(readAttemptsAsked({ after: ['a', 'b'] }, 'UTC').isDamaged).toBe(true);
    // One that is well formed and of no attempt leads before or behind all of them.
    expect((await listAttempts(owner, { after: word([1, 2 ** 53 - 1]) })).items).toHaveLength(3);
    expect((await listAttempts(owner, { after: word([2 ** 53 - 1, 1 - 2 ** 53]) })).items).toEqual([]);
  });

  test('of a run’s clients that no choice fits are refused field by field', () => {
    expect(
      readClientsAsked({ q: 'x'.repeat(10_000), status: 'nice', kind: 'constructor' }).errors,
    ).toMatchObject({
      q: { code: 'too_long' },
      status: { code: 'invalid_value' },
      kind: { code: 'invalid_value' },
    });
    expect(readClientsAsked({ q: ' anna ', status: 'failed', kind: 'spam' })).toMatchObject({
      q: 'anna',
      status: 'failed',
      kind: 'spam',
      errors: {},
    });
  });

  test('of an address that got hundreds of letters are listed newest first, an old letter that was tried again lately too', async () => {
    const actor = await createActor(db);
    const mailing = await createMailing(db, actor);
    const client = await createClient(db, actor, { email: 'often@hundreds.example' });
    // Runs an hour and a half apart, or all in one hour.
    for (const minutes of [90, 0.1]) {
      const from = minutes === 90 ? '2026-01-01T00:00Z' : '2026-03-01T00:00Z';
      await db.execute(sql`
        with made as (
          insert into runs (mailing_id, owner_id, kind, slot_at, status, subject, body, from_name, from_email, reply_to, link_base,
            transport, opened_at, closed_at, served_at)
          select ${mailing.id}::bigint, ${actor.id}::bigint, 'scheduled', at, 'done', '', '', '', '', '', '', 'smtp', at, at, at
          from (select ${from}::timestamptz + n * ${minutes}::float8 * interval '1 minute' as at from generate_series(1, 230) n) times
          returning id, opened_at
        )
        insert into deliveries (run_id, client_id, email, full_name, status, tries, ended_at)
        select id, ${client.id}::bigint, 'often@hundreds.example', '', 'sent', 1,
          opened_at + case when opened_at = min(opened_at) over () then interval '20 days' else interval '1 second' end
        from made`);
      // The first letter of all was tried once more, after all others.
      await db.execute(sql`
        insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, code, response, stage, transport)
        select d.id, d.run_id, ${mailing.id}::bigint, ${actor.id}::bigint, 1, at, 'success', 250, '', 'dot', 'smtp'
        from deliveries d join runs r on r.id = d.run_id
        cross join lateral unnest(case when d.ended_at > r.opened_at + interval '1 day' then array[r.opened_at, d.ended_at] else array[r.opened_at] end) at
        where d.client_id = ${client.id} and r.opened_at > ${from}::timestamptz`);
      const all = await db.execute<{ id: string }>(
        sql`select id from attempts where owner_id = ${actor.id} order by attempted_at desc, id desc`,
      );
      const walked: number[] = [];
      let after: string | undefined;
      do {
        const page = await listAttempts(actor, { q: 'often@hundreds.example', after });
        walked.push(...page.items.map(({ id }) => id));
        after = page.next ?? undefined;
      } while (after);
      expect(walked).toEqual(all.map(({ id }) => Number(id)));
    }
  });

  test('are exported whole, oldest first, and another’s export is empty', async () => {
    const { mailing, run, people } = await sentMailing(owner);
    const rows = [];
    for await (const chunk of exportAttempts(owner, { mailingId: mailing.id })) rows.push(...chunk);
    expect(rows.map((row) => row.email)).toEqual(people.map((person) => person.email));
    expect(rows[0]).toMatchObject({ status: 'failure', server_response: '550 5.1.1 no such user' });
    const ofRun = [];
    for await (const chunk of exportAttempts(owner, { mailingId: mailing.id, runId: run.id }))
      ofRun.push(...chunk);
    expect(ofRun).toEqual(rows);
    const otherRun = [];
    for await (const chunk of exportAttempts(owner, { mailingId: mailing.id, runId: run.id + 1 }))
      otherRun.push(...chunk);
    expect(otherRun).toEqual([]);
    const foreign = [];
    for await (const chunk of exportAttempts(stranger, { mailingId: mailing.id })) foreign.push(...chunk);
    expect(foreign).toEqual([]);
  });

  test('a cell that a spreadsheet would run as a formula is made harmless', () => {
    expect(csvLine(['=HYPERLINK("http://x")', '+1', 'a,b', 5])).toBe(
      `"'=HYPERLINK(""http://x"")",'+1,"a,b",5\r\n`,
    );
  });
});
