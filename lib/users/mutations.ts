import { and, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { batches, mailings, runs, sessions, users } from '@/db/schema';
import { recordAudit } from '@/lib/audit/mutations';
import { reasonMax } from '@/lib/audit/schema';
import { accountLetter, type HoldNews, holdLetter } from '@/lib/auth/letters';
import { hashPassword, isCommonPassword, noPassword, verifyPassword } from '@/lib/auth/passwords';
import {
  dropTokens,
  findPendingMove,
  findTokenUser,
  issueToken,
  secretHash,
  spendToken,
} from '@/lib/auth/tokens';
import { type Clock, systemClock } from '@/lib/clock';
import { addressKey, parseAddress } from '@/lib/email/address';
import { sendSystemLetter } from '@/lib/email/system';
import { databaseErrorCode, done, type Result, refuse, refuseField } from '@/lib/errors';
import type { Locale } from '@/lib/i18n/paths';
import { log } from '@/lib/log';
import { type Actor, canChangeRoles } from '@/lib/policy/rules';
import { blockable } from '@/lib/policy/scopes';
import { type Limit, takeTokens } from '@/lib/rate-limit';
import { isZone, toExactLocal } from '@/lib/recurrence/slots';
import { findWhatStops } from '@/lib/runs/queries';
import { releaseMailings } from '@/lib/sending/release';
import { findUserByEmail, getAccountContents, isLastAdmin, type UserRow } from './queries';
import type { ChangeEmailInput, ChangePasswordInput, ProfileInput, RegisterInput, UserRole } from './schema';

/** Where a request came from: what rate limits count as one visitor, and whether it started on this machine. */
export type Origin = { network: string; loopback: boolean };

const minutes = 60;
const hours = 3600;
const limits = {
  signInAddress: { limit: 10, windowSeconds: 15 * minutes },
  signInNetwork: { limit: 100, windowSeconds: 15 * minutes },
  registerNetwork: { limit: 30, windowSeconds: hours },
  letterAddress: { limit: 4, windowSeconds: 15 * minutes },
  letterNetwork: { limit: 30, windowSeconds: hours },
  oldPassword: { limit: 10, windowSeconds: 15 * minutes },
  moveUser: { limit: 5, windowSeconds: hours },
} satisfies Record<string, Limit>;

const confirmSeconds = 24 * hours;
const resetSeconds = 30 * minutes;
const moveSeconds = hours;

/** Takes a token of each kind; the refusal is the same whether or not the address has an account. */
async function limited(
  wanted: [kind: keyof typeof limits, subject: string][],
): Promise<Result<{ giveBack: () => Promise<void> }>> {
  const taken = await takeTokens(wanted.map(([kind, subject]) => ({ kind, subject, limit: limits[kind] })));
  if (taken.ok) return done({ giveBack: taken.giveBack });
  return refuse('too_many_requests', undefined, { minutes: Math.ceil(taken.retryAfterSeconds / minutes) });
}

/** What registering came to; told to nobody but the letter. */
export type Registration = { userId: number; outcome: 'new' | 'repeated' | 'known' };

/**
 * Registers an address. Answers alike, with the same work, whether or not it has an account; the letter tells the rest
 * ({@link sendRegistrationLetter}). Registering an unconfirmed address again takes its password away: whoever opens the letter
 * chooses a new one, so that nobody can plant a password in somebody else's address. Codes: `too_many_requests`, `invalid_email`,
 * `guessable` on `password`.
 */
export async function registerUser(input: RegisterInput, origin: Origin): Promise<Result<Registration>> {
  const address = parseAddress(input.email);
  if (!address) return refuseField('email', 'invalid_email');
  if (isCommonPassword(input.password, { email: address, name: input.name }))
    return refuseField('password', 'guessable');
  const emailKey = addressKey(address);
  const room = await limited([
    ['registerNetwork', origin.network],
    ['letterAddress', emailKey],
  ]);
  if (!room.ok) return room;
  const passwordHash = await hashPassword(input.password);
  const [row] = await db
    .insert(users)
    .values({
      email: address,
      emailKey,
      name: input.name,
      passwordHash,
      locale: input.locale,
      timeZone: input.timeZone,
    })
    .onConflictDoUpdate({
      target: users.emailKey,
      set: {
        passwordHash: sql`case when ${users.confirmedAt} is null then ${noPassword} else ${users.passwordHash} end`,
      },
    })
    .returning({ id: users.id, confirmedAt: users.confirmedAt, isNew: sql<boolean>`xmax = 0` });
  if (!row) throw new Error('a registration wrote no row');
  return done({ userId: row.id, outcome: row.isNew ? 'new' : row.confirmedAt ? 'known' : 'repeated' });
}

/** The letter that follows a registration. To be called after the response, so that its time tells nothing. */
export async function sendRegistrationLetter({ userId, outcome }: Registration): Promise<void> {
  const user = await findUserById(userId);
  if (!user) return;
  if (outcome === 'known') await sendLetter(user, 'known', '/login');
  else await sendOpeningLetter(user);
}

/** Confirms an account that has a password, or has its owner choose one. */
async function sendOpeningLetter(user: UserRow): Promise<void> {
  const chooses = user.passwordHash === noPassword;
  const kind = chooses ? 'reset_password' : 'confirm_email';
  // The link of the registration whose password was taken away opens nothing any more.
  if (chooses) await dropTokens(user.id, 'confirm_email');
  const token = await issueToken({ userId: user.id, kind, lifeSeconds: confirmSeconds });
  await sendLetter(
    user,
    chooses ? 'choose' : 'confirm',
    `${chooses ? '/reset-password' : '/verify-email'}?token=${token}`,
  );
}

/** Tells an owner of a block, a disable, or their end; answers go to whoever did it. After the commit; it never fails. */
export async function sendHoldLetter(news: HoldNews | null): Promise<void> {
  if (!news) return;
  try {
    await sendSystemLetter({ to: news.to.email, replyTo: news.by?.email, ...holdLetter(news) });
  } catch (error) {
    log.surprise('account_letter_not_sent', error, { kind: news.what.kind });
  }
}

async function sendLetter(
  user: Pick<UserRow, 'email' | 'name' | 'locale'>,
  kind: Parameters<typeof accountLetter>[0],
  path: string,
  to = user.email,
): Promise<void> {
  try {
    await sendSystemLetter({
      to,
      ...accountLetter(kind, { name: user.name, locale: user.locale, path }),
    });
  } catch (error) {
    log.surprise('account_letter_not_sent', error, { kind });
  }
}

async function findUserById(id: number, on: Db = db): Promise<UserRow | null> {
  const [row] = await on.select().from(users).where(eq(users.id, id));
  return row ?? null;
}

/** Confirms an account by the secret of its letter. Code `dead_link` for one that is old, used or made up. */
export async function confirmUser({ token }: { token: string }): Promise<Result<{ email: string }>> {
  return db.transaction(async (tx) => {
    const spent = await spendToken(token, 'confirm_email', tx);
    if (!spent) return refuse('dead_link');
    await tx
      .update(users)
      .set({ confirmedAt: sql`coalesce(${users.confirmedAt}, now())`, updatedAt: sql`now()` })
      .where(eq(users.id, spent.user.id));
    return done({ email: spent.user.email });
  });
}

/** Takes the request for a letter to an address, known or not; the answer is the same. Code `too_many_requests`. */
export async function requestLetter(
  input: { email: string },
  origin: Origin,
): Promise<Result<{ email: string }>> {
  const address = parseAddress(input.email);
  if (!address) return refuseField('email', 'invalid_email');
  const room = await limited([
    ['letterNetwork', origin.network],
    ['letterAddress', addressKey(address)],
  ]);
  return room.ok ? done({ email: address }) : room;
}

/** Sends the confirmation again where an account waits for it. After the response. */
export async function sendConfirmationAgain({ email }: { email: string }): Promise<void> {
  const user = await findUserByEmail(email);
  if (!user) return;
  if (user.confirmedAt) await sendLetter(user, 'known', '/login');
  else await sendOpeningLetter(user);
}

/** Sends the link for a new password where there is an account. After the response. */
export async function sendResetLetter({ email }: { email: string }): Promise<void> {
  const user = await findUserByEmail(email);
  if (!user) return;
  const token = await issueToken({ userId: user.id, kind: 'reset_password', lifeSeconds: resetSeconds });
  await sendLetter(user, 'reset', `/reset-password?token=${token}`);
}

/**
 * Sets a new password by a mailed link. Opening the letter proves the address, so an unconfirmed account is confirmed; every
 * session ends, and with it a change of address that waits for its link. Codes: `dead_link`; `guessable` on `password`.
 */
export async function resetPassword(input: {
  token: string;
  password: string;
}): Promise<Result<{ userId: number }>> {
  // Looked at first: a made-up link costs no hashing, and one that works survives a refused password.
  const owner = await findTokenUser(input.token, 'reset_password');
  if (!owner) return refuse('dead_link');
  if (isCommonPassword(input.password, owner)) return refuseField('password', 'guessable');
  const passwordHash = await hashPassword(input.password);
  return db.transaction(async (tx) => {
    const spent = await spendToken(input.token, 'reset_password', tx);
    if (!spent) return refuse('dead_link');
    const userId = spent.user.id;
    await tx
      .update(users)
      .set({ passwordHash, confirmedAt: sql`coalesce(${users.confirmedAt}, now())`, updatedAt: sql`now()` })
      .where(eq(users.id, userId));
    await tx.delete(sessions).where(eq(sessions.userId, userId));
    await dropTokens(userId, null, tx);
    return done({ userId });
  });
}

/** Tells the owner that the password was changed. After the response. */
export async function sendPasswordChangedLetter({ userId }: { userId: number }): Promise<void> {
  const user = await findUserById(userId);
  if (user) await sendLetter(user, 'changed', '/forgot-password');
}

/**
 * Checks e-mail and password. Codes: `wrong_credentials` (also for no such account, in the same time), and with the right
 * password only: `not_confirmed`, `blocked` (with `reason`, `at` in milliseconds of the user's wall clock as if it were UTC, its `zone`, and the `name` of who did it where that is `known`), `demo_only_here`; `too_many_requests` before anything is checked.
 */
export async function checkSignIn(
  typed: { email: string; password: string },
  origin: Origin,
): Promise<Result<UserRow>> {
  const subject = addressKey(parseAddress(typed.email) ?? typed.email.trim());
  const room = await limited([
    ['signInNetwork', origin.network],
    ['signInAddress', subject],
  ]);
  if (!room.ok) return room;
  const user = await findUserByEmail(typed.email);
  if (!(await verifyPassword(user?.passwordHash ?? null, typed.password)) || !user)
    return refuse('wrong_credentials');
  // Only guesses count: people who know their password may sign in as often as they like.
  await room.data.giveBack();
  if (!user.confirmedAt) return refuse('not_confirmed');
  if (user.blockedAt) {
    const blocker = user.blockedById === null ? null : await findUserById(user.blockedById);
    return refuse('blocked', undefined, {
      reason: user.blockedReason ?? '',
      ...wallClock(user.blockedAt, user.timeZone),
      known: blocker ? 'yes' : 'no',
      name: blocker?.name ?? '',
    });
  }
  if (user.isDemo && !origin.loopback) return refuse('demo_only_here');
  return done(user);
}

/** An instant as the wall clock of a zone shows it, in milliseconds as if that were UTC, and the zone: `GMT+3`. */
function wallClock(at: Date, timeZone: string): { at: number; zone: string } {
  const known = isZone(timeZone) ? timeZone : 'UTC';
  const parts = new Intl.DateTimeFormat('en', { timeZone: known, timeZoneName: 'shortOffset' }).formatToParts(
    at,
  );
  return {
    at: Date.parse(`${toExactLocal(at, known)}Z`),
    zone: parts.find(({ type }) => type === 'timeZoneName')?.value ?? known,
  };
}

/**
 * Changes the actor's own password and ends every session but the one named by `keep` (its secret), and every link that was
 * mailed. Codes: `wrong_password` on `oldPassword`; `guessable` on `password`; `too_many_requests`.
 */
export async function changePassword(
  actor: Actor,
  input: ChangePasswordInput,
  keep: string | null,
): Promise<Result<{ userId: number }>> {
  const checked = await checkOwnPassword(actor, 'oldPassword', input.oldPassword);
  if (!checked.ok) return checked;
  const user = checked.data;
  if (isCommonPassword(input.password, user)) return refuseField('password', 'guessable');
  const passwordHash = await hashPassword(input.password);
  return db.transaction(async (tx) => {
    // Only over the password that was checked: of two changes at once the second has to know the first one's.
    const changed = await tx
      .update(users)
      .set({ passwordHash, updatedAt: sql`now()` })
      .where(and(eq(users.id, actor.id), eq(users.passwordHash, user.passwordHash)))
      .returning({ id: users.id });
    if (changed.length === 0) return refuseField('oldPassword', 'wrong_password');
    await tx
      .delete(sessions)
      .where(and(eq(sessions.userId, actor.id), keep ? ne(sessions.tokenHash, secretHash(keep)) : sql`true`));
    await dropTokens(actor.id, null, tx);
    return done({ userId: actor.id });
  });
}

/**
 * Is it the actor's own password? Guesses are counted, right answers are not. Codes: `wrong_password` on `field`,
 * `too_many_requests`.
 */
async function checkOwnPassword(actor: Actor, field: string, typed: string): Promise<Result<UserRow>> {
  const room = await limited([['oldPassword', String(actor.id)]]);
  if (!room.ok) return room;
  const user = await findUserById(actor.id);
  if (!user || !(await verifyPassword(user.passwordHash, typed))) return refuseField(field, 'wrong_password');
  await room.data.giveBack();
  return done(user);
}

/** A change of address that waits for the link in the letter to the new one. `token` is its secret, `isNew`: asked for just now. */
type EmailChange = { userId: number; email: string; token: string; isNew: boolean };

/**
 * Takes the wish to sign in with another address. Answers alike, and is pending alike, whether or not that one has an account; only
 * the letters tell ({@link sendEmailChangeLetters}). Codes: `wrong_password` on `currentPassword`; `invalid_email` and `same_email`
 * on `email`; `too_many_requests`.
 */
export async function requestEmailChange(
  actor: Actor,
  input: ChangeEmailInput,
  origin: Origin,
): Promise<Result<EmailChange>> {
  const address = parseAddress(input.email);
  if (!address) return refuseField('email', 'invalid_email');
  const checked = await checkOwnPassword(actor, 'currentPassword', input.currentPassword);
  if (!checked.ok) return checked;
  if (addressKey(address) === checked.data.emailKey) return refuseField('email', 'same_email');
  return beginEmailChange(actor, address, origin, true);
}

/** Has the letters of the pending change sent anew; the link sent before dies. Codes: `nothing_pending`, `too_many_requests`. */
export async function repeatEmailChange(actor: Actor, origin: Origin): Promise<Result<EmailChange>> {
  const pending = await findPendingMove(actor.id);
  return pending ? beginEmailChange(actor, pending.email, origin, false) : refuse('nothing_pending');
}

async function beginEmailChange(
  actor: Actor,
  email: string,
  origin: Origin,
  isNew: boolean,
): Promise<Result<EmailChange>> {
  const room = await limited([
    ['moveUser', String(actor.id)],
    ['letterNetwork', origin.network],
    ['letterAddress', addressKey(email)],
  ]);
  if (!room.ok) return room;
  const link = { kind: 'change_email', lifeSeconds: moveSeconds, newEmail: email } as const;
  return done({ userId: actor.id, email, isNew, token: await issueToken({ userId: actor.id, ...link }) });
}

/** Gives the pending change up: its link is worthless from now on. Doing it twice is the same as once. */
export async function cancelEmailChange(actor: Actor): Promise<Result<{ userId: number }>> {
  await dropTokens(actor.id, 'change_email');
  return done({ userId: actor.id });
}

/**
 * The link to the new address (or word that it has an account), and at first a notice to the old one, the same in both cases:
 * whoever asks usually reads that mailbox. After the response.
 */
export async function sendEmailChangeLetters({ userId, email, token, isNew }: EmailChange): Promise<void> {
  const user = await findUserById(userId);
  if (!user) return;
  const taken = await findUserByEmail(email);
  // The notice comes first: its link is the way out for an owner whose session somebody else is using.
  if (isNew) await sendLetter(user, 'moveAsked', '/forgot-password');
  if (taken) await sendLetter(taken, 'moveTaken', '/login');
  else await sendLetter(user, 'move', `/verify-email?change=${token}`, email);
}

/**
 * Moves an account to the address whose letter was opened. Every other mailed link of the account dies: those for a new password
 * went to the old address. Code `dead_link`: old, used or made up, the user is blocked, or the address got an account meanwhile.
 */
export async function confirmEmailChange(input: {
  token: string;
}): Promise<Result<{ userId: number; oldEmail: string }>> {
  try {
    return await db.transaction(async (tx) => {
      const spent = await spendToken(input.token, 'change_email', tx);
      if (!spent?.newEmail || spent.user.blockedAt) return refuse('dead_link');
      const { user, newEmail } = spent;
      await tx
        .update(users)
        .set({ email: newEmail, emailKey: addressKey(newEmail), updatedAt: sql`now()` })
        .where(eq(users.id, user.id));
      await dropTokens(user.id, null, tx);
      return done({ userId: user.id, oldEmail: user.email });
    });
  } catch (error) {
    if (databaseErrorCode(error) === '23505') return refuse('dead_link');
    throw error;
  }
}

/** Tells the old address that it opens the account no more. After the response. */
export async function sendEmailChangedLetter(input: { userId: number; oldEmail: string }): Promise<void> {
  const user = await findUserById(input.userId);
  if (user) await sendLetter(user, 'moved', '/login', input.oldEmail);
}

/** Whom to tell that an account is gone. */
type Farewell = Pick<UserRow, 'email' | 'name' | 'locale'>;

/** How often a deletion that met the engine head on is begun again. */
const deletionTries = 5;

/**
 * Deletes the actor's own account with everything in it, runs under way too: nothing of theirs is handed over after it but what
 * an engine had already written down as about to go. Audit rows stay, and posts, without an author. Codes: `wrong_password` on
 * `currentPassword`, `too_many_requests`, `last_admin`.
 */
export async function deleteAccount(
  actor: Actor,
  input: { currentPassword: string },
): Promise<Result<Farewell>> {
  const checked = await checkOwnPassword(actor, 'currentPassword', input.currentPassword);
  if (!checked.ok) return checked;
  const { passwordHash } = checked.data;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction((tx) => deleteUser(actor, passwordHash, tx));
    } catch (error) {
      // 40P01: an engine that was recording held what this wanted, and wanted what this held.
      if (databaseErrorCode(error) !== '40P01' || attempt === deletionTries) throw error;
    }
  }
}

