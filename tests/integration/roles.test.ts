import { and, desc, eq } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { audit, users } from '@/db/schema';
import type { Actor } from '@/lib/policy/rules';
import { finishRun, pauseMailing, resumeMailing, startRun, stopMailing } from '@/lib/runs/mutations';
import { blockUser, changeRole } from '@/lib/users/mutations';
import type { UserRole } from '@/lib/users/schema';
import { createActor, createClient, createMailing } from '@/tests/support/factories';

let admin: Actor;
const asAdmin = { isStaff: true, isSuperuser: true };

/** Each test begins with one admin. */
beforeEach(async () => {
  await db.update(users).set({ isSuperuser: false });
  admin = await createActor(db, asAdmin);
});

async function roleOf(id: number): Promise<UserRole> {
  const [user] = await db.select().from(users).where(eq(users.id, id));
  return user?.isSuperuser ? 'admin' : user?.isStaff ? 'manager' : 'user';
}

const admins = () => db.select({ id: users.id }).from(users).where(eq(users.isSuperuser, true));

describe('roles', () => {
  it('go up and down as an admin says, and each change is written down with before and after', async () => {
    const user = await createActor(db);
    for (const role of ['manager', 'admin', 'manager', 'manager', 'user'] as const) {
      expect(await changeRole(admin, { userId: user.id, role })).toMatchObject({ ok: true });
      expect(await roleOf(user.id)).toBe(role);
    }
    const log = await db
      .select()
      .from(audit)
      .where(and(eq(audit.targetType, 'user'), eq(audit.targetId, user.id)))
      .orderBy(audit.id);
    expect(log.map(({ actorId, action }) => [actorId, action])).toEqual([
      [admin.id, 'promote_user'],
      [admin.id, 'promote_user'],
      [admin.id, 'demote_user'],
      [admin.id, 'demote_user'],
    ]);
    expect(log[2]).toMatchObject({
      before: { isStaff: true, isSuperuser: true },
      after: { isStaff: true, isSuperuser: false },
    });
  });

  it('are nobody’s to change but an admin’s, not even one’s own, and not with an actor of yesterday', async () => {
    const manager = await createActor(db, { isStaff: true });
    const user = await createActor(db);
    for (const by of [user, manager])
      for (const whom of [user, manager, admin])
        for (const role of ['user', 'admin'] as const)
          expect(await changeRole(by, { userId: whom.id, role })).toMatchObject({
            error: { code: 'not_found' },
          });
    const former = { ...user, isStaff: true, isSuperuser: true };
    expect(await changeRole(former, { userId: user.id, role: 'admin' })).toMatchObject({
      error: { code: 'not_found' },
    });
    expect(await changeRole(admin, { userId: 999_999_999, role: 'admin' })).toMatchObject({
      error: { code: 'not_found' },
    });
    expect(await Promise.all([user, manager, admin].map(({ id }) => roleOf(id)))).toEqual([
      'user',
      'manager',
      'admin',
    ]);
  });

  it('do not go up for who is blocked, since nobody could lift the block of an admin', async () => {
    const user = await createActor(db);
    await blockUser(admin, { userId: user.id, reason: 'spam' });
    for (const role of ['manager', 'admin'] as const)
      expect(await changeRole(admin, { userId: user.id, role })).toMatchObject({
        error: { code: 'user_blocked' },
      });
    expect(await roleOf(user.id)).toBe('user');
  });
});

describe('the last admin', () => {
  it('stays one, whoever is unconfirmed, blocked, or a demo account beside them', async () => {
    await createActor(db, { ...asAdmin, confirmedAt: null });
    await createActor(db, { ...asAdmin, blockedAt: new Date(), blockedReason: 'old story' });
    await createActor(db, { ...asAdmin, isDemo: true });
    for (const role of ['manager', 'user'] as const)
      expect(await changeRole(admin, { userId: admin.id, role })).toMatchObject({
        error: { code: 'last_admin' },
      });
    expect(await roleOf(admin.id)).toBe('admin');
  });

  it('may step down once there is another', async () => {
    const second = await createActor(db, asAdmin);
    expect(await changeRole(admin, { userId: admin.id, role: 'user' })).toEqual({
      ok: true,
      data: { id: admin.id, left: true },
    });
    expect(await changeRole(second, { userId: second.id, role: 'user' })).toMatchObject({
      error: { code: 'last_admin' },
    });
  });

  it('is left also when all admins step down, or lower one another, at the same moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      await db.update(users).set({ isSuperuser: false });
      const all = [
        await createActor(db, asAdmin),
        await createActor(db, asAdmin),
        await createActor(db, asAdmin),
      ];
      const results = await Promise.all(
        all.map((by, at) => changeRole(by, { userId: all[(at + (round % 2)) % 3]?.id ?? 0, role: 'user' })),
      );
      expect(await admins()).toHaveLength(3 - results.filter(({ ok }) => ok).length);
      expect((await admins()).length).toBeGreaterThanOrEqual(1);
      if (round % 2 === 0) expect(await admins()).toHaveLength(1);
    }
  });
});

describe('what an admin does with another’s mailing', () => {
  it('is written down each time; what its owner does is not', async () => {
    const owner = await createActor(db);
    await createClient(db, owner);
    const mailing = await createMailing(db, owner, { status: 'running' });
    const of = { mailingId: mailing.id };
    const all = async (by: Actor) => {
      for (const result of [
        await startRun(by, of),
        await pauseMailing(by, of),
        await resumeMailing(by, of),
        await stopMailing(by, of),
        await finishRun(by, { ...of, outcomes: ['cancelled'] }),
        await stopMailing(by, of),
      ])
        expect(result).toMatchObject({ ok: true });
    };
    await all(owner);
    const log = () =>
      db
        .select()
        .from(audit)
        .where(and(eq(audit.targetType, 'mailing'), eq(audit.targetId, mailing.id)))
        .orderBy(desc(audit.id));
    expect(await log()).toEqual([]);
    await all(admin);
    expect((await log()).map(({ action, actorId }) => [action, actorId])).toEqual(
      ['stop_mailing', 'finish_run', 'stop_mailing', 'resume_mailing', 'pause_mailing', 'start_run'].map(
        (action) => [action, admin.id],
      ),
    );
  });
});
