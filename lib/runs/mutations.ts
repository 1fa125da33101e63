import { and, eq, isNull, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { mailings, runs, users } from '@/db/schema';
import { recordAudit, recordForeign } from '@/lib/audit/mutations';
import { type AuditAction, reasonMax } from '@/lib/audit/schema';
import type { HoldNews } from '@/lib/auth/letters';
import { type Clock, systemClock } from '@/lib/clock';
import { appUrl, env } from '@/lib/env';
import { databaseErrorCode, done, type Result, refuse, refuseField } from '@/lib/errors';
import { type NewEvent, recordEvent } from '@/lib/history/mutations';
import type { Actor } from '@/lib/policy/rules';
import { changeable, managed } from '@/lib/policy/scopes';
import { cancelQueued, insertRun, requeue } from '@/lib/sending/ledger';
import { releaseMailings } from '@/lib/sending/release';
import { allOrNothing } from '@/lib/transaction';
import { findUnfinishedRun, findWhatStops } from './queries';
import type { Unreached } from './schema';

/** Manual runs, and runs that are finished later, may send for this long. */
const ownDeadlineMs = 24 * 3600_000;

type MailingCommand = { mailingId: number };

/** The mailing, locked, if the actor may send it; with what forbids sending. */
async function lockMailing(on: Db, actor: Actor, mailingId: number) {
  const [mailing] = await on
    .select({
      id: mailings.id,
      ownerId: mailings.ownerId,
      status: mailings.status,
      pausedAt: mailings.pausedAt,
      disabledAt: mailings.disabledAt,
      blockedAt: users.blockedAt,
    })
    .from(mailings)
    .innerJoin(users, eq(users.id, mailings.ownerId))
    .where(and(eq(mailings.id, mailingId), changeable(actor, mailings.ownerId), isNull(mailings.archivedAt)))
    .for('update', { of: mailings });
  return mailing ?? null;
}

/**
 * Every command is written down, in the transaction that carries it out: in the history that its owner reads, and where an admin gave
 * it for somebody, in the audit log.
 */
async function writeDown(
  actor: Actor,
  mailing: { id: number; ownerId: number },
  event: Omit<NewEvent, 'mailingId'>,
  change: { action: AuditAction; before?: object; after?: object },
  tx: Db,
): Promise<void> {
  await recordEvent(actor, { mailingId: mailing.id, ...event }, tx);
  await recordForeign(actor, mailing.ownerId, { targetType: 'mailing', targetId: mailing.id, ...change }, tx);
}

const idsOf = (rows: { id: number }[]) => rows.map(({ id }) => id);

/**
 * Starts a manual run; it does not move the series, and goes out also while the mailing is paused or completed. Pressing twice
 * returns the run that is open (`isNew` false). Codes: not_found, mailing_disabled, owner_blocked, no_clients.
 */
export async function startRun(
  actor: Actor,
  input: MailingCommand,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ runId: number; mailingId: number; isNew: boolean }>> {
  const now = clock.now();
  return allOrNothing<{ runId: number; mailingId: number; isNew: boolean }>(on, async (tx) => {
    const mailing = await lockMailing(tx, actor, input.mailingId);
    if (!mailing) return refuse('not_found');
    if (mailing.disabledAt) return refuse('mailing_disabled');
    if (mailing.blockedAt) return refuse('owner_blocked');
    const [open] = await tx
      .select({ id: runs.id })
      .from(runs)
      .where(and(eq(runs.mailingId, mailing.id), eq(runs.kind, 'manual'), eq(runs.status, 'open')));
    if (open) return done({ runId: open.id, mailingId: mailing.id, isNew: false });
    const run = await insertRun(tx, {
      mailingId: mailing.id,
      kind: 'manual',
      slotAt: null,
      deadlineAt: new Date(now.getTime() + ownDeadlineMs),
      now,
      fromEmail: env().EMAIL_FROM,
      linkBase: appUrl(),
    });
    if (!run) throw new Error('a manual run is open although the mailing is locked');
    if (run.deliveries === 0) return refuse('no_clients');
    await tx.update(mailings).set({ status: 'running' }).where(eq(mailings.id, mailing.id));
    const { runId, deliveries } = run;
    await writeDown(
      actor,
      mailing,
      { kind: 'started', at: now, runIds: [runId], detail: { letters: deliveries } },
      { action: 'start_run', after: { runId, deliveries } },
      tx,
    );
    return done({ runId, mailingId: mailing.id, isNew: true });
  });
}

/** Holds the series and the open runs; nothing leaves from the next claim on. Codes: not_found, already_paused, already_completed. */
export async function pauseMailing(
  actor: Actor,
  input: MailingCommand,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ mailingId: number }>> {
  const now = clock.now();
  return on.transaction(async (tx) => {
    const mailing = await lockMailing(tx, actor, input.mailingId);
    if (!mailing) return refuse('not_found');
    if (mailing.status === 'completed') return refuse('already_completed');
    const held = await tx
      .update(runs)
      .set({ pausedAt: now })
      .where(and(eq(runs.mailingId, mailing.id), eq(runs.status, 'open'), isNull(runs.pausedAt)))
      .returning({ id: runs.id });
    if (mailing.pausedAt && held.length === 0) return refuse('already_paused');
    await tx
      .update(mailings)
      .set({ pausedAt: mailing.pausedAt ?? now })
      .where(eq(mailings.id, mailing.id));
    await writeDown(
      actor,
      mailing,
      { kind: 'paused', at: now, runIds: idsOf(held) },
      { action: 'pause_mailing', before: { isPaused: mailing.pausedAt !== null }, after: { isPaused: true } },
      tx,
    );
    return done({ mailingId: mailing.id });
  });
}

/** Goes on with the series and the open runs; missed slots by the rule. Codes: not_found, not_paused. */
export async function resumeMailing(
  actor: Actor,
  input: MailingCommand,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ mailingId: number }>> {
  const now = clock.now();
  return on.transaction(async (tx) => {
    const mailing = await lockMailing(tx, actor, input.mailingId);
    if (!mailing) return refuse('not_found');
    if (!mailing.pausedAt) return refuse('not_paused');
    await tx.update(mailings).set({ pausedAt: null, updatedAt: now }).where(eq(mailings.id, mailing.id));
    const goingOn = await tx
      .update(runs)
      .set({ pausedAt: null })
      .where(and(eq(runs.mailingId, mailing.id), eq(runs.status, 'open')))
      .returning({ id: runs.id });
    await writeDown(
      actor,
      mailing,
      { kind: 'resumed', at: now, runIds: idsOf(goingOn) },
      { action: 'resume_mailing', before: { isPaused: true }, after: { isPaused: false } },
      tx,
    );
    return done({ mailingId: mailing.id });
  });
}

/**
 * Cancels what is unsent and completes the mailing; what is in flight ends as it ends, and its run closes then. `cancelled` counts
 * the letters that will not leave. Codes: not_found, already_completed.
 */
export async function stopMailing(
  actor: Actor,
  input: MailingCommand,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ mailingId: number; cancelled: number }>> {
  const now = clock.now();
  return on.transaction(async (tx) => {
    const mailing = await lockMailing(tx, actor, input.mailingId);
    if (!mailing) return refuse('not_found');
    if (mailing.status === 'completed') return refuse('already_completed');
    const stopped = await tx
      .update(runs)
      .set({ stoppedAt: now, pausedAt: null })
      .where(and(eq(runs.mailingId, mailing.id), eq(runs.status, 'open')))
      .returning({ id: runs.id });
    const cancelled = await cancelQueued(tx, mailing.id, 'stopped', now);
    // Runs with nothing in flight end here, so that the page says so at once; the engine closes the others.
    await tx.execute(sql`
      update runs r set status = case when c.sent + c.skipped = c.total then 'done' else 'stopped' end::run_status,
        closed_at = ${now.toISOString()}::timestamptz
      from run_counts c where c.run_id = r.id and r.mailing_id = ${mailing.id} and r.status = 'open' and c.queued = 0`);
    await tx.execute(sql`
      update mailings m set next_slot_at = null, paused_at = null,
        status = case when exists (select 1 from runs r where r.mailing_id = m.id and r.status = 'open') then 'running' else 'completed' end::mailing_status
      where m.id = ${mailing.id}`);
    await writeDown(
      actor,
      mailing,
      { kind: 'stopped', at: now, runIds: idsOf(stopped), detail: { letters: cancelled } },
      { action: 'stop_mailing', before: { status: mailing.status }, after: { cancelled } },
      tx,
    );
    return done({ mailingId: mailing.id, cancelled });
  });
}

/**
 * Requeues deliveries of a run that ended in one of `outcomes`, with the frozen letter; the run is open again for 24 hours. With
 * `kinds`, of those that failed only what ended by such an answer; with `unknownKinds`, of those nobody knows of only what became
 * unknown so. Without `runId`: the latest run that has such rows. Codes: not_found, mailing_disabled, owner_blocked, choose_outcome,
 * nothing_to_finish, another_run_open.
 */
export async function finishRun(
  actor: Actor,
  input: { mailingId: number; runId?: number | undefined } & Unreached,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ runId: number; mailingId: number; requeued: number }>> {
  const now = clock.now();
  if (input.outcomes.length === 0) return refuseField('outcomes', 'choose_outcome');
  try {
    return await allOrNothing(on, async (tx) => {
      const mailing = await lockMailing(tx, actor, input.mailingId);
      if (!mailing) return refuse('not_found');
      if (mailing.disabledAt) return refuse('mailing_disabled');
      if (mailing.blockedAt) return refuse('owner_blocked');
      const runId = input.runId ?? (await findUnfinishedRun(actor, input, tx));
      if (runId === null) return refuse('nothing_to_finish');
      const itsRun = and(eq(runs.id, runId), eq(runs.mailingId, mailing.id));
      // How it had ended is overwritten below; only its history knows then.
      const [ended] = await tx
        .select({ at: runs.closedAt, as: runs.status })
        .from(runs)
        .where(itsRun)
        .for('no key update');
      const [run] = await tx
        .update(runs)
        .set({
          status: 'open',
          closedAt: null,
          stoppedAt: null,
          pausedAt: null,
          deadlineAt: new Date(now.getTime() + ownDeadlineMs),
        })
        .where(itsRun)
        .returning({ id: runs.id });
      if (!run) return refuse('not_found');
      const requeued = await requeue(tx, run.id, input, now);
      if (requeued === 0) return refuse('nothing_to_finish');
      await tx.update(mailings).set({ status: 'running' }).where(eq(mailings.id, mailing.id));
      const { outcomes, kinds, unknownKinds } = input;
      const which = { outcomes, ...(kinds ? { kinds } : {}), ...(unknownKinds ? { unknownKinds } : {}) };
      const before = ended?.at ? { endedAtMs: ended.at.getTime(), endedAs: ended.as } : {};
      await writeDown(
        actor,
        mailing,
        { kind: 'finished', at: now, runIds: [run.id], detail: { letters: requeued, ...which, ...before } },
        { action: 'finish_run', after: { runId: run.id, ...which, requeued } },
        tx,
      );
      return done({ runId: run.id, mailingId: mailing.id, requeued });
    });
  } catch (error) {
    // The partial unique index: another run of its kind is open.
    if (databaseErrorCode(error) === '23505') return refuse('another_run_open');
    throw error;
  }
}

/**
 * Stops a mailing from above, for any owner: managers only, with a reason that the owner sees. `news` tells the owner, unless it is
 * who did it. Codes: not_found, already_disabled, required.
 */
export async function disableMailing(
  actor: Actor,
  input: MailingCommand & { reason: string },
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ mailingId: number; news: HoldNews | null }>> {
  const reason = input.reason.trim();
  if (!reason) return refuseField('reason', 'required');
  if (reason.length > reasonMax) return refuseField('reason', 'too_long', { max: reasonMax });
  return on.transaction(async (tx) => {
    const [mailing] = await tx
      .select(heldFields)
      .from(mailings)
      .innerJoin(users, eq(users.id, mailings.ownerId))
      .where(and(eq(mailings.id, input.mailingId), managed(actor)))
      .for('update', { of: mailings });
    if (!mailing) return refuse('not_found');
    if (mailing.disabledAt) return refuse('already_disabled');
    const stops = await findWhatStops(actor, { mailingId: mailing.id }, tx);
    const at = clock.now();
    await tx
      .update(mailings)
      .set({ disabledAt: at, disabledById: actor.id, disabledReason: reason })
      .where(eq(mailings.id, mailing.id));
    const runIds = await openRunsOf(tx, mailing.id);
    await recordEvent(actor, { mailingId: mailing.id, kind: 'disabled', at, runIds, reason }, tx);
    await recordAudit(
      actor,
      {
        action: 'disable_mailing',
        targetType: 'mailing',
        targetId: mailing.id,
        reason,
        before: { isDisabled: false },
        after: { isDisabled: true },
      },
      tx,
    );
    return done({
      mailingId: mailing.id,
      news: newsFor(actor, mailing, { at, reason, what: { kind: 'disabled', mailing, stops } }),
    });
  });
}

/** Lifts a disable: managers only. Slots that came meanwhile are not sent. `news` as above. Codes: not_found, not_disabled. */
export async function enableMailing(
  actor: Actor,
  input: MailingCommand,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ mailingId: number; news: HoldNews | null }>> {
  return on.transaction(async (tx) => {
    const [mailing] = await tx
      .select(heldFields)
      .from(mailings)
      .innerJoin(users, eq(users.id, mailings.ownerId))
      .where(and(eq(mailings.id, input.mailingId), managed(actor)))
      .for('update', { of: mailings });
    if (!mailing) return refuse('not_found');
    if (!mailing.disabledAt) return refuse('not_disabled');
    const at = clock.now();
    await tx
      .update(mailings)
      .set({ disabledAt: null, disabledById: null, disabledReason: null, updatedAt: at })
      .where(eq(mailings.id, mailing.id));
    await releaseMailings(tx, { mailingId: mailing.id }, at);
    const runIds = await openRunsOf(tx, mailing.id);
    await recordEvent(actor, { mailingId: mailing.id, kind: 'enabled', at, runIds }, tx);
    await recordAudit(
      actor,
      {
        action: 'enable_mailing',
        targetType: 'mailing',
        targetId: mailing.id,
        before: { isDisabled: true, reason: mailing.reason },
        after: { isDisabled: false },
      },
      tx,
    );
    return done({
      mailingId: mailing.id,
      news: newsFor(actor, mailing, {
        at,
        reason: mailing.reason ?? '',
        what: { kind: 'enabled', mailing },
      }),
    });
  });
}

async function openRunsOf(on: Db, mailingId: number): Promise<number[]> {
  const open = await on
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.mailingId, mailingId), eq(runs.status, 'open')));
  return idsOf(open);
}

const heldFields = {
  id: mailings.id,
  name: mailings.name,
  disabledAt: mailings.disabledAt,
  reason: mailings.disabledReason,
  ownerId: mailings.ownerId,
  to: { email: users.email, name: users.name, locale: users.locale, timeZone: users.timeZone },
};

/** What to tell the owner; nothing to who did it. */
function newsFor(
  actor: Actor,
  { ownerId, to }: { ownerId: number } & Pick<HoldNews, 'to'>,
  news: Omit<HoldNews, 'to' | 'by'>,
): HoldNews | null {
  return ownerId === actor.id ? null : { to, by: actor, ...news };
}
