import { and, count, eq, exists, inArray, isNull, notExists, or, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { MailingStatus } from '@/db/enums';
import { clients, mailingClients, mailings, messages, runs } from '@/db/schema';
import { recordAudit } from '@/lib/audit/mutations';
import { addPastedClients } from '@/lib/clients/mutations';
import { foundClients, hasClients } from '@/lib/clients/queries';
import { readPastedLines } from '@/lib/clients/schema';
import { type Clock, systemClock } from '@/lib/clock';
import { addressKey, parseAddress } from '@/lib/email/address';
import {
  done,
  type FieldError,
  fieldErrors,
  type Result,
  refuse,
  refusedTogether,
  refuseField,
} from '@/lib/errors';
import { recordEvent } from '@/lib/history/mutations';
import { createMessage } from '@/lib/messages/mutations';
import { messageSchema } from '@/lib/messages/schema';
import type { Actor } from '@/lib/policy/rules';
import { changeable, own } from '@/lib/policy/scopes';
import { firstSlot, nextSlotAfter, slotAt, toExactLocal } from '@/lib/recurrence/slots';
import { stopMailing } from '@/lib/runs/mutations';
import { allOrNothing } from '@/lib/transaction';
import { readOpenTiming, readTiming, type Timing } from './queries';
import { everybody, type MailingInput, type MailingUpdate } from './schema';

/**
 * Creates a mailing of the actor's: message by id or written in place, clients all or chosen, first slot at its start.
 * One transaction: a refusal leaves no message and no client behind. Field codes: not_found, no_clients, unknown_zone,
 * impossible_date, ends_before_start, ends_in_past, no_slot, and those of the message and of the pasted lines.
 */
export async function createMailing(
  actor: Actor,
  input: MailingInput,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ id: number }>> {
  const now = clock.now();
  const timing = readOpenTiming(input, now);
  return allOrNothing(on, async (tx) => {
    const message = await messageOf(actor, input, tx);
    const pasted = await pasteClients(actor, input, tx);
    const someone = pasted.ok ? await someoneToMail(actor, input, tx) : done(null);
    const refused = refusedTogether(timing, message, pasted, someone);
    if (refused) return refused;
    if (!timing.ok) return timing;
    if (!message.ok) return message;
    if (!pasted.ok) return pasted;
    const { endsAt, startsAt } = timing.data;
    // Saved after its start, it opens the latest slot that is not in the future; earlier ones are nobody's.
    const first = firstSlot(timing.data, now);
    if (!first) return refuseField('startsAt', 'no_slot');
    // The message is read by the statement that names it: someone else's id selects nothing and so inserts nothing.
    const [row] = await tx.execute<{ id: string }>(sql`
      insert into ${mailings} (owner_id, name, message_id, audience, periodicity, starts_local, zone, starts_at, ends_at, next_slot_at, next_slot_index, created_at, updated_at)
      select ${actor.id}::bigint, ${input.name}, m.id, ${input.audience}::audience, ${timing.data.periodicity}::periodicity,
        ${timing.data.startsLocal}, ${timing.data.zone}, ${startsAt.toISOString()}::timestamptz,
        ${endsAt?.toISOString() ?? null}::timestamptz, ${first.at.toISOString()}::timestamptz, ${first.index},
        ${now.toISOString()}::timestamptz, ${now.toISOString()}::timestamptz
      from ${messages} m where m.id = ${message.data} and m.owner_id = ${actor.id} and m.archived_at is null
      for key share of m
      returning id`);
    if (!row) return refuseField('messageId', 'not_found');
    const id = Number(row.id);
    const chosen = await chooseClients(actor, { id, ownerId: actor.id }, input, pasted.data, tx);
    return chosen.ok ? done({ id }) : chosen;
  });
}

/**
 * Changes a mailing the actor may change; runs that are open keep their frozen letter and clients. An unchanged schedule
 * keeps its next slot; a changed one goes on with its first slot after now (a mailing that has not begun starts as a new
 * one would). Codes: not_found, and those of {@link createMailing}.
 */
export async function updateMailing(
  actor: Actor,
  input: MailingUpdate,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ id: number }>> {
  const now = clock.now();
  return allOrNothing(on, async (tx) => {
    // Locked: the engine moves the same next slot, and neither may overwrite the other.
    const [mailing] = await tx
      .select()
      .from(mailings)
      .where(
        and(
          eq(mailings.id, input.mailingId),
          changeable(actor, mailings.ownerId),
          isNull(mailings.archivedAt),
        ),
      )
      .for('update');
    if (!mailing) return refuse('not_found');
    // A form shows the anchor to the minute; sent back as shown, it is the same anchor.
    const sameStart = input.zone === mailing.zone && input.startsAt === mailing.startsLocal.slice(0, 16);
    const timing = readTiming({ ...input, ...(sameStart ? { startsAt: mailing.startsLocal } : {}) }, now);
    if (!timing.ok) return timing;
    const { data } = timing;

    const restarts =
      input.startsAt === 'now' ||
      data.startsLocal !== mailing.startsLocal ||
      data.zone !== mailing.zone ||
      data.periodicity !== mailing.periodicity;
    const endMoved = data.endsAt?.getTime() !== mailing.endsAt?.getTime();
    let schedule: { nextSlotAt: Date | null; nextSlotIndex: number; status: MailingStatus } | null = null;
    if (restarts || endMoved) {
      if (data.endsAt && data.endsAt <= now) return refuseField('endsAt', 'ends_in_past');
      const next = await nextSlot(mailing.status, mailing.id, data, input.startsAt === 'now', now, tx);
      if (!next && restarts) return refuseField('startsAt', 'no_slot');
      const [openRun] = await tx
        .select({ id: runs.id })
        .from(runs)
        .where(and(eq(runs.mailingId, mailing.id), eq(runs.status, 'open')))
        .limit(1);
      const begun = next || openRun ? ('running' as const) : ('completed' as const);
      schedule = {
        nextSlotAt: next?.at ?? null,
        nextSlotIndex: next?.index ?? mailing.nextSlotIndex,
        status: mailing.status === 'created' && next ? 'created' : begun,
      };
    }

    const owner = { ...actor, id: mailing.ownerId };
    const isForeign = mailing.ownerId !== actor.id;
    const before = isForeign ? await auditedFields(tx, mailing) : null;
    const chosenBefore = await chosenMark(tx, mailing);
    const message = await messageOf(owner, input, tx);
    const pasted = await pasteClients(owner, input, tx);
    const someone = pasted.ok ? await someoneToMail(owner, input, tx) : done(null);
    const refused = refusedTogether(message, pasted, someone);
    if (refused) return refused;
    if (!message.ok) return message;
    if (!pasted.ok) return pasted;
    const [updated] = await tx
      .update(mailings)
      .set({
        name: input.name,
        messageId: message.data,
        audience: input.audience,
        periodicity: data.periodicity,
        startsLocal: data.startsLocal,
        zone: data.zone,
        startsAt: data.startsAt,
        endsAt: data.endsAt,
        ...(schedule ?? {}),
        updatedAt: now,
      })
      .where(
        and(
          eq(mailings.id, mailing.id),
          changeable(actor, mailings.ownerId),
          isNull(mailings.archivedAt),
          exists(
            tx
              .select({ one: sql`1` })
              .from(messages)
              .where(
                and(
                  eq(messages.id, message.data),
                  eq(messages.ownerId, mailing.ownerId),
                  // A message archived since may stay, it may not be taken anew.
                  or(isNull(messages.archivedAt), eq(messages.id, mailing.messageId)),
                ),
              ),
          ),
        ),
      )
      .returning();
    if (!updated) return refuseField('messageId', 'not_found');
    const chosen = await chooseClients(
      owner,
      { id: mailing.id, ownerId: mailing.ownerId },
      input,
      pasted.data,
      tx,
    );
    if (!chosen.ok) return chosen;
    const fields = [
      ...(updated.name === mailing.name ? [] : ['name' as const]),
      ...(updated.messageId === mailing.messageId ? [] : ['message' as const]),
      ...((await chosenMark(tx, updated)) === chosenBefore ? [] : ['clients' as const]),
      ...(restarts ? ['schedule' as const] : []),
      ...(endMoved ? ['end' as const] : []),
    ];
    // A form that is sent back as it was shown has changed nothing.
    if (fields.length > 0)
      await recordEvent(actor, { mailingId: mailing.id, kind: 'edited', at: now, detail: { fields } }, tx);
    if (before) {
      // A message written in place and pasted clients are the owner's from now on, so each is a change of its own.
      if (!input.messageId)
        await recordAudit(
          actor,
          {
            action: 'create_message',
            targetType: 'message',
            targetId: message.data,
            after: { subject: input.newSubject, body: input.newBody },
          },
          tx,
        );
      if (pasted.data.added > 0)
        await recordAudit(
          actor,
          {
            action: 'add_clients',
            targetType: 'user',
            targetId: mailing.ownerId,
            after: { clients: pasted.data.added },
          },
          tx,
        );
      await recordAudit(
        actor,
        {
          action: 'update_mailing',
          targetType: 'mailing',
          targetId: mailing.id,
          before,
          after: await auditedFields(tx, updated),
        },
        tx,
      );
    }
    return done({ id: updated.id });
  });
}

/** What the audit log tells of a mailing: what its form shows, and how many are chosen. */
async function auditedFields(on: Db, mailing: typeof mailings.$inferSelect) {
  const { name, messageId, audience, periodicity, zone, startsAt, endsAt } = mailing;
  const [chosen] = await on
    .select({ clients: count() })
    .from(mailingClients)
    .where(eq(mailingClients.mailingId, mailing.id));
  return { name, messageId, audience, chosen: chosen?.clients ?? 0, periodicity, zone, startsAt, endsAt };
}

/** Another for other clients: told by count and sum of hashes, since they may be a million. */
async function chosenMark(on: Db, { id, audience }: Pick<typeof mailings.$inferSelect, 'id' | 'audience'>) {
  if (audience === 'all') return 'all';
  const [chosen] = await on
    .select({
      mark: sql<string>`count(*) || ' ' || coalesce(sum(hashint8extended(${mailingClients.clientId}, 0)), 0)`,
    })
    .from(mailingClients)
    .where(eq(mailingClients.mailingId, id));
  return chosen?.mark;
}

/** Where a changed schedule goes on; null when nothing is left of it. */
async function nextSlot(
  status: MailingStatus,
  mailingId: number,
  timing: Timing,
  fromNow: boolean,
  now: Date,
  on: Db,
) {
  const first = slotAt(timing, 0);
  if (status === 'created') return firstSlot(timing, now);
  if (fromNow && first) {
    const [taken] = await on
      .select({ id: runs.id })
      .from(runs)
      .where(and(eq(runs.mailingId, mailingId), eq(runs.slotAt, first)))
      .limit(1);
    if (!taken) return { index: 0, at: first };
  }
  return nextSlotAfter(timing, now);
}

/**
 * Deletes a mailing without runs. One with runs keeps its history: it is stopped (unsent letters are cancelled) and
 * archived. `archived` tells which. Code: not_found.
 */
export async function deleteMailing(
  actor: Actor,
  input: { mailingId: number },
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ archived: boolean }>> {
  return allOrNothing<{ archived: boolean }>(on, async (tx) => {
    const mine = and(
      eq(mailings.id, input.mailingId),
      changeable(actor, mailings.ownerId),
      isNull(mailings.archivedAt),
    );
    // The lock keeps the engine from opening a run between the two statements below.
    const [locked] = await tx.select().from(mailings).where(mine).for('update');
    if (!locked) return refuse('not_found');
    if (locked.ownerId !== actor.id) {
      const { status, ownerId } = locked;
      const before = { ...(await auditedFields(tx, locked)), status, ownerId };
      await recordAudit(
        actor,
        { action: 'delete_mailing', targetType: 'mailing', targetId: locked.id, before },
        tx,
      );
    }
    const [deleted] = await tx
      .delete(mailings)
      .where(
        and(mine, notExists(tx.select({ one: sql`1` }).from(runs).where(eq(runs.mailingId, mailings.id)))),
      )
      .returning({ id: mailings.id });
    if (deleted) return done({ archived: false });
    const stopped = await stopMailing(actor, input, tx, clock);
    if (!stopped.ok && stopped.error.code !== 'already_completed') return stopped;
    const [archived] = await tx
      .update(mailings)
      .set({ archivedAt: clock.now(), updatedAt: clock.now() })
      .where(mine)
      .returning({ id: mailings.id });
    if (!archived) return refuse('not_found');
    await recordEvent(actor, { mailingId: archived.id, kind: 'archived', at: clock.now() }, tx);
    return done({ archived: true });
  });
}

/**
 * Copies a mailing of the actor's own with its message and its clients. The copy is paused, so that nothing leaves before
 * it was looked at; a start that has passed becomes now, an end that has passed is dropped. Code: not_found.
 */
export async function duplicateMailing(
  actor: Actor,
  input: { mailingId: number },
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Result<{ id: number }>> {
  const now = clock.now();
  return allOrNothing(on, async (tx) => {
    const [source] = await tx
      .select()
      .from(mailings)
      .where(and(eq(mailings.id, input.mailingId), own(actor, mailings.ownerId), isNull(mailings.archivedAt)))
      .for('share');
    if (!source) return refuse('not_found');
    const begun = source.startsAt <= now;
    const startsLocal = begun ? toExactLocal(now, source.zone) : source.startsLocal;
    const startsAt = begun ? now : source.startsAt;
    const endsAt = source.endsAt && source.endsAt > now && source.endsAt > startsAt ? source.endsAt : null;
    const [copy] = await tx
      .insert(mailings)
      .values({
        ownerId: source.ownerId,
        name: `${source.name.replace(/ \(\d+\)$/, '').slice(0, 190)} (2)`,
        messageId: source.messageId,
        audience: source.audience,
        periodicity: source.periodicity,
        startsLocal,
        zone: source.zone,
        startsAt,
        endsAt,
        nextSlotAt: startsAt,
        pausedAt: now,
        createdAt: now,
        updatedAt: now,
      })
      .returning({ id: mailings.id });
    if (!copy) throw new Error('an insert returned no row');
    await tx.execute(sql`
      insert into ${mailingClients} (mailing_id, client_id)
      select ${copy.id}::bigint, client_id from ${mailingClients} where mailing_id = ${source.id}`);
    await recordEvent(actor, { mailingId: copy.id, kind: 'paused', at: now }, tx);
    return done(copy);
  });
}

/** The message of the form: the one named, or a new one from what was written in place. */
async function messageOf(owner: Actor, input: MailingInput, tx: Db): Promise<Result<number>> {
  if (input.messageId) return done(input.messageId);
  const written = messageSchema.safeParse({ subject: input.newSubject ?? '', body: input.newBody ?? '' });
  const names = { subject: 'newSubject', body: 'newBody' };
  if (!written.success) return renamed(refuse('invalid', fieldErrors(written.error)), names);
  const created = await createMessage(owner, written.data, tx);
  return created.ok ? done(created.data.id) : renamed(created, names);
}

type Refused = Extract<Result<never>, { ok: false }>;

/** A refusal of another form's field, at the field of this one. */
function renamed({ error }: Refused, names: Record<string, string>): Refused {
  const fields = Object.entries(error.fields ?? {}).map(([name, of]) => [names[name] ?? name, of]);
  return { ok: false, error: { ...error, fields: Object.fromEntries(fields) } };
}

/** What is wrong with the pasted lines, in one sentence: the numbers of the first wrong ones. */
function pastedProblem({ error }: Refused): FieldError {
  const lines = Object.keys(error.fields ?? {}).flatMap((name) => /^lines\.(\d+)$/.exec(name)?.[1] ?? []);
  const problem = error.fields?.text ?? { code: error.code };
  if (lines.length === 0) return problem;
  const shown = lines.slice(0, 10).join(', ');
  return { ...problem, params: { ...problem.params, lines: lines.length > 10 ? `${shown}…` : shown } };
}

const idArray = (ids: number[]): SQL => sql`${`{${ids.join(',')}}`}::bigint[]`;

type Pasted = { ids: number[]; added: number };

/** Adds the pasted clients to the owner's and tells which these are; `added` counts the new ones. Codes at `newClients`. */
async function pasteClients(
  owner: Actor,
  { newClients = '' }: MailingInput,
  tx: Db,
): Promise<Result<Pasted>> {
  if (!newClients.trim()) return done({ ids: [], added: 0 });
  const added = await addPastedClients(owner, { text: newClients }, tx);
  if (!added.ok) return refuse('invalid', { newClients: pastedProblem(added) });
  const keys = readPastedLines(newClients).flatMap(({ email }) => {
    const address = parseAddress(email);
    return address ? [addressKey(address)] : [];
  });
  const rows = await tx
    .select({ id: clients.id })
    .from(clients)
    .where(and(own(owner, clients.ownerId), inArray(clients.emailKey, keys)));
  return done({ ids: rows.map((row) => row.id), added: added.data.created });
}

/** Refuses a mailing to all of the owner's clients when there are none: `no_clients` at `clientIds`. */
async function someoneToMail(owner: Actor, { audience }: MailingInput, tx: Db): Promise<Result<null>> {
  return audience === 'chosen' || (await hasClients(owner, tx))
    ? done(null)
    : refuseField('clientIds', 'no_clients');
}

/**
 * Writes who gets the mailing, 5 or 50,000, each kind of choice by one INSERT … SELECT scoped to the owner.
 * Codes at `clientIds`: not_found (an id that is not the owner's), no_clients.
 */
async function chooseClients(
  owner: Actor,
  mailing: { id: number; ownerId: number },
  input: MailingInput,
  pasted: Pasted,
  tx: Db,
): Promise<Result<null>> {
  const { clientIds = [], without = [], found = [], keep = false } = input;
  if (!keep || input.audience === 'all')
    await tx.delete(mailingClients).where(eq(mailingClients.mailingId, mailing.id));
  if (input.audience === 'all') return done(null);
  const named = [...new Set([...clientIds, ...pasted.ids])];
  if (named.length > 0) {
    const [own] = await tx.execute<{ n: number }>(sql`
      with mine as (
        select id from ${clients} where owner_id = ${mailing.ownerId} and id = any(${idArray(named)})
      ), chosen as (
        insert into ${mailingClients} (mailing_id, client_id) select ${mailing.id}::bigint, id from mine
        on conflict do nothing
      )
      select count(*)::int as n from mine`);
    if (own?.n !== named.length) return refuseField('clientIds', 'not_found');
  }
  for (const term of found)
    await tx.execute(sql`
      insert into ${mailingClients} (mailing_id, client_id)
      select ${mailing.id}::bigint, ${clients.id} from ${clients}
      where ${foundClients(owner, term === everybody ? '' : term)}
      on conflict do nothing`);
  if (without.length > 0)
    await tx
      .delete(mailingClients)
      .where(and(eq(mailingClients.mailingId, mailing.id), inArray(mailingClients.clientId, without)));
  const [one] = await tx
    .select({ id: mailingClients.clientId })
    .from(mailingClients)
    .where(eq(mailingClients.mailingId, mailing.id))
    .limit(1);
  return one ? done(null) : refuseField('clientIds', 'no_clients');
}
