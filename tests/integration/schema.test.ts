import { and, eq, sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import { attempts } from '@/db/schema/attempts';
import { audit } from '@/db/schema/audit';
import { batches } from '@/db/schema/batches';
import { clientAddresses, clients } from '@/db/schema/clients';
import { deliveries } from '@/db/schema/deliveries';
import { mailings } from '@/db/schema/mailings';
import { messages } from '@/db/schema/messages';
import { postSlugs, posts, postViews, postVisits } from '@/db/schema/posts';
import { runCounts, runs, runTallies } from '@/db/schema/runs';
import { totals } from '@/db/schema/totals';
import { users } from '@/db/schema/users';
import { databaseErrorCode } from '@/lib/errors';
import { rawConnection } from '@/tests/support/database';
import {
  createAttempt,
  createBatch,
  createClient,
  createClients,
  createDelivery,
  createMailing,
  createMessage,
  createPost,
  createRun,
  createUser,
} from '@/tests/support/factories';

const codes = { unique: '23505', foreign: '23503', check: '23514', history: '23000' };

/** The code of the refusal; fails when the database took the statement. */
async function refusal(statement: PromiseLike<unknown>): Promise<string | null> {
  try {
    await statement;
  } catch (error) {
    return databaseErrorCode(error);
  }
  throw new Error('the database took it');
}

async function total(name: string): Promise<number> {
  const [row] = await db
    .select({ value: sql<number>`coalesce(sum(${totals.value}), 0)::int` })
    .from(totals)
    .where(eq(totals.name, name));
  return row?.value ?? 0;
}

async function distinctAddresses(): Promise<number> {
  const [row] = await db
    .select({ value: sql<number>`count(distinct ${clients.emailKey})::int` })
    .from(clients);
  return row?.value ?? 0;
}

/** Addresses whose kept count is not the number of clients that bear them; empty when all is well. */
async function miscounted() {
  return db.execute(sql`
    select coalesce(a.email_key, c.email_key) as email_key, a.clients as kept, c.n as real
    from client_addresses a full join (select email_key, count(*)::int as n from clients group by email_key) c using (email_key)
    where a.clients is distinct from c.n`);
}

async function countsOf(runId: number) {
  const [row] = await db.select().from(runTallies).where(eq(runTallies.runId, runId));
  if (!row) throw new Error('the run has no counts');
  return row;
}

async function ledger() {
  const owner = await createUser(db);
  const mailing = await createMailing(db, owner, { status: 'running' });
  const run = await createRun(db, mailing);
  return { owner, mailing, run };
}

describe('the number of unique clients', () => {
  test('counts an address once, however many users have it', async () => {
    const before = await total('unique_clients');
    const [ada, ben] = [await createUser(db), await createUser(db)];
    await createClient(db, ada, { email: 'shared@people.example' });
    await createClient(db, ben, { email: 'Shared@people.example' });
    await createClient(db, ben, { email: 'other@people.example' });
    expect(await total('unique_clients')).toBe(before + 2);
    const [row] = await db
      .select()
      .from(clientAddresses)
      .where(eq(clientAddresses.emailKey, 'shared@people.example'));
    expect(row?.clients).toBe(2);
  });

  test('falls only when the last client of an address goes', async () => {
    const [ada, ben] = [await createUser(db), await createUser(db)];
    const first = await createClient(db, ada, { email: 'leaving@people.example' });
    const second = await createClient(db, ben, { email: 'leaving@people.example' });
    const before = await total('unique_clients');
    await db.delete(clients).where(eq(clients.id, first.id));
    expect(await total('unique_clients')).toBe(before);
    await db.delete(clients).where(eq(clients.id, second.id));
    expect(await total('unique_clients')).toBe(before - 1);
    expect(await db.$count(clientAddresses, eq(clientAddresses.emailKey, 'leaving@people.example'))).toBe(0);
  });

  test('follows a changed address, and stays when only letters change their case or the name changes', async () => {
    const owner = await createUser(db);
    const client = await createClient(db, owner, { email: 'old@people.example' });
    const before = await total('unique_clients');
    await db
      .update(clients)
      .set({ fullName: 'New Name', email: 'OLD@people.example' })
      .where(eq(clients.id, client.id));
    expect(await total('unique_clients')).toBe(before);
    await db
      .update(clients)
      .set({ email: 'new@people.example', emailKey: 'new@people.example' })
      .where(eq(clients.id, client.id));
    expect(await total('unique_clients')).toBe(before);
    expect(await miscounted()).toHaveLength(0);
  });

  test('is right when addresses are exchanged or merged in one statement', async () => {
    const owners = [await createUser(db), await createUser(db), await createUser(db)];
    for (const [index, owner] of owners.entries())
      await createClient(db, owner, { email: `swap${index}@people.example` });
    const before = await total('unique_clients');
    await db
      .update(clients)
      .set({
        emailKey: sql`'swap' || ((substr(${clients.emailKey}, 5, 1)::int + 1) % 3) || '@people.example'`,
      })
      .where(sql`${clients.emailKey} like 'swap%'`);
    expect(await total('unique_clients')).toBe(before);
    await db
      .update(clients)
      .set({ emailKey: 'merged@people.example' })
      .where(sql`${clients.emailKey} like 'swap%'`);
    expect(await total('unique_clients')).toBe(before - 2);
    expect(await miscounted()).toHaveLength(0);
  });

  test('goes down with a deleted account', async () => {
    const owner = await createUser(db);
    const before = await total('unique_clients');
    await createClients(db, owner, 250);
    expect(await total('unique_clients')).toBe(before + 250);
    await db.delete(users).where(eq(users.id, owner.id));
    expect(await total('unique_clients')).toBe(before);
    expect(await miscounted()).toHaveLength(0);
  });

  test('a row skipped by an import that finds it again is not counted twice', async () => {
    const owner = await createUser(db);
    const row = { ownerId: owner.id, email: 'again@people.example', emailKey: 'again@people.example' };
    await db.insert(clients).values(row);
    const before = await total('unique_clients');
    await db.insert(clients).values(row).onConflictDoNothing();
    await db
      .insert(clients)
      .values({ ...row, fullName: 'Changed' })
      .onConflictDoUpdate({ target: [clients.ownerId, clients.emailKey], set: { fullName: 'Changed' } });
    expect(await total('unique_clients')).toBe(before);
    expect(await miscounted()).toHaveLength(0);
  });

  test('stays true while many connections add, change and delete clients of the same addresses at once', async () => {
    const owners = await Promise.all(Array.from({ length: 8 }, () => createUser(db)));
    const pool = rawConnection(8);
    const address = (n: number) => `race${n}@people.example`;
    // A fixed sequence, so that a failure can be repeated.
    let seed = 20_260_101;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    let deadlocks = 0;
    const work = async (owner: { id: number }) => {
      for (let round = 0; round < 60; round += 1) {
        const some = Array.from(new Set(Array.from({ length: 1 + random(6) }, () => address(random(12)))));
        const kind = random(4);
        const from = address(random(12));
        const to = address(random(12));
        try {
          if (kind <= 1)
            await pool`insert into clients (owner_id, email, email_key) select ${owner.id}, e, e from unnest(${some}::text[]) e
              on conflict do nothing`;
          else if (kind === 2)
            await pool`delete from clients where owner_id = ${owner.id} and email_key = any(${some}::text[])`;
          else
            await pool`update clients set email = ${to}, email_key = ${to} where owner_id = ${owner.id} and email_key = ${from}`;
        } catch (error) {
          const code = databaseErrorCode(error);
          if (code === '40P01') deadlocks += 1;
          else if (code !== '23505') throw error;
        }
      }
    };
    await Promise.all(owners.map(work));
    await pool.end();
    expect(await miscounted()).toHaveLength(0);
    expect(await total('unique_clients')).toBe(await distinctAddresses());
    expect(deadlocks).toBe(0);
  });

  test('stays true when transactions on the same address overlap, and when one is taken back', async () => {
    const [ada, ben] = [await createUser(db), await createUser(db)];
    const before = await total('unique_clients');
    const [first, second] = [rawConnection(), rawConnection()];
    const key = 'overlap@people.example';
    await first`begin`;
    await first`insert into clients (owner_id, email, email_key) values (${ada.id}, ${key}, ${key})`;
    const waiting =
      second`insert into clients (owner_id, email, email_key) values (${ben.id}, ${key}, ${key})`.execute();
    await first`rollback`;
    await waiting;
    expect(await total('unique_clients')).toBe(before + 1);
    await first`begin`;
    await first`delete from clients where email_key = ${key}`;
    const adding =
      second`insert into clients (owner_id, email, email_key) values (${ada.id}, ${key}, ${key})`.execute();
    await first`commit`;
    await adding;
    expect(await total('unique_clients')).toBe(before + 1);
    expect(await miscounted()).toHaveLength(0);
    await Promise.all([first.end(), second.end()]);
  });
});

describe('the numbers of mailings', () => {
  test('a mailing is active while it runs and nobody holds it', async () => {
    const owner = await createUser(db);
    const [all, active] = [await total('mailings'), await total('active_mailings')];
    const mailing = await createMailing(db, owner);
    const row = eq(mailings.id, mailing.id);
    expect([await total('mailings'), await total('active_mailings')]).toEqual([all + 1, active]);
    await db.update(mailings).set({ status: 'running' }).where(row);
    expect(await total('active_mailings')).toBe(active + 1);
    await db.update(mailings).set({ pausedAt: new Date() }).where(row);
    expect(await total('active_mailings')).toBe(active);
    await db
      .update(mailings)
      .set({ disabledAt: new Date(), disabledReason: 'complaints', pausedAt: null })
      .where(row);
    expect(await total('active_mailings')).toBe(active);
    await db.update(mailings).set({ disabledAt: null, disabledReason: null }).where(row);
    expect(await total('active_mailings')).toBe(active + 1);
    await db.update(mailings).set({ status: 'completed', nextSlotAt: null }).where(row);
    expect([await total('mailings'), await total('active_mailings')]).toEqual([all + 1, active]);
  });

  test('an archived mailing counts no longer, and neither do those of a deleted account', async () => {
    const owner = await createUser(db);
    const [all, active] = [await total('mailings'), await total('active_mailings')];
    const mailing = await createMailing(db, owner, { status: 'running' });
    await createMailing(db, owner, { status: 'running' });
    await db.update(mailings).set({ archivedAt: new Date() }).where(eq(mailings.id, mailing.id));
    expect([await total('mailings'), await total('active_mailings')]).toEqual([all + 1, active + 1]);
    await db.delete(mailings).where(eq(mailings.ownerId, owner.id));
    expect([await total('mailings'), await total('active_mailings')]).toEqual([all, active]);
  });
});

describe("a run's counts", () => {
  test('follow its deliveries from queued to their outcome and always add up', async () => {
    const { owner, run } = await ledger();
    const people = await createClients(db, owner, 7);
    for (const client of people.slice(0, 6)) await createDelivery(db, run, client);
    for (const client of people.slice(6))
      await createDelivery(db, run, client, { status: 'skipped', reason: 'unsubscribed' });
    expect(await countsOf(run.id)).toMatchObject({ total: 7, queued: 6, skipped: 1, sent: 0 });
    const batch = await createBatch(db, run, { outstanding: 6 });
    expect(await countsOf(run.id)).toMatchObject({ total: 7, queued: 0, sending: 6 });
    await db.update(batches).set({ endedAt: new Date() }).where(eq(batches.id, batch.id));
    expect(await countsOf(run.id)).toMatchObject({ total: 7, queued: 6, sending: 0 });
    const ends = ['sent', 'failed', 'expired', 'cancelled', 'unknown', 'sent'] as const;
    for (const [index, status] of ends.entries())
      await db
        .update(deliveries)
        .set({ status, endedAt: new Date() })
        .where(and(eq(deliveries.runId, run.id), eq(deliveries.clientId, people[index]?.id ?? 0)));
    expect(await countsOf(run.id)).toMatchObject({
      total: 7,
      queued: 0,
      sending: 0,
      sent: 2,
      failed: 1,
      skipped: 1,
      expired: 1,
      cancelled: 1,
      unknown: 1,
    });
    await db
      .update(deliveries)
      .set({ status: 'queued', endedAt: null })
      .where(and(eq(deliveries.runId, run.id), eq(deliveries.status, 'failed')));
    expect(await countsOf(run.id)).toMatchObject({ total: 7, queued: 1, failed: 0 });
    await db.delete(deliveries).where(and(eq(deliveries.runId, run.id), eq(deliveries.status, 'skipped')));
    expect(await countsOf(run.id)).toMatchObject({ total: 6, skipped: 0 });
  });

  test('tell apart the runs that one statement moves', async () => {
    const { owner, mailing, run } = await ledger();
    const second = await createRun(db, mailing, { slotAt: new Date('2026-01-06T09:00:00Z') });
    const people = await createClients(db, owner, 3);
    for (const client of people) await createDelivery(db, run, client);
    for (const client of people.slice(1)) await createDelivery(db, second, client);
    await db
      .update(deliveries)
      .set({ status: 'cancelled', reason: 'stopped', endedAt: new Date() })
      .where(sql`${deliveries.clientId} = ${people[0]?.id ?? 0} or ${deliveries.runId} = ${second.id}`);
    expect(await countsOf(run.id)).toMatchObject({ total: 3, queued: 2, cancelled: 1 });
    expect(await countsOf(second.id)).toMatchObject({ total: 2, queued: 0, cancelled: 2 });
  });

  test('count each attempt as what it turned out to be', async () => {
    const { owner, run } = await ledger();
    const delivery = await createDelivery(db, run, await createClient(db, owner));
    await createAttempt(db, run, delivery, {
      status: 'unknown',
      code: null,
      response: '',
      stage: '',
    });
    expect(await countsOf(run.id)).toMatchObject({
      attemptsUnknown: 1,
      attemptsFailed: 0,
      attemptsSucceeded: 0,
    });
    await createAttempt(db, run, delivery, { status: 'failure', code: 452, stage: 'rcpt' });
    await createAttempt(db, run, delivery);
    expect(await countsOf(run.id)).toMatchObject({
      attemptsUnknown: 1,
      attemptsFailed: 1,
      attemptsSucceeded: 1,
    });
  });

  test('stay right while many connections end deliveries of one run at once', async () => {
    const { owner, run } = await ledger();
    const people = await createClients(db, owner, 200);
    await db.insert(deliveries).values(
      people.map((client) => ({
        runId: run.id,
        clientId: client.id,
        email: client.email,
        fullName: client.fullName,
        status: 'queued' as const,
      })),
    );
    const pool = rawConnection(8);
    const finish = async (status: string) => {
      for (let round = 0; round < 10; round += 1)
        await pool`
          with mine as materialized (
            select id from deliveries where run_id = ${run.id} and status = 'queued' order by id limit 4 for update skip locked
          )
          update deliveries set status = ${status}::delivery_status, ended_at = now() where id in (select id from mine)`;
    };
    await Promise.all(['sent', 'failed', 'sent', 'expired', 'sent', 'unknown'].map(finish));
    await pool.end();
    const real = await db
      .select({ status: deliveries.status, n: sql<number>`count(*)::int` })
      .from(deliveries)
      .where(eq(deliveries.runId, run.id))
      .groupBy(deliveries.status);
    const counts = await countsOf(run.id);
    for (const { status, n } of real) expect(counts[status]).toBe(n);
    expect(counts.total).toBe(200);
  });

  test('can not be written to anything that does not add up', async () => {
    const { owner, run } = await ledger();
    await createDelivery(db, run, await createClient(db, owner));
    expect(await refusal(db.update(runCounts).set({ sent: 1 }).where(eq(runCounts.runId, run.id)))).toBe(
      codes.check,
    );
    expect(
      await refusal(db.update(runCounts).set({ sent: -1, queued: 2 }).where(eq(runCounts.runId, run.id))),
    ).toBe(codes.check);
  });
});

describe('history is never edited', () => {
  test('an attempt is written once and stays as it is, also one that nobody heard of', async () => {
    const { owner, run } = await ledger();
    const delivery = await createDelivery(db, run, await createClient(db, owner));
    for (const status of ['success', 'unknown'] as const) {
      const attempt = await createAttempt(db, run, delivery, { status });
      const row = eq(attempts.id, attempt.id);
      expect(await refusal(db.update(attempts).set({ status: 'failure' }).where(row))).toBe(codes.history);
      expect(await refusal(db.update(attempts).set({ response: 'something else' }).where(row))).toBe(
        codes.history,
      );
    }
  });

  test('a claim does not end while letters of it are on their way', async () => {
    const { owner, run } = await ledger();
    const { id } = await createDelivery(db, run, await createClient(db, owner));
    const batch = await createBatch(db, run, { intended: [id] });
    const end = db.update(batches).set({ endedAt: new Date() }).where(eq(batches.id, batch.id));
    expect(await refusal(end)).toBe(codes.check);
  });

  test('a letter that was sent stays sent', async () => {
    const { owner, run } = await ledger();
    const delivery = await createDelivery(db, run, await createClient(db, owner), { status: 'sent' });
    expect(
      await refusal(
        db.update(deliveries).set({ status: 'queued', endedAt: null }).where(eq(deliveries.id, delivery.id)),
      ),
    ).toBe(codes.history);
  });

  test('the audit log can neither be changed nor thinned', async () => {
    await db.insert(audit).values({
      actorEmail: 'command line',
      action: 'block_user',
      targetType: 'user',
      targetId: 1,
      reason: 'spam',
    });
    expect(await refusal(db.update(audit).set({ reason: 'nothing' }))).toBe(codes.history);
    expect(await refusal(db.delete(audit))).toBe(codes.history);
  });
});

describe('what the database refuses', () => {
  test('a second run of the same slot', async () => {
    const { mailing } = await ledger();
    const slotAt = new Date('2026-02-01T09:00:00Z');
    await createRun(db, mailing, { slotAt, status: 'done' });
    expect(await refusal(createRun(db, mailing, { slotAt, status: 'done' }))).toBe(codes.unique);
  });

  test('two open runs of one kind; one scheduled and one manual may be open together', async () => {
    const { mailing } = await ledger();
    expect(await refusal(createRun(db, mailing))).toBe(codes.unique);
    await createRun(db, mailing, { slotAt: new Date('2026-02-01T09:00:00Z') });
    expect(await refusal(createRun(db, mailing, { slotAt: new Date('2026-02-02T09:00:00Z') }))).toBe(
      codes.unique,
    );
  });

  test('two deliveries of one run to one client', async () => {
    const { owner, run } = await ledger();
    const client = await createClient(db, owner);
    await createDelivery(db, run, client);
    expect(await refusal(createDelivery(db, run, client))).toBe(codes.unique);
  });

  test('a delivery that says of itself that it is being sent, or has ended without a time', async () => {
    const { owner, run } = await ledger();
    const client = await createClient(db, owner);
    expect(await refusal(createDelivery(db, run, client, { status: 'sending' }))).toBe(codes.check);
    expect(await refusal(createDelivery(db, run, client, { status: 'sent', endedAt: null }))).toBe(
      codes.check,
    );
  });

  test("a mailing of somebody else's message", async () => {
    const [ada, ben] = [await createUser(db), await createUser(db)];
    const message = await createMessage(db, ben);
    expect(await refusal(createMailing(db, ada, { messageId: message.id }))).toBe(codes.foreign);
  });

  test("a run of somebody else's mailing", async () => {
    const { mailing } = await ledger();
    const other = await createUser(db);
    expect(await refusal(createRun(db, { ...mailing, ownerId: other.id }, { status: 'done' }))).toBe(
      codes.foreign,
    );
  });

  test('an address twice in one list, whatever its case', async () => {
    const owner = await createUser(db);
    await createClient(db, owner, { email: 'twice@people.example' });
    expect(await refusal(createClient(db, owner, { email: 'TWICE@people.example' }))).toBe(codes.unique);
  });

  test('a line break in an address, a name or a subject', async () => {
    const owner = await createUser(db);
    expect(await refusal(createClient(db, owner, { fullName: 'Eve\r\nBcc: all@people.example' }))).toBe(
      codes.check,
    );
    expect(
      await refusal(
        createClient(db, owner, { email: 'eve@people.example\n', emailKey: 'eve@people.example' }),
      ),
    ).toBe(codes.check);
    expect(await refusal(createMessage(db, owner, { subject: 'Hello\nBcc: all@people.example' }))).toBe(
      codes.check,
    );
    expect(await refusal(createMailing(db, owner, { name: 'Hello\r' }))).toBe(codes.check);
  });

  test('a body of more than 200 kB and a subject of more than 200 characters', async () => {
    const owner = await createUser(db);
    await createMessage(db, owner, { subject: 'я'.repeat(200), body: 'x'.repeat(200 * 1024) });
    expect(await refusal(createMessage(db, owner, { body: 'x'.repeat(200 * 1024 + 1) }))).toBe(codes.check);
    expect(await refusal(createMessage(db, owner, { subject: 'я'.repeat(201) }))).toBe(codes.check);
  });

  test('an end before the start, and a slot of a completed mailing', async () => {
    const owner = await createUser(db);
    const startsAt = new Date('2026-03-01T09:00:00Z');
    expect(await refusal(createMailing(db, owner, { startsAt, endsAt: startsAt }))).toBe(codes.check);
    expect(await refusal(createMailing(db, owner, { status: 'completed', nextSlotAt: startsAt }))).toBe(
      codes.check,
    );
  });

  test('a block or a disable without a reason', async () => {
    const user = await createUser(db);
    expect(await refusal(db.update(users).set({ blockedAt: new Date() }).where(eq(users.id, user.id)))).toBe(
      codes.check,
    );
    const mailing = await createMailing(db, user);
    expect(
      await refusal(db.update(mailings).set({ disabledAt: new Date() }).where(eq(mailings.id, mailing.id))),
    ).toBe(codes.check);
  });

  test('an admin who is no manager, and two accounts of one address', async () => {
    expect(await refusal(createUser(db, { isSuperuser: true, isStaff: false }))).toBe(codes.check);
    await createUser(db, { email: 'One@users.example' });
    expect(await refusal(createUser(db, { email: 'one@users.example' }))).toBe(codes.unique);
  });

  test('a scheduled run without its slot, and a closed run without its end', async () => {
    const { mailing } = await ledger();
    expect(await refusal(createRun(db, mailing, { kind: 'scheduled', status: 'done' }))).toBe(codes.check);
    expect(await refusal(createRun(db, mailing, { status: 'done', closedAt: null }))).toBe(codes.check);
  });

  test('a published article without a date', async () => {
    expect(await refusal(createPost(db, { status: 'published', publishedAt: null }))).toBe(codes.check);
  });
});

describe('what deleting leaves', () => {
  test('a deleted client is gone from its mailings, and its history stays', async () => {
    const { owner, run } = await ledger();
    const client = await createClient(db, owner);
    const chosen = await createMailing(db, owner, { clients: [client] });
    const delivery = await createDelivery(db, run, client, { status: 'sent' });
    await createAttempt(db, run, delivery);
    await db.delete(clients).where(eq(clients.id, client.id));
    const left = await db.execute(sql`select 1 from mailing_clients where mailing_id = ${chosen.id}`);
    expect(left).toHaveLength(0);
    const [kept] = await db.select().from(deliveries).where(eq(deliveries.id, delivery.id));
    expect(kept).toMatchObject({ email: client.email, fullName: client.fullName, status: 'sent' });
    expect(await db.$count(attempts, eq(attempts.deliveryId, delivery.id))).toBe(1);
  });

  test('a message that a mailing uses can not be deleted', async () => {
    const owner = await createUser(db);
    const message = await createMessage(db, owner);
    await createMailing(db, owner, { messageId: message.id });
    expect(await refusal(db.delete(messages).where(eq(messages.id, message.id)))).toBe(codes.foreign);
  });

  test('an account goes with all it owns, also with messages in use, runs and letters sent', async () => {
    const { owner, mailing, run } = await ledger();
    const delivery = await createDelivery(db, run, await createClient(db, owner), { status: 'sent' });
    await createAttempt(db, run, delivery);
    await db.delete(users).where(eq(users.id, owner.id));
    expect(await db.$count(runs, eq(runs.mailingId, mailing.id))).toBe(0);
    expect(await db.$count(deliveries, eq(deliveries.runId, run.id))).toBe(0);
  });
});

test('a substring search finds Cyrillic names, in any case, through the trigram index', async () => {
  const owner = await createUser(db);
  await createClient(db, owner, { fullName: 'Мария Ёлкина' });
  const found = await db
    .select()
    .from(clients)
    .where(sql`${clients.ownerId} = ${owner.id} and ${clients.search} like ${'%ёлк%'}`);
  expect(found).toHaveLength(1);
  const [trigrams] = await db.execute<{ n: number }>(sql`select cardinality(show_trgm('ёлкина'))::int as n`);
  expect(trigrams?.n).toBeGreaterThan(3);
});

describe('an article', () => {
  test('has its address alone, until it is deleted', async () => {
    const first = await createPost(db, { slug: 'alone' });
    expect(await refusal(createPost(db, { slug: 'alone' }))).toBe(codes.unique);
    await db.update(posts).set({ deletedAt: new Date() }).where(eq(posts.id, first.id));
    const second = await createPost(db, { slug: 'alone' });
    expect(second.slug).toBe('alone');
    expect(await refusal(db.update(posts).set({ deletedAt: null }).where(eq(posts.id, first.id)))).toBe(
      codes.unique,
    );
  });

  test('has an address that can stand in a link, a title when it is published, and bounded texts', async () => {
    for (const slug of ['', 'Big', 'two--hyphens', '-first', 'last-', 'кириллица', 'a/b', 'x'.repeat(121)])
      expect(await refusal(createPost(db, { slug })), slug).toBe(codes.check);
    expect(await refusal(createPost(db, { title: '', status: 'published' }))).toBe(codes.check);
    expect(await refusal(createPost(db, { title: 'x'.repeat(201) }))).toBe(codes.check);
    expect(await refusal(createPost(db, { summary: 'x'.repeat(301) }))).toBe(codes.check);
    expect(await refusal(createPost(db, { body: 'ж'.repeat(102_401) }))).toBe(codes.check);
  });

  test('takes its old addresses, its views and its visitors with it, and counts a visitor and a day once', async () => {
    const post = await createPost(db);
    await db.insert(postSlugs).values({ slug: 'before', postId: post.id });
    expect(await refusal(db.insert(postSlugs).values({ slug: 'before', postId: post.id }))).toBe(
      codes.unique,
    );
    const view = { postId: post.id, day: '2026-01-05', views: 1 };
    await db.insert(postViews).values(view);
    expect(await refusal(db.insert(postViews).values(view))).toBe(codes.unique);
    const visit = { postId: post.id, visitor: Buffer.from('somebody'), seenAt: new Date() };
    await db.insert(postVisits).values(visit);
    expect(await refusal(db.insert(postVisits).values(visit))).toBe(codes.unique);
    await db.delete(posts).where(eq(posts.id, post.id));
    expect(await db.$count(postSlugs, eq(postSlugs.postId, post.id))).toBe(0);
    expect(await db.$count(postViews, eq(postViews.postId, post.id))).toBe(0);
    expect(await db.$count(postVisits, eq(postVisits.postId, post.id))).toBe(0);
  });

  test('stays when its author’s and its last editor’s accounts go', async () => {
    const [author, editor] = [await createUser(db), await createUser(db)];
    const post = await createPost(db, { authorId: author.id, editorId: editor.id });
    await db.delete(users).where(eq(users.id, author.id));
    await db.delete(users).where(eq(users.id, editor.id));
    const [left] = await db.select().from(posts).where(eq(posts.id, post.id));
    expect(left).toMatchObject({ authorId: null, editorId: null });
  });
});