async function deleteUser(actor: Actor, passwordHash: string, tx: Db): Promise<Result<Farewell>> {
  // All admins in one order: of the last two who leave at once, the second finds nobody else.
  if (actor.isSuperuser)
    await tx
      .select({ id: users.id })
      .from(users)
      .where(eq(users.isSuperuser, true))
      .orderBy(users.id)
      .for('update');
  const [user] = await tx.select().from(users).where(eq(users.id, actor.id)).for('update');
  // Only by the password that was checked: who has just set a new one means to keep the account.
  if (user?.passwordHash !== passwordHash) return refuseField('currentPassword', 'wrong_password');
  if (await isLastAdmin({ ...actor, isSuperuser: user.isSuperuser }, tx)) return refuse('last_admin');
  // What engines and the owner's other pages may be holding, from the outside in; afterwards nothing of it can be claimed.
  await tx
    .select({ id: mailings.id })
    .from(mailings)
    .where(eq(mailings.ownerId, user.id))
    .orderBy(mailings.id)
    .for('update');
  const open = tx
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.ownerId, user.id), eq(runs.status, 'open')));
  await open.orderBy(runs.id).for('update');
  await tx
    .select({ id: batches.id })
    .from(batches)
    .where(and(inArray(batches.runId, open), isNull(batches.endedAt)))
    .orderBy(batches.id)
    .for('update');
  const before = await getAccountContents(actor, tx);
  await tx.delete(users).where(eq(users.id, user.id));
  await recordAudit(actor, { action: 'delete_user', targetType: 'user', targetId: user.id, before }, tx);
  const { email, name, locale } = user;
  return done({ email, name, locale });
}

