'use server';

import { type ActionState, actorAction } from '@/lib/action';
import { requireActor } from '@/lib/auth/session';
import { countClients } from '@/lib/clients/queries';
import { systemClock } from '@/lib/clock';
import type { FieldErrors } from '@/lib/errors';
import { fieldErrors } from '@/lib/errors';
import type { BoundedCount } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { can } from '@/lib/policy/rules';
import { wakeOrPass } from '@/lib/sending/wake';
import { createMailing, deleteMailing, duplicateMailing, updateMailing } from './mutations';
import {
  alsoWrongWithMailing,
  countChosen,
  findMailing,
  pickableClients,
  planSends,
  readOpenTiming,
} from './queries';
import {
  mailingIdSchema,
  mailingSchema,
  mailingUpdateSchema,
  pickSchema,
  schedulePreviewSchema,
} from './schema';

const create = actorAction(mailingSchema, createMailing, {
  alsoWrong: alsoWrongWithMailing,
  redirectTo: ({ id }) => `/mailings/${id}?notice=mailings.created`,
  afterwards: () => wakeOrPass(),
});
export async function createMailingAction(state: ActionState<{ id: number }>, form: FormData) {
  return create(state, form);
}

const update = actorAction(mailingUpdateSchema, updateMailing, {
  redirectTo: ({ id }) => `/mailings/${id}?notice=mailings.updated`,
  afterwards: () => wakeOrPass(),
});
export async function updateMailingAction(state: ActionState<{ id: number }>, form: FormData) {
  return update(state, form);
}

const remove = actorAction(mailingIdSchema, deleteMailing, {
  redirectTo: ({ archived }) => `/mailings?notice=mailings.${archived ? 'archived' : 'deleted'}`,
});
export async function deleteMailingAction(state: ActionState<{ archived: boolean }>, form: FormData) {
  return remove(state, form);
}

const duplicate = actorAction(mailingIdSchema, duplicateMailing, {
  redirectTo: ({ id }) => `/mailings/${id}/edit?notice=mailings.duplicated`,
});
export async function duplicateMailingAction(state: ActionState<{ id: number }>, form: FormData) {
  return duplicate(state, form);
}

/** Whose clients a form about this mailing chooses from; null when the actor may not change it. */
async function ownerOf(actor: Actor, mailingId: number | null): Promise<Actor | null> {
  if (mailingId === null) return actor;
  const mailing = await findMailing(actor, mailingId);
  return mailing && can(actor, 'update', mailing.ownerId) ? { ...actor, id: mailing.ownerId } : null;
}

export type PickedPage = {
  items: { id: number; email: string; fullName: string; chosen: boolean; suppressed: boolean }[];
  next: string | null;
  /** How many the search finds. */
  total: BoundedCount;
  /** How many are chosen in all. */
  chosen: BoundedCount;
};

const noClients: PickedPage = {
  items: [],
  next: null,
  total: { value: 0, exact: true },
  chosen: { value: 0, exact: true },
};

/** A page of the picker of clients. */
export async function pickClientsAction(input: unknown): Promise<PickedPage> {
  const actor = await requireActor();
  const parsed = pickSchema.safeParse(input);
  if (!parsed.success) return noClients;
  const { q, after, mailingId, keep, found, clientIds, without } = parsed.data;
  const owner = await ownerOf(actor, mailingId);
  if (!owner) return noClients;
  const kept = keep && mailingId !== null ? mailingId : undefined;
  const [page, total, chosen] = await Promise.all([
    pickableClients(owner, { q, after: after ?? undefined, mailingId: kept, found }),
    countClients(owner, { q }),
    countChosen(owner, { mailingId: kept, found, clientIds, without }),
  ]);
  return { ...page, total, chosen };
}

export type SchedulePreview =
  | { ok: true; now: boolean; at: string[]; more: boolean }
  | { ok: false; fields: FieldErrors };

/** When the schedule of a half-filled form would send, as ISO instants. Changes nothing. */
export async function previewScheduleAction(input: unknown): Promise<SchedulePreview> {
  const actor = await requireActor();
  const parsed = schedulePreviewSchema.safeParse(input);
  if (!parsed.success) return { ok: false, fields: fieldErrors(parsed.error) };
  const { mailingId, ...schedule } = parsed.data;
  const now = systemClock.now();
  const timing = readOpenTiming(schedule, now);
  if (!timing.ok) return { ok: false, fields: timing.error.fields ?? {} };
  const mailing = mailingId === null ? null : await findMailing(actor, mailingId);
  const begun = mailing !== null && mailing.status !== 'created';
  const sends = planSends(timing.data, begun, schedule.startsAt === 'now', now);
  return { ok: true, now: sends.now, at: sends.at.map((at) => at.toISOString()), more: sends.more };
}
