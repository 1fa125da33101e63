import { and, desc, eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import type { TokenKind } from '@/db/enums';
import { audit, letters, sessions, tokens, users } from '@/db/schema';
import { formObject } from '@/lib/action';
import { startSession } from '@/lib/auth/config';
import { issueToken, isTokenAlive, spendToken } from '@/lib/auth/tokens';
import type { Result } from '@/lib/errors';
import {
  blockUser,
  changePassword,
  checkSignIn,
  confirmUser,
  createConfirmedUser,
  promoteUser,
  registerUser,
  requestLetter,
  resetPassword,
  sendConfirmationAgain,
  sendPasswordChangedLetter,
  sendRegistrationLetter,
  sendResetLetter,
  unblockUser,
  updateProfile,
} from '@/lib/users/mutations';
import { actorOf, findUserByEmail } from '@/lib/users/queries';
import { registerSchema } from '@/lib/users/schema';
import { asActor, createUser } from '@/tests/support/factories';

let count = 0;
const fresh = () => {
  count += 1;
  return `person${count}@accounts.example`;
};
/** Each call comes from a network of its own, unless a test is about networks. */
const elsewhere = () => {
  count += 1;
  return { network: `test-${count}`, loopback: false };
};
const right = 'a sound password';

function data<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.data;
}

function code(result: Result<unknown>): string | undefined {
  return result.ok ? undefined : (Object.values(result.error.fields ?? {})[0]?.code ?? result.error.code);
}

const spend = (secret: string, kind: TokenKind) =>
  db.transaction(async (tx) => (await spendToken(secret, kind, tx))?.user.id ?? null);

async function lettersTo(email: string) {
  return db.select().from(letters).where(eq(letters.toEmail, email)).orderBy(letters.id);
}

async function tokenIn(email: string): Promise<string> {
  const [letter] = await db
    .select()
    .from(letters)
    .where(eq(letters.toEmail, email))
    .orderBy(desc(letters.id))
    .limit(1);
  return /token=([\w-]+)/.exec(letter?.text ?? '')?.[1] ?? '';
}

function registration(email: string, overrides: Partial<Parameters<typeof registerUser>[0]> = {}) {
  return {
    name: 'Ada Lovelace',
    email,
    password: right,
    locale: 'en' as const,
    timeZone: 'UTC',
    ...overrides,
  };
}

async function register(email: string, overrides: Partial<Parameters<typeof registerUser>[0]> = {}) {
  const result = await registerUser(registration(email, overrides), elsewhere());
  await sendRegistrationLetter(data(result));
  return result;
}