/** Tells the address that its account is gone. After the response. */
export async function sendAccountDeletedLetter(farewell: Farewell): Promise<void> {
  await sendLetter(farewell, 'deleted', '/');
}

/** Name, zone and language of the actor's own account. */
export async function updateProfile(
  actor: Actor,
  input: ProfileInput,
  on: Db = db,
): Promise<Result<{ locale: Locale }>> {
  const [row] = await on
    .update(users)
    .set({ name: input.name, timeZone: input.timeZone, locale: input.language, updatedAt: sql`now()` })
    .where(eq(users.id, actor.id))
    .returning({ locale: users.locale });
  return row ? done({ locale: row.locale }) : refuse('not_found');
}

/** Makes an account that needs no confirmation: for the command line, demo data and tests. Code on `email`: `taken`. */
export async function createConfirmedUser(
  input: {
    email: string;
    password: string;
    name: string;
    isStaff?: boolean;
    isSuperuser?: boolean;
    isDemo?: boolean;
    locale?: Locale;
    timeZone?: string;
  },
  on: Db = db,
): Promise<Result<{ id: number }>> {
  const address = parseAddress(input.email);
  if (!address) return refuseField('email', 'invalid_email');
  const passwordHash = await hashPassword(input.password);
  try {
    const [row] = await on
      .insert(users)
      .values({
        email: address,
        emailKey: addressKey(address),
        name: input.name,
        passwordHash,
        confirmedAt: sql`now()`,
        isSuperuser: input.isSuperuser ?? false,
        isStaff: (input.isStaff ?? false) || (input.isSuperuser ?? false),
        isDemo: input.isDemo ?? false,
        locale: input.locale ?? 'en',
        timeZone: input.timeZone ?? 'UTC',
      })
      .returning({ id: users.id });
    if (!row) throw new Error('a new user wrote no row');
    return done({ id: row.id });
  } catch (error) {
    if (databaseErrorCode(error) === '23505') return refuseField('email', 'taken');
    throw error;
  }
}

