import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import { attempts, clients, deliveries, mailings, runs, users } from '@/db/schema';
import type { Actor } from '@/lib/policy/rules';
import { listAnsweringDomains, listAnswers } from '@/lib/reports/queries';
import {
  createActor,
  createAttempt,
  createClient,
  createDelivery,
  createMailing,
  createRun,
} from '@/tests/support/factories';
import { differingSums } from '@/tests/support/sums';

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
});

const expectSums = async () => expect(await db.execute(sql.raw(differingSums))).toEqual([]);
const sumsOf = async (ownerId: number) => {
  const [found] = await db.execute<{ sent: number; refused: number }>(sql`
    select (select coalesce(sum(succeeded), 0)::int from domain_sums where owner_id = ${ownerId} and span = 'month') as sent,
      (select coalesce(sum(failed), 0)::int from kind_sums where owner_id = ${ownerId}) as refused`);
  return found;
};

/** A run that is over: three letters sent over the end of a month, one refused. */
async function runOver(of: Actor, domains = ['a.example', 'b.example']) {
  const mailing = await createMailing(db, of, { status: 'running' });
  const openedAt = new Date('2026-01-31T23:50:00Z');
  const run = await createRun(db, mailing, { openedAt });
  for (let nth = 0; nth < 4; nth += 1) {
    const email = `p${nth}-${mailing.id}@${domains[nth % domains.length]}`;
    const person = await createClient(db, of, { email });
    const isRefused = nth === 3;
    const letter = await createDelivery(db, run, person, {
      status: isRefused ? 'failed' : 'sent',
      kind: isRefused ? 'mailbox_full' : null,
    });
    await createAttempt(db, run, letter, {
      attemptedAt: new Date(openedAt.getTime() + nth * 8 * 60_000),
      ...(isRefused
        ? {
            status: 'failure',
            code: 552,
            response: '552 5.2.2 The mailbox is over quota',
            kind: 'mailbox_full',
          }
        : {}),
    });
  }
  await close(run.id);
  return { mailing, run };
}

const close = (id: number) =>
  db.execute(sql`update runs set status = 'partly_done', closed_at = opened_at where id = ${id}`);
const reopen = (id: number) =>
  db.execute(sql`update runs set status = 'open', closed_at = null where id = ${id}`);

describe('sums of days and months', () => {
  test('follow a run that ends, is opened again to be finished, and ends once more', async () => {
    const of = await createActor(db);
    const { run } = await runOver(of);
    await runOver(of);
    await expectSums();
    expect(await sumsOf(of.id)).toEqual({ sent: 6, refused: 2 });
    expect(await sumsOf(0)).toEqual({ sent: 6, refused: 2 });
    await reopen(run.id);
    await expectSums();
    expect(await sumsOf(of.id)).toEqual({ sent: 3, refused: 1 });
    const [refused] = await db
      .update(deliveries)
      .set({ status: 'queued', endedAt: null, kind: null, reason: null })
      .where(sql`${deliveries.runId} = ${run.id} and ${deliveries.status} = 'failed'`)
      .returning();
    if (!refused) throw new Error('one was refused');
    await expectSums();
    await createAttempt(db, run, refused, { attemptedAt: new Date('2026-02-02T00:00:00Z') });
    await db
      .update(deliveries)
      .set({ status: 'sent', endedAt: run.openedAt })
      .where(eq(deliveries.id, refused.id));
    await close(run.id);
    await expectSums();
    expect(await sumsOf(of.id)).toEqual({ sent: 7, refused: 1 });
  });

  test('follow what changes in a run that is over, and what is taken from it', async () => {
    const of = await createActor(db);
    const { run } = await runOver(of);
    const person = await createClient(db, of, { email: 'late@c.example' });
    const late = await createDelivery(db, run, person, { status: 'failed', kind: 'spam' });
    await createAttempt(db, run, late, {
      status: 'failure',
      code: 554,
      response: '554 5.7.1 spam',
      kind: 'spam',
    });
    await expectSums();
    await db
      .update(deliveries)
      .set({ status: 'unknown', kind: 'no_answer' })
      .where(eq(deliveries.id, late.id));
    await expectSums();
    await db.delete(attempts).where(eq(attempts.deliveryId, late.id));
    await db.delete(deliveries).where(eq(deliveries.id, late.id));
    await expectSums();
    await db.delete(runs).where(eq(runs.id, run.id));
    await expectSums();
    expect(await sumsOf(0)).toEqual({ sent: 0, refused: 0 });
  });

  test('leave nothing of a mailing or an owner who is gone, and all of everybody else', async () => {
    const [of, other] = [await createActor(db), await createActor(db)];
    const { mailing } = await runOver(of);
    await runOver(of);
    await runOver(other);
    await db.delete(mailings).where(eq(mailings.id, mailing.id));
    await expectSums();
    expect(await sumsOf(0)).toEqual({ sent: 6, refused: 2 });
    await db.delete(clients).where(eq(clients.ownerId, of.id));
    await db.delete(users).where(eq(users.id, of.id));
    await expectSums();
    expect(await sumsOf(of.id)).toEqual({ sent: 0, refused: 0 });
    expect(await sumsOf(0)).toEqual({ sent: 3, refused: 1 });
  });

  test('stay right, and nobody is turned away, when many runs end and are opened again at the same moment', async () => {
    const owners = await Promise.all([createActor(db), createActor(db), createActor(db)]);
    const all: number[] = [];
    for (const [at, of] of owners.entries())
      for (let nth = 0; nth < 4; nth += 1) {
        const domains = ['a.example', 'b.example', 'c.example', 'd.example'];
        all.push((await runOver(of, (at + nth) % 2 ? domains : domains.reverse())).run.id);
      }
    const both = (first: number, second: number, change: typeof close) =>
      db.transaction(async (tx) => {
        const open = change === reopen;
        for (const id of [first, second].sort((a, b) => a - b))
          await tx.execute(
            open
              ? sql`update runs set status = 'open', closed_at = null where id = ${id}`
              : sql`update runs set status = 'partly_done', closed_at = opened_at where id = ${id}`,
          );
      });
    for (const change of [reopen, close, reopen, close])
      await Promise.all(
        Array.from({ length: all.length / 2 }, (_, at) =>
          both(all[at] ?? 0, all[all.length - 1 - at] ?? 0, change),
        ),
      );
    await expectSums();
    expect(await sumsOf(0)).toEqual({ sent: 36, refused: 12 });
  });

  test('of a mailing tell the answers of all its runs, those under way among them, to who may see it', async () => {
    const [of, other] = [await createActor(db), await createActor(db)];
    const { mailing } = await runOver(of);
    const run = await createRun(db, mailing, {});
    const person = await createClient(db, of, { email: 'now@b.example' });
    await createDelivery(db, run, person, { status: 'failed', kind: 'mailbox_full' });
    expect(await listAnswers(of, { mailingId: mailing.id })).toEqual([
      { kind: 'mailbox_full', attempts: 1, failed: 2, unknown: 0 },
    ]);
    expect(await listAnsweringDomains(of, { mailingId: mailing.id })).toEqual([
      { domain: 'b.example', kind: 'mailbox_full', attempts: 1, failed: 2, unknown: 0 },
    ]);
    expect(await listAnswers(other, { mailingId: mailing.id })).toEqual([]);
    expect(await listAnsweringDomains(other, { mailingId: mailing.id })).toEqual([]);
  });
});
