import { eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { tokens } from '@/db/schema';
import { findPendingMove, issueToken, isTokenAlive } from '@/lib/auth/tokens';
import {
  blockUser,
  cancelEmailChange,
  changePassword,
  checkSignIn,
  confirmEmailChange,
  confirmUser,
  repeatEmailChange,
  requestEmailChange,
  resetPassword,
  sendEmailChangedLetter,
  sendEmailChangeLetters,
  sendResetLetter,
} from '@/lib/users/mutations';
import { findUserByEmail } from '@/lib/users/queries';
import { elsewhere, freshAddress, given, outboxOf, refusal, secretMailedTo } from '@/tests/support/accounts';
import { asActor, createUser } from '@/tests/support/factories';

const password = 'a sound password';
const person = (email = freshAddress()) => createUser(db, { email, password });

async function ask(user: Awaited<ReturnType<typeof person>>, email: string) {
  const asked = await requestEmailChange(asActor(user), { email, currentPassword: password }, elsewhere());
  await sendEmailChangeLetters(given(asked));
  return asked;
}

const subjects = async (email: string) => (await outboxOf(email)).map(({ subject }) => subject);

describe('a change of address', () => {
  it('counts once the link in the letter to the new address is opened, and not before', async () => {
    const user = await person();
    const email = freshAddress();
    await ask(user, email);
    expect((await checkSignIn({ email: user.email, password }, elsewhere())).ok).toBe(true);
    expect((await checkSignIn({ email, password }, elsewhere())).ok).toBe(false);
    const done = given(await confirmEmailChange({ token: await secretMailedTo(email) }));
    await sendEmailChangedLetter(done);
    expect((await checkSignIn({ email: email.toUpperCase(), password }, elsewhere())).ok).toBe(true);
    expect((await checkSignIn({ email: user.email, password }, elsewhere())).ok).toBe(false);
    expect(await findUserByEmail(email)).toMatchObject({ id: user.id, email, emailKey: email });
  });

  it('is told to the old address when it is asked for and when it is done, in the language of its owner', async () => {
    const user = await createUser(db, { email: freshAddress(), password, locale: 'ru' });
    const email = freshAddress();
    await ask(user, email);
    await sendEmailChangedLetter(given(await confirmEmailChange({ token: await secretMailedTo(email) })));
    expect(await subjects(user.email)).toEqual([
      'Запрошена смена адреса аккаунта',
      'У вашего аккаунта новый адрес',
    ]);
    const [letter] = await outboxOf(email);
    expect(letter?.subject).toBe('Подтвердите новый адрес');
    expect(letter?.text).toMatch(/\/ru\/verify-email\?change=/);
    // What goes to the old address holds no key to the new one.
    for (const { text, html } of await outboxOf(user.email)) expect(text + html).not.toContain('change=');
  });

  it('is answered alike for an address that has an account, whose owner alone is told', async () => {
    const [user, other] = [await person(), await person()];
    const free = freshAddress();
    const taken = await ask(user, other.email);
    expect(taken).toMatchObject({ ok: true, data: { userId: user.id, email: other.email } });
    const shown = await findPendingMove(user.id);
    expect(shown?.email).toBe(other.email);
    expect(refusal(await confirmEmailChange({ token: given(taken).token }))).toBe('dead_link');
    const before = await outboxOf(user.email);
    expect(await ask(user, free)).toMatchObject({ ok: true, data: { userId: user.id, email: free } });
    const after = (await outboxOf(user.email)).slice(before.length);
    const words = (rows: typeof before) => rows.map(({ subject, text, html }) => ({ subject, text, html }));
    expect(words(after)).toEqual(words(before));
    expect(await subjects(other.email)).toEqual(['This address already has an account']);
    expect((await outboxOf(other.email))[0]?.text).not.toContain('change=');
  });

  it('needs the password, and stops counting guesses at it after ten', async () => {
    const user = await person();
    const attempt = (currentPassword: string) =>
      requestEmailChange(asActor(user), { email: freshAddress(), currentPassword }, elsewhere());
    for (let n = 0; n < 10; n += 1) expect(refusal(await attempt(`guess ${n}`))).toBe('wrong_password');
    expect(refusal(await attempt(password))).toBe('too_many_requests');
  });

  it('to the address one has already is refused, in whatever case it is typed', async () => {
    const user = await person();
    const same = { email: user.email.toUpperCase(), currentPassword: password };
    expect(refusal(await requestEmailChange(asActor(user), same, elsewhere()))).toBe('same_email');
  });

  it('kills the one asked for before, and the links for a new password that went to the old address', async () => {
    const user = await person();
    const [first, second] = [freshAddress(), freshAddress()];
    await ask(user, first);
    const stale = await secretMailedTo(first);
    await ask(user, second);
    await sendResetLetter({ email: user.email });
    const reset = await secretMailedTo(user.email);
    expect(refusal(await confirmEmailChange({ token: stale }))).toBe('dead_link');
    given(await confirmEmailChange({ token: await secretMailedTo(second) }));
    expect(refusal(await resetPassword({ token: reset, password: 'another sound one' }))).toBe('dead_link');
  });

  it('dies when the password is changed or set anew in the meantime', async () => {
    const user = await person();
    const email = freshAddress();
    await ask(user, email);
    const stale = await secretMailedTo(email);
    given(await changePassword(asActor(user), { oldPassword: password, password: 'a second one' }, null));
    expect(refusal(await confirmEmailChange({ token: stale }))).toBe('dead_link');

    const other = await person();
    const elsewhereTo = freshAddress();
    await ask(other, elsewhereTo);
    await sendResetLetter({ email: other.email });
    given(await resetPassword({ token: await secretMailedTo(other.email), password: 'a third one' }));
    expect(refusal(await confirmEmailChange({ token: await secretMailedTo(elsewhereTo) }))).toBe('dead_link');
  });

  it('loses against an account that was made at the address meanwhile, and leaves both as they were', async () => {
    const user = await person();
    const email = freshAddress();
    await ask(user, email);
    const token = await secretMailedTo(email);
    const newcomer = await person(email);
    expect(refusal(await confirmEmailChange({ token }))).toBe('dead_link');
    expect((await findUserByEmail(email))?.id).toBe(newcomer.id);
    expect((await findUserByEmail(user.email))?.id).toBe(user.id);
  });

  it('runs out after an hour, and is kept as a hash only', async () => {
    const user = await person();
    const email = freshAddress();
    await ask(user, email);
    const token = await secretMailedTo(email);
    const [row] = await db.select().from(tokens).where(eq(tokens.userId, user.id));
    expect(row?.tokenHash).not.toContain(token);
    const left = ((row?.expiresAt.getTime() ?? 0) - Date.now()) / 60_000;
    expect(left).toBeGreaterThan(58);
    expect(left).toBeLessThan(61);
    await db
      .update(tokens)
      .set({ expiresAt: sql`now() - interval '1 second'` })
      .where(eq(tokens.userId, user.id));
    expect(refusal(await confirmEmailChange({ token }))).toBe('dead_link');
  });

  it('is not open to a blocked user', async () => {
    const user = await person();
    const email = freshAddress();
    await ask(user, email);
    given(await blockUser(null, { userId: user.id, reason: 'spam' }));
    expect(refusal(await confirmEmailChange({ token: await secretMailedTo(email) }))).toBe('dead_link');
  });

  it('may be asked for five times an hour', async () => {
    const user = await person();
    const answers = [];
    for (let n = 0; n < 6; n += 1)
      answers.push(
        refusal(
          await requestEmailChange(
            asActor(user),
            { email: freshAddress(), currentPassword: password },
            elsewhere(),
          ),
        ),
      );
    expect(answers).toEqual([...Array<undefined>(5).fill(undefined), 'too_many_requests']);
  });
});

describe('a change of address that waits', () => {
  it('is shown until its link is opened, is cancelled or has run out, and to nobody else', async () => {
    const [user, other] = [await person(), await person()];
    const email = freshAddress();
    expect(await findPendingMove(user.id)).toBeNull();
    await ask(user, email);
    const pending = await findPendingMove(user.id);
    expect(pending?.email).toBe(email);
    expect(Math.abs((pending?.expiresAt.getTime() ?? 0) - Date.now() - 3600_000)).toBeLessThan(60_000);
    expect(await findPendingMove(other.id)).toBeNull();
    given(await confirmEmailChange({ token: await secretMailedTo(email) }));
    expect(await findPendingMove(user.id)).toBeNull();

    await ask(other, freshAddress());
    await db
      .update(tokens)
      .set({ expiresAt: sql`now() - interval '1 second'` })
      .where(eq(tokens.userId, other.id));
    expect(await findPendingMove(other.id)).toBeNull();
    expect(refusal(await repeatEmailChange(asActor(other), elsewhere()))).toBe('nothing_pending');
  });

  it('once cancelled is dead: its link changes nothing, and no other link of the account dies with it', async () => {
    const user = await person();
    const email = freshAddress();
    await ask(user, email);
    await sendResetLetter({ email: user.email });
    const [move, reset] = [await secretMailedTo(email), await secretMailedTo(user.email)];
    given(await cancelEmailChange(asActor(user)));
    given(await cancelEmailChange(asActor(user)));
    expect(await findPendingMove(user.id)).toBeNull();
    expect(refusal(await confirmEmailChange({ token: move }))).toBe('dead_link');
    expect(await findUserByEmail(user.email)).toMatchObject({ id: user.id });
    expect(await isTokenAlive(reset, 'reset_password')).toBe(true);
  });

  it('has its letter sent again with a link of its own; the one before dies, and the old address is not told twice', async () => {
    const user = await person();
    const email = freshAddress();
    await ask(user, email);
    const first = await secretMailedTo(email);
    await sendEmailChangeLetters(given(await repeatEmailChange(asActor(user), elsewhere())));
    const second = await secretMailedTo(email);
    expect(second).not.toBe(first);
    expect(await subjects(user.email)).toEqual(['A new address was asked for your account']);
    expect(refusal(await confirmEmailChange({ token: first }))).toBe('dead_link');
    given(await confirmEmailChange({ token: second }));
    expect(await findUserByEmail(email)).toMatchObject({ id: user.id });
  });

  it('is sent again no more often than it may be asked for', async () => {
    const user = await person();
    await ask(user, freshAddress());
    const answers = [];
    for (let n = 0; n < 5; n += 1) answers.push(refusal(await repeatEmailChange(asActor(user), elsewhere())));
    expect(answers.at(-1)).toBe('too_many_requests');
  });
});

describe('a mailed link raced by 50 requests', () => {
  const fifty = <T>(work: () => Promise<T>) => Promise.all(Array.from({ length: 50 }, work));
  const wins = (results: Awaited<ReturnType<typeof confirmEmailChange | typeof resetPassword>>[]) =>
    results.filter(({ ok }) => ok).length;

  it('confirms a new account once', async () => {
    const user = await createUser(db, { email: freshAddress(), password, confirmedAt: null });
    const token = await issueToken({ userId: user.id, kind: 'confirm_email', lifeSeconds: 60 });
    const results = await fifty(() => confirmUser({ token }));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(new Set(results.map(refusal))).toEqual(new Set([undefined, 'dead_link']));
  });

  it('moves the account once', async () => {
    const user = await person();
    const email = freshAddress();
    await ask(user, email);
    const token = await secretMailedTo(email);
    const results = await fifty(() => confirmEmailChange({ token }));
    expect(wins(results)).toBe(1);
    expect(new Set(results.map(refusal))).toEqual(new Set([undefined, 'dead_link']));
  });

  it('sets one password, that of the one that won', async () => {
    const user = await person();
    await sendResetLetter({ email: user.email });
    const token = await secretMailedTo(user.email);
    let n = 0;
    const results = await fifty(async () => {
      n += 1;
      const chosen = `the password number ${n}`;
      return { chosen, result: await resetPassword({ token, password: chosen }) };
    });
    const won = results.filter(({ result }) => result.ok);
    expect(won).toHaveLength(1);
    const [winner] = won;
    expect((await checkSignIn({ email: user.email, password: winner?.chosen ?? '' }, elsewhere())).ok).toBe(
      true,
    );
  });

  it('is never at odds with a new letter that is asked for at the same moment', async () => {
    const user = await person();
    for (let round = 0; round < 10; round += 1) {
      const token = await issueToken({ userId: user.id, kind: 'reset_password', lifeSeconds: 60 });
      const outcomes = await Promise.allSettled([
        ...Array.from({ length: 4 }, () => resetPassword({ token, password })),
        ...Array.from({ length: 4 }, () =>
          issueToken({ userId: user.id, kind: 'reset_password', lifeSeconds: 60 }),
        ),
      ]);
      expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
      expect(await isTokenAlive(token, 'reset_password')).toBe(false);
    }
  });
});