/**
 * Blocks a user: every session ends, and nothing of theirs is sent from the next claim on. `null` acts for the command line.
 * `news` is for {@link sendHoldLetter}. Codes: `required` on `reason`; `not_found` also where the actor may not block; `already_blocked`.
 */
export async function blockUser(
  actor: Actor | null,
  input: { userId: number; reason: string },
  on: Db = db,
): Promise<Result<{ id: number; news: HoldNews | null }>> {
  const reason = input.reason.trim();
  if (!reason) return refuseField('reason', 'required');
  if (reason.length > reasonMax) return refuseField('reason', 'too_long', { max: reasonMax });
  return on.transaction(async (tx) => {
    const [target] = await tx
      .select()
      .from(users)
      .where(and(eq(users.id, input.userId), blockable(actor, users)))
      .for('update');
    if (!target) return refuse('not_found');
    if (target.blockedAt) return refuse('already_blocked');
    const stops = await findWhatStops(actor, { ownerId: target.id }, tx);
    const [blocked] = await tx
      .update(users)
      .set({
        blockedAt: sql`now()`,
        blockedById: actor?.id ?? null,
        blockedReason: reason,
        updatedAt: sql`now()`,
      })
      .where(and(eq(users.id, target.id), isNull(users.blockedAt)))
      .returning({ at: users.blockedAt });
    await tx.delete(sessions).where(eq(sessions.userId, target.id));
    await recordAudit(
      actor,
      {
        action: 'block_user',
        targetType: 'user',
        targetId: target.id,
        reason,
        before: { isBlocked: false },
        after: { isBlocked: true },
      },
      tx,
    );
    const at = blocked?.at ?? new Date();
    return done({
      id: target.id,
      news: newsFor(target, { by: actor, at, reason, what: { kind: 'blocked', stops } }),
    });
  });
}