describe('registration', () => {
  it('makes an account that is closed until the link of its letter is used, and open from then on', async () => {
    const email = fresh();
    await register(email);
    expect(code(await checkSignIn({ email, password: right }, elsewhere()))).toBe('not_confirmed');
    expect(code(await confirmUser({ token: await tokenIn(email) }))).toBeUndefined();
    expect(data(await checkSignIn({ email: email.toUpperCase(), password: right }, elsewhere())).email).toBe(
      email,
    );
  });

  it('writes the letter in the language of the page, with the name as plain text', async () => {
    const email = fresh();
    await register(email, { locale: 'ru', name: '<b>Анна</b>' });
    const [letter] = await lettersTo(email);
    expect(letter?.subject).toBe('Подтвердите адрес');
    expect(letter?.html).not.toContain('<b>Анна');
    expect(letter?.text).toContain('<b>Анна</b>');
    expect(letter?.text).toMatch(/http:\/\/localhost:\d+\/ru\/verify-email\?token=/);
    expect(letter?.ownerId).toBeNull();
  });

  it('answers alike for an address that has an account, and changes nothing of it', async () => {
    const email = fresh();
    const known = await createUser(db, { email, password: right });
    const unknown = await registerUser(registration(fresh()), elsewhere());
    const again = await registerUser(
      registration(email, { password: 'another password', name: 'Eve' }),
      elsewhere(),
    );
    expect(again.ok).toBe(unknown.ok);
    await sendRegistrationLetter(data(again));
    expect((await lettersTo(email)).map(({ subject }) => subject)).toEqual(['You already have an account']);
    expect(await findUserByEmail(email)).toMatchObject({
      name: known.name,
      passwordHash: known.passwordHash,
    });
  });

  it('lets nobody plant a password in an address that somebody else registers later', async () => {
    const email = fresh();
    await register(email, { password: 'planted by mallory' });
    const planted = await tokenIn(email);
    await register(email, { password: 'chosen by the owner' });
    await sendConfirmationAgain({ email });
    const token = await tokenIn(email);
    expect(code(await confirmUser({ token }))).toBe('dead_link');
    expect(await isTokenAlive(planted, 'confirm_email')).toBe(false);
    expect(code(await checkSignIn({ email, password: 'planted by mallory' }, elsewhere()))).toBe(
      'wrong_credentials',
    );
    expect((await resetPassword({ token, password: 'chosen by the owner' })).ok).toBe(true);
    expect((await checkSignIn({ email, password: 'chosen by the owner' }, elsewhere())).ok).toBe(true);
    expect((await checkSignIn({ email, password: 'planted by mallory' }, elsewhere())).ok).toBe(false);
  });

  it('of 20 at once for one address makes one account', async () => {
    const email = fresh();
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) =>
        registerUser(registration(n % 2 ? email : email.toUpperCase()), elsewhere()),
      ),
    );
    expect(await db.select().from(users).where(eq(users.emailKey, email))).toHaveLength(1);
  });

  it('refuses bad input field by field', () => {
    const form = new FormData();
    for (const [name, value] of Object.entries({
      name: 'A\r\nBcc: x@y.z',
      email: 'nonsense',
      password: 'short',
      locale: 'en',
    }))
      form.set(name, value);
    const issues = registerSchema.safeParse(formObject(form)).error?.issues ?? [];
    expect(Object.fromEntries(issues.map((issue) => [issue.path.join('.'), issue.message]))).toEqual({
      name: 'one_line',
      email: 'invalid_email',
      password: 'too_short',
    });
  });
});

