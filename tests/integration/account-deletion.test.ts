import { and, eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import {
  attempts,
  audit,
  batches,
  clients,
  deliveries,
  formerAddresses,
  mailings,
  messages,
  posts,
  runs,
  sessions,
  suppressions,
  tokens,
  totals,
  users,
} from '@/db/schema';
import { findSessionUser, startSession } from '@/lib/auth/config';
import { issueToken } from '@/lib/auth/tokens';
import { fixedClock } from '@/lib/clock';
import { parseEnv } from '@/lib/env';
import { unsubscribeToken } from '@/lib/sending/compose/token';
import { sendDueMailings } from '@/lib/sending/engine';
import { unsubscribeByToken } from '@/lib/suppressions/mutations';
import { findUnsubscribeOffer } from '@/lib/suppressions/queries';
import { changePassword, deleteAccount, sendAccountDeletedLetter } from '@/lib/users/mutations';
import { getAccountContents } from '@/lib/users/queries';
import { freshAddress, given, outboxOf, refusal } from '@/tests/support/accounts';
import {
  asActor,
  createAttempt,
  createBatch,
  createClient,
  createClients,
  createDelivery,
  createMailing,
  createPost,
  createRun,
  createSuppression,
  createUser,
} from '@/tests/support/factories';
import { accepted, playedTransport } from '@/tests/support/transport';

const password = 'a sound password';
const start = new Date('2026-01-05T09:00:00Z');

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines, audit cascade`);
  await db.execute(sql`delete from totals`);
});

const person = (overrides: Parameters<typeof createUser>[1] = {}) =>
  createUser(db, { email: freshAddress(), password, ...overrides });
const remove = (user: Awaited<ReturnType<typeof person>>, typed = password) =>
  deleteAccount(asActor(user), { currentPassword: typed });

/** An owner with one run under way: a letter sent, one on its way, two that wait. */
async function ownerAtWork() {
  const owner = await person();
  const people = await createClients(db, owner, 4);
  const mailing = await createMailing(db, owner, { status: 'running' });
  const run = await createRun(db, mailing, { slotAt: start });
  const [first, second, third, fourth] = people;
  if (!first || !second || !third || !fourth) throw new Error('four clients were made');
  const sent = await createDelivery(db, run, first, { status: 'sent' });
  await createAttempt(db, run, sent);
  const inFlight = await createDelivery(db, run, second);
  const batch = await createBatch(db, run, { outstanding: 1 });
  await db.update(deliveries).set({ batchId: batch.id }).where(eq(deliveries.id, inFlight.id));
  await createDelivery(db, run, third);
  await createDelivery(db, run, fourth);
  return { owner, mailing, run, sent };
}

describe('deleting one’s account', () => {
  it('says before in numbers what goes and what stops', async () => {
    const { owner } = await ownerAtWork();
    await ownerAtWork();
    expect(await getAccountContents(asActor(owner))).toEqual({
      clients: 4,
      messages: 1,
      mailings: 1,
      runs: 1,
      openRuns: 1,
      unsentLetters: 2,
      lettersInFlight: 1,
      attempts: 1,
    });
  });

  it('takes everything of the owner and nothing of anybody else', async () => {
    const { owner, sent } = await ownerAtWork();
    const other = await ownerAtWork();
    await createSuppression(db, owner, 'gone@clients.example');
    await db.delete(clients).where(eq(clients.id, sent.clientId));
    expect(await db.select().from(formerAddresses).where(eq(formerAddresses.ownerId, owner.id))).toHaveLength(
      1,
    );
    await startSession(owner.id);
    await issueToken({ userId: owner.id, kind: 'reset_password', lifeSeconds: 60 });
    given(await remove(owner));
    for (const table of [clients, formerAddresses, messages, mailings, runs, suppressions, attempts])
      expect(await db.select().from(table).where(eq(table.ownerId, owner.id))).toEqual([]);
    for (const table of [sessions, tokens])
      expect(await db.select().from(table).where(eq(table.userId, owner.id))).toEqual([]);
    expect(await db.select().from(users).where(eq(users.id, owner.id))).toEqual([]);
    expect(await db.select().from(deliveries).where(eq(deliveries.id, sent.id))).toEqual([]);
    expect(await db.select().from(deliveries)).toHaveLength(4);
    expect(await db.select().from(batches)).toHaveLength(2);
    expect(await getAccountContents(asActor(other.owner))).toMatchObject({ clients: 4, openRuns: 1 });
    const [shown] = await db
      .select({ n: sql<number>`sum(${totals.value})::int` })
      .from(totals)
      .where(eq(totals.name, 'unique_clients'));
    expect(shown?.n).toBe(4);
  });

  it('keeps the audit log, which notes it with the numbers, and posts, without an author', async () => {
    const { owner } = await ownerAtWork();
    const post = await createPost(db, { authorId: owner.id, status: 'published' });
    given(await remove(owner));
    const [kept] = await db.select().from(posts).where(eq(posts.id, post.id));
    expect(kept).toMatchObject({ authorId: null, title: post.title, status: 'published' });
    const [note] = await db
      .select()
      .from(audit)
      .where(and(eq(audit.targetType, 'user'), eq(audit.targetId, owner.id)));
    expect(note).toMatchObject({
      action: 'delete_user',
      actorId: owner.id,
      actorEmail: owner.email,
      before: { clients: 4, openRuns: 1, unsentLetters: 2 },
    });
  });

  it('needs the password, also that of a moment ago is not enough', async () => {
    const owner = await person();
    expect(refusal(await remove(owner, 'not the one'))).toBe('wrong_password');
    given(await changePassword(asActor(owner), { oldPassword: password, password: 'a second one' }, null));
    expect(refusal(await remove(owner))).toBe('wrong_password');
    expect(await db.select().from(users).where(eq(users.id, owner.id))).toHaveLength(1);
    expect((await remove(owner, 'a second one')).ok).toBe(true);
  });

  it('signs out everywhere at once, frees the address, and tells it in its language', async () => {
    const owner = await person({ locale: 'ru' });
    const secret = await startSession(owner.id);
    await sendAccountDeletedLetter(given(await remove(owner)));
    expect(await findSessionUser(owner.id, secret)).toBeNull();
    expect((await outboxOf(owner.email)).map(({ subject }) => subject)).toEqual(['Аккаунт удалён']);
    expect((await person({ email: owner.email })).id).not.toBe(owner.id);
  });

  it('leaves unsubscribe links in old letters that answer instead of breaking', async () => {
    const { owner, sent } = await ownerAtWork();
    const token = unsubscribeToken(sent.id);
    given(await remove(owner));
    expect(await findUnsubscribeOffer(token)).toBeNull();
    expect(refusal(await unsubscribeByToken(token))).toBe('not_found');
  });

  it('is refused to the last admin who can sign in, and open to one of two', async () => {
    const admin = { isStaff: true, isSuperuser: true };
    const only = await person(admin);
    expect(refusal(await remove(only))).toBe('last_admin');
    await person({ ...admin, confirmedAt: null });
    const blocked = await person(admin);
    await db.update(users).set({ blockedAt: sql`now()`, blockedReason: 'x' }).where(eq(users.id, blocked.id));
    expect(refusal(await remove(only))).toBe('last_admin');
    await person(admin);
    expect((await remove(only)).ok).toBe(true);
  });

  it('leaves one when the last two admins go at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      await db.delete(users);
      const two = await Promise.all([0, 1].map(() => person({ isStaff: true, isSuperuser: true })));
      const answers = await Promise.all(two.map((admin) => remove(admin)));
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
      expect(await db.select().from(users)).toHaveLength(1);
    }
  });

  it('stops a run in mid-air: nothing leaves but what was about to go, and the engine goes on for others', async () => {
    const owner = await person();
    const other = await person();
    await createClients(db, owner, 400);
    const mailing = await createMailing(db, owner);
    const clock = fixedClock(start);
    let handedBefore = -1;
    let going: Promise<unknown> | null = null;
    const server = playedTransport(async (_letter, nth) => {
      if (nth >= 130)
        going ??= remove(owner).then((result) => {
          given(result);
          handedBefore = server.handed.length;
        });
      await going;
      return accepted;
    });
    const pass = () =>
      sendDueMailings({
        clock,
        deadline: new Date('2999-01-01'),
        transport: server,
        settings: parseEnv({ ...process.env }),
        random: () => 0.999,
      });
    await pass();
    expect(handedBefore).toBeGreaterThanOrEqual(130);
    expect(server.handed.length - handedBefore).toBeLessThan(100);
    expect(server.handed.length).toBeLessThan(400);
    expect(await db.select().from(runs).where(eq(runs.mailingId, mailing.id))).toEqual([]);
    expect(await db.select().from(attempts)).toEqual([]);

    const client = await createClient(db, other);
    await createMailing(db, other);
    const before = server.handed.length;
    await pass();
    expect(server.handed.slice(before).map(({ letter }) => letter.to.address)).toEqual([client.email]);
  });
});