/** Lifts a block; slots that came meanwhile are not sent. `news` is for {@link sendHoldLetter}. Codes: `not_found`, also where the actor may not; `not_blocked`. */
export async function unblockUser(
  actor: Actor | null,
  input: { userId: number },
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ id: number; news: HoldNews | null }>> {
  return on.transaction(async (tx) => {
    const [target] = await tx
      .select()
      .from(users)
      // The command line lifts the block of an admin too, who may have become one while blocked.
      .where(and(eq(users.id, input.userId), actor ? blockable(actor, users) : undefined))
      .for('update');
    if (!target) return refuse('not_found');
    if (!target.blockedAt) return refuse('not_blocked');
    await tx
      .update(users)
      .set({ blockedAt: null, blockedById: null, blockedReason: null, updatedAt: sql`now()` })
      .where(eq(users.id, target.id));
    await releaseMailings(tx, { ownerId: target.id }, clock.now());
    await recordAudit(
      actor,
      {
        action: 'unblock_user',
        targetType: 'user',
        targetId: target.id,
        before: { isBlocked: true, reason: target.blockedReason },
        after: { isBlocked: false },
      },
      tx,
    );
    const reason = target.blockedReason ?? '';
    return done({
      id: target.id,
      news: newsFor(target, { by: actor, at: clock.now(), reason, what: { kind: 'unblocked' } }),
    });
  });
}