describe('mailed links', () => {
  it('work once: of 50 uses at the same moment one wins', async () => {
    const user = await createUser(db, { confirmedAt: null });
    const token = await issueToken({ userId: user.id, kind: 'confirm_email', lifeSeconds: 60 });
    const uses = await Promise.all(Array.from({ length: 50 }, () => spend(token, 'confirm_email')));
    expect(uses.filter((id) => id === user.id)).toHaveLength(1);
    expect(uses.filter((id) => id === null)).toHaveLength(49);
  });

  it('die when a newer one of their kind is made, also when two are made at once', async () => {
    const user = await createUser(db);
    const all = await Promise.all(
      Array.from({ length: 10 }, () =>
        issueToken({ userId: user.id, kind: 'reset_password', lifeSeconds: 60 }),
      ),
    );
    const alive = await Promise.all(all.map((token) => isTokenAlive(token, 'reset_password')));
    expect(alive.filter(Boolean)).toHaveLength(1);
  });

  it('run out', async () => {
    const user = await createUser(db);
    const token = await issueToken({ userId: user.id, kind: 'reset_password', lifeSeconds: 60 });
    await db
      .update(tokens)
      .set({ expiresAt: sql`now() - interval '1 second'` })
      .where(eq(tokens.userId, user.id));
    expect(await spend(token, 'reset_password')).toBeNull();
  });

  it('do nothing of another kind, and are kept as a hash only', async () => {
    const user = await createUser(db);
    const token = await issueToken({ userId: user.id, kind: 'reset_password', lifeSeconds: 60 });
    expect(await spend(token, 'confirm_email')).toBeNull();
    const [row] = await db.select().from(tokens).where(eq(tokens.userId, user.id));
    expect(row?.tokenHash).toMatch(/^[0-9a-f]{64}$/);
    expect(row?.tokenHash).not.toContain(token);
  });

  it('for a new password end every session and tell the owner', async () => {
    const email = fresh();
    const user = await createUser(db, { email, password: 'the old password' });
    await startSession(user.id, { userAgent: 'one' });
    await sendResetLetter({ email });
    const token = await tokenIn(email);
    const { userId } = data(await resetPassword({ token, password: right }));
    await sendPasswordChangedLetter({ userId });
    expect(await db.select().from(sessions).where(eq(sessions.userId, user.id))).toHaveLength(0);
    expect((await lettersTo(email)).map(({ subject }) => subject)).toEqual([
      'A new password',
      'Your password was changed',
    ]);
    expect((await checkSignIn({ email, password: right }, elsewhere())).ok).toBe(true);
    expect(code(await resetPassword({ token, password: 'once more' }))).toBe('dead_link');
  });

  it('are asked for with the same answer whether or not there is an account', async () => {
    const known = fresh();
    await createUser(db, { email: known });
    const unknown = fresh();
    expect(await requestLetter({ email: known }, elsewhere())).toEqual({ ok: true, data: { email: known } });
    expect(await requestLetter({ email: unknown }, elsewhere())).toEqual({
      ok: true,
      data: { email: unknown },
    });
    await sendResetLetter({ email: unknown });
    await sendConfirmationAgain({ email: unknown });
    expect(await lettersTo(unknown)).toHaveLength(0);
  });

  it('are limited for an address, from wherever they are asked for', async () => {
    const email = fresh();
    const answers = [];
    for (let n = 0; n < 6; n += 1) answers.push(code(await requestLetter({ email }, elsewhere())));
    expect(answers.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
    expect(answers.slice(4)).toEqual(['too_many_requests', 'too_many_requests']);
  });
});

describe('signing in', () => {
  it('says the same of a wrong password and of an address without an account', async () => {
    const email = fresh();
    await createUser(db, { email, password: right });
    const wrong = await checkSignIn({ email, password: 'not the one' }, elsewhere());
    const nobody = await checkSignIn({ email: fresh(), password: 'not the one' }, elsewhere());
    const garbage = await checkSignIn({ email: "' or 1=1 --", password: 'not the one' }, elsewhere());
    expect(wrong).toEqual(nobody);
    expect(garbage).toEqual(nobody);
  });

  it('tells who blocked it, when by its own clock, and why, only to whoever knows the password', async () => {
    const email = fresh();
    const user = await createUser(db, { email, password: right, timeZone: 'Asia/Tokyo' });
    const manager = await createUser(db, { isStaff: true, name: 'Mary Manager' });
    await blockUser(asActor(manager), { userId: user.id, reason: 'spam complaints' });
    const at = ((await findUserByEmail(email))?.blockedAt?.getTime() ?? 0) + 9 * 3_600_000;
    expect(code(await checkSignIn({ email, password: 'not the one' }, elsewhere()))).toBe(
      'wrong_credentials',
    );
    expect(await checkSignIn({ email, password: right }, elsewhere())).toEqual({
      ok: false,
      error: {
        code: 'blocked',
        params: { reason: 'spam complaints', at, zone: 'GMT+9', known: 'yes', name: 'Mary Manager' },
      },
    });
    await unblockUser(null, { userId: user.id });
    await blockUser(null, { userId: user.id, reason: 'from the command line' });
    expect(await checkSignIn({ email, password: right }, elsewhere())).toMatchObject({
      error: { code: 'blocked', params: { known: 'no', name: '' } },
    });
  });

  it('as a demo account works from this machine only', async () => {
    const email = fresh();
    await createUser(db, { email, password: right, isDemo: true });
    expect(code(await checkSignIn({ email, password: right }, elsewhere()))).toBe('demo_only_here');
    expect((await checkSignIn({ email, password: right }, { ...elsewhere(), loopback: true })).ok).toBe(true);
  });

  it('stops guessing at one address after ten tries, from anywhere, and counts no right password', async () => {
    const email = fresh();
    await createUser(db, { email, password: right });
    for (let n = 0; n < 15; n += 1)
      expect((await checkSignIn({ email, password: right }, elsewhere())).ok).toBe(true);
    for (let n = 0; n < 10; n += 1)
      expect(code(await checkSignIn({ email, password: `guess ${n}` }, elsewhere()))).toBe(
        'wrong_credentials',
      );
    expect(code(await checkSignIn({ email, password: right }, elsewhere()))).toBe('too_many_requests');
  });

  it('stops guessing from one network, at whatever addresses', async () => {
    const origin = elsewhere();
    let refused = 0;
    for (let n = 0; n < 104; n += 1)
      if (code(await checkSignIn({ email: fresh(), password: 'x' }, origin)) === 'too_many_requests')
        refused += 1;
    expect(refused).toBe(4);
  });
});

describe('the profile', () => {
  it('changes name, zone and language of its owner only', async () => {
    const [ada, grace] = [await createUser(db), await createUser(db)];
    await updateProfile(asActor(ada), { name: 'Ада', timeZone: 'Europe/Moscow', language: 'ru' });
    expect(await findUserByEmail(ada.email)).toMatchObject({
      name: 'Ада',
      timeZone: 'Europe/Moscow',
      locale: 'ru',
    });
    expect(await findUserByEmail(grace.email)).toMatchObject({
      name: grace.name,
      timeZone: 'UTC',
      locale: 'en',
    });
  });

  it('changes the password only for the old one, and signs out everywhere else', async () => {
    const user = await createUser(db, { email: fresh(), password: 'the old password' });
    const here = await startSession(user.id, { userAgent: 'here' });
    await startSession(user.id, { userAgent: 'there' });
    const actor = asActor(user);
    expect(code(await changePassword(actor, { oldPassword: 'wrong', password: right }, here))).toBe(
      'wrong_password',
    );
    expect(await db.select().from(sessions).where(eq(sessions.userId, user.id))).toHaveLength(2);
    expect((await changePassword(actor, { oldPassword: 'the old password', password: right }, here)).ok).toBe(
      true,
    );
    const left = await db.select().from(sessions).where(eq(sessions.userId, user.id));
    expect(left.map(({ userAgent }) => userAgent)).toEqual(['here']);
    expect((await checkSignIn({ email: user.email, password: right }, elsewhere())).ok).toBe(true);
  });

  it('takes none of the most used passwords anywhere, and a refused one costs neither the link nor a try', async () => {
    const email = fresh();
    const common = 'corvette1984';
    for (let n = 0; n < 6; n += 1)
      expect(code(await registerUser(registration(email, { password: common }), elsewhere()))).toBe(
        'guessable',
      );
    expect(await findUserByEmail(email)).toBeNull();
    const user = await createUser(db, { email, password: right });
    const actor = asActor(user);
    expect(code(await changePassword(actor, { oldPassword: right, password: common }, null))).toBe(
      'guessable',
    );
    await sendResetLetter({ email });
    const token = await tokenIn(email);
    expect(code(await resetPassword({ token, password: common }))).toBe('guessable');
    expect(code(await resetPassword({ token, password: user.name.toUpperCase() }))).toBe('guessable');
    expect((await resetPassword({ token, password: 'a quite unusual one' })).ok).toBe(true);
  });

  it('of two changes from the same old password at once lets one through', async () => {
    const user = await createUser(db, { email: fresh(), password: 'the old password' });
    const both = await Promise.all(
      ['first of the two', 'second of the two'].map((password) =>
        changePassword(asActor(user), { oldPassword: 'the old password', password }, null),
      ),
    );
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
  });
});

describe('blocking', () => {
  const make = async () => ({
    user: await createUser(db),
    manager: await createUser(db, { isStaff: true }),
    other: await createUser(db, { isStaff: true }),
    admin: await createUser(db, { isStaff: true, isSuperuser: true }),
    chief: await createUser(db, { isStaff: true, isSuperuser: true }),
  });

  it('is for managers over users and for admins over both; never over oneself or an admin', async () => {
    const { user, manager, other, admin, chief } = await make();
    const attempt = async (by: typeof user | null, whom: typeof user) => {
      const result = await blockUser(by && asActor(by), { userId: whom.id, reason: 'a reason' });
      if (result.ok) await unblockUser(null, { userId: whom.id });
      return result.ok;
    };
    expect(await attempt(manager, user)).toBe(true);
    expect(await attempt(admin, user)).toBe(true);
    expect(await attempt(admin, manager)).toBe(true);
    expect(await attempt(null, manager)).toBe(true);
    for (const [by, whom] of [
      [user, other],
      [user, user],
      [manager, manager],
      [manager, other],
      [manager, admin],
      [admin, admin],
      [admin, chief],
      [null, admin],
    ] as const)
      expect(await attempt(by, whom)).toBe(false);
  });

  it('needs a reason, ends every session, and is written down', async () => {
    const { user, manager } = await make();
    await startSession(user.id, { userAgent: 'one' });
    expect(code(await blockUser(asActor(manager), { userId: user.id, reason: '  ' }))).toBe('required');
    expect(await db.select().from(sessions).where(eq(sessions.userId, user.id))).toHaveLength(1);
    data(await blockUser(asActor(manager), { userId: user.id, reason: 'bought a list' }));
    expect(await db.select().from(sessions).where(eq(sessions.userId, user.id))).toHaveLength(0);
    expect(code(await blockUser(asActor(manager), { userId: user.id, reason: 'again' }))).toBe(
      'already_blocked',
    );
    data(await unblockUser(null, { userId: user.id }));
    const log = await db
      .select()
      .from(audit)
      .where(and(eq(audit.targetType, 'user'), eq(audit.targetId, user.id)))
      .orderBy(audit.id);
    expect(log.map(({ action, actorEmail, reason }) => ({ action, actorEmail, reason }))).toEqual([
      { action: 'block_user', actorEmail: manager.email, reason: 'bought a list' },
      { action: 'unblock_user', actorEmail: 'command line', reason: '' },
    ]);
  });

  it('and promoting: only admins and the command line promote, and it is written down', async () => {
    const { user, manager, admin } = await make();
    expect(code(await promoteUser(asActor(manager), { userId: user.id, to: 'staff' }))).toBe('not_found');
    data(await promoteUser(asActor(admin), { userId: user.id, to: 'staff' }));
    expect(await findUserByEmail(user.email)).toMatchObject({ isStaff: true, isSuperuser: false });
    data(await promoteUser(null, { userId: user.id, to: 'admin' }));
    expect(await findUserByEmail(user.email)).toMatchObject({ isStaff: true, isSuperuser: true });
    expect(
      await db
        .select()
        .from(audit)
        .where(and(eq(audit.action, 'promote_user'), eq(audit.targetId, user.id))),
    ).toHaveLength(2);
  });
});

describe('accounts made on the command line', () => {
  it('are confirmed, and an address is taken once', async () => {
    const email = fresh();
    const { id } = data(
      await createConfirmedUser({ email, password: right, name: 'Ada', isSuperuser: true }),
    );
    const user = data(await checkSignIn({ email, password: right }, elsewhere()));
    expect(actorOf(user)).toMatchObject({ id, isStaff: true, isSuperuser: true });
    expect(
      code(await createConfirmedUser({ email: email.toUpperCase(), password: right, name: 'Eve' })),
    ).toBe('taken');
  });
});