/** What to tell an account; nothing where nobody has shown that the address is theirs. */
function newsFor(
  { confirmedAt, email, name, locale, timeZone }: UserRow,
  news: Omit<HoldNews, 'to'>,
): HoldNews | null {
  return confirmedAt ? { to: { email, name, locale, timeZone }, ...news } : null;
}

/** Makes a user a manager or an admin. Only the command line (`null`) and admins may. Code `not_found`. */
export async function promoteUser(
  actor: Actor | null,
  input: { userId: number; to: 'staff' | 'admin' },
  on: Db = db,
): Promise<Result<{ id: number }>> {
  if (actor && !actor.isSuperuser) return refuse('not_found');
  return on.transaction(async (tx) => {
    const [target] = await tx.select().from(users).where(eq(users.id, input.userId)).for('update');
    if (!target) return refuse('not_found');
    const before = { isStaff: target.isStaff, isSuperuser: target.isSuperuser };
    const after = { isStaff: true, isSuperuser: target.isSuperuser || input.to === 'admin' };
    await tx
      .update(users)
      .set({ ...after, updatedAt: sql`now()` })
      .where(eq(users.id, target.id));
    await recordAudit(
      actor,
      { action: 'promote_user', targetType: 'user', targetId: target.id, before, after },
      tx,
    );
    return done({ id: target.id });
  });
}

const ranks: Record<UserRole, { isStaff: boolean; isSuperuser: boolean }> = {
  user: { isStaff: false, isSuperuser: false },
  manager: { isStaff: true, isSuperuser: false },
  admin: { isStaff: true, isSuperuser: true },
};

/**
 * Makes a user an admin, a manager, or a user like others. Only admins may, also over themselves; there is always one left who can
 * sign in, and from elsewhere than this machine unless it was a demo account that went. Codes: `not_found`, also for who is no
 * admin any more; `user_blocked` for raising who is blocked; `last_admin`.
 */
export async function changeRole(
  actor: Actor,
  input: { userId: number; role: UserRole },
  on: Db = db,
): Promise<Result<{ id: number; left: boolean }>> {
  if (!canChangeRoles(actor)) return refuse('not_found');
  return on.transaction(async (tx) => {
    // All admins are locked, in one order: of two who lower each other at once, the second sees what the first has done.
    const admins = await tx
      .select({
        id: users.id,
        isDemo: users.isDemo,
        canSignIn: sql<boolean>`${users.confirmedAt} is not null and ${users.blockedAt} is null`,
      })
      .from(users)
      .where(eq(users.isSuperuser, true))
      .orderBy(users.id)
      .for('update');
    if (!admins.some((admin) => admin.id === actor.id)) return refuse('not_found');
    const [target] = await tx.select().from(users).where(eq(users.id, input.userId)).for('update');
    if (!target) return refuse('not_found');
    const before = { isStaff: target.isStaff, isSuperuser: target.isSuperuser };
    const after = ranks[input.role];
    const rank = (roles: typeof before) => Number(roles.isStaff) + Number(roles.isSuperuser);
    const left = target.id === actor.id && !after.isStaff;
    if (rank(after) === rank(before)) return done({ id: target.id, left });
    const isRaised = rank(after) > rank(before);
    // Nobody could lift the block of an admin.
    if (isRaised && target.blockedAt) return refuse('user_blocked');
    const remaining = admins.filter(
      (admin) => admin.id !== target.id && admin.canSignIn && (target.isDemo || !admin.isDemo),
    );
    if (before.isSuperuser && !after.isSuperuser && remaining.length === 0) return refuse('last_admin');
    await tx
      .update(users)
      .set({ ...after, updatedAt: sql`now()` })
      .where(eq(users.id, target.id));
    await recordAudit(
      actor,
      {
        action: isRaised ? 'promote_user' : 'demote_user',
        targetType: 'user',
        targetId: target.id,
        before,
        after,
      },
      tx,
    );
    return done({ id: target.id, left });
  });
}
