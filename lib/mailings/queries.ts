import {
  and,
  asc,
  desc,
  eq,
  gt,
  inArray,
  isNotNull,
  isNull,
  lt,
  notInArray,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { type Db, db } from '@/db/client';
import type { Periodicity } from '@/db/enums';
import {
  clients,
  mailingClients,
  mailings,
  messages,
  runs,
  runTallies,
  suppressions,
  users,
} from '@/db/schema';
import { hasClients } from '@/lib/clients/queries';
import { type Clock, systemClock } from '@/lib/clock';
import { done, type FieldErrors, type Result, refuseField } from '@/lib/errors';
import {
  type BoundedCount,
  countLimit,
  decodeCursor,
  likePattern,
  type Page,
  pageSize,
  toPage,
} from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { own, readable } from '@/lib/policy/scopes';
import { isZone, slotAt, toExactLocal, toInstant, upcomingSlots } from '@/lib/recurrence/slots';
import { listRuns } from '@/lib/runs/queries';
import { ofOwnersAlike } from '@/lib/users/queries';
import { everybody, type MailingFilter, type MailingInput, schedulePreviewSchema } from './schema';

const idOf = (after: string | undefined) => {
  const [id] = decodeCursor(after) ?? [];
  return typeof id === 'number' && Number.isSafeInteger(id) ? id : null;
};

function filtered(status: MailingFilter | null | undefined): SQL | undefined {
  switch (status) {
    case 'created':
    case 'running':
    case 'completed':
      return eq(mailings.status, status);
    case 'active':
      return and(eq(mailings.status, 'running'), isNull(mailings.pausedAt), isNull(mailings.disabledAt));
    case 'paused':
      return isNotNull(mailings.pausedAt);
    case 'disabled':
      return isNotNull(mailings.disabledAt);
    default:
      return undefined;
  }
}

/**
 * A page of mailings, newest first, each with its last run and the run's counts. The actor's own, or with `everyone` all
 * that the actor may read. `q` is looked for inside the name.
 */
export async function listMailings(
  actor: Actor,
  input: {
    q?: string | undefined;
    status?: MailingFilter | null | undefined;
    after?: string | undefined;
    everyone?: boolean;
    /** Looked for inside address and name of the owner. */
    owner?: string | undefined;
    size?: number;
  } = {},
  on: Db = db,
) {
  const { size = pageSize } = input;
  const pattern = likePattern(input.q?.replaceAll('\0', ''));
  const before = idOf(input.after);
  const last = on
    .select({
      id: runs.id,
      kind: runs.kind,
      status: runs.status,
      openedAt: runs.openedAt,
      pausedAt: runs.pausedAt,
      stoppedAt: runs.stoppedAt,
      total: runTallies.total,
      sent: runTallies.sent,
      skipped: runTallies.skipped,
      queued: runTallies.queued,
      sending: runTallies.sending,
    })
    .from(runs)
    .innerJoin(runTallies, eq(runTallies.runId, runs.id))
    .where(eq(runs.mailingId, mailings.id))
    .orderBy(desc(runs.id))
    .limit(1)
    .as('last');
  const rows = await on
    .select({
      id: mailings.id,
      name: mailings.name,
      ownerId: mailings.ownerId,
      ownerEmail: users.email,
      ownerBlockedAt: users.blockedAt,
      messageId: mailings.messageId,
      subject: messages.subject,
      audience: mailings.audience,
      periodicity: mailings.periodicity,
      zone: mailings.zone,
      status: mailings.status,
      pausedAt: mailings.pausedAt,
      disabledAt: mailings.disabledAt,
      nextSlotAt: mailings.nextSlotAt,
      lastRun: {
        id: last.id,
        kind: last.kind,
        status: last.status,
        openedAt: last.openedAt,
        pausedAt: last.pausedAt,
        stoppedAt: last.stoppedAt,
        total: last.total,
        sent: last.sent,
        skipped: last.skipped,
        queued: last.queued,
        sending: last.sending,
      },
    })
    .from(mailings)
    .innerJoin(users, eq(users.id, mailings.ownerId))
    .innerJoin(messages, eq(messages.id, mailings.messageId))
    .leftJoinLateral(last, sql`true`)
    .where(
      and(
        input.everyone ? readable(actor, mailings.ownerId) : own(actor, mailings.ownerId),
        ofOwnersAlike(mailings.ownerId, input.owner),
        isNull(mailings.archivedAt),
        pattern ? sql`${mailings.search} like ${pattern}` : undefined,
        filtered(input.status),
        before === null ? undefined : lt(mailings.id, before),
      ),
    )
    .orderBy(desc(mailings.id))
    .limit(size + 1);
  return toPage(rows, size, (row) => [row.id]);
}
export type MailingRow = Awaited<ReturnType<typeof listMailings>>['items'][number];

/** Names of the actor's own mailings for a filter, newest first, archived ones too since their history stays. */
export async function listMailingNames(actor: Actor, limit = 200, on: Db = db) {
  return on
    .select({ id: mailings.id, name: mailings.name })
    .from(mailings)
    .where(own(actor, mailings.ownerId))
    .orderBy(desc(mailings.id))
    .limit(limit);
}

/** A mailing the actor may read, with its message and its owner; an archived one too. Null when there is none. */
export async function findMailing(actor: Actor, id: number, on: Db = db) {
  if (!Number.isSafeInteger(id)) return null;
  const disabler = alias(users, 'disabler');
  const blocker = alias(users, 'blocker');
  const [found] = await on
    .select({
      id: mailings.id,
      ownerId: mailings.ownerId,
      ownerName: users.name,
      ownerEmail: users.email,
      ownerBlockedAt: users.blockedAt,
      ownerBlockedReason: users.blockedReason,
      /** Name of who did it; null for the command line, and for an account that is gone. */
      ownerBlockedBy: blocker.name,
      name: mailings.name,
      messageId: mailings.messageId,
      subject: messages.subject,
      messageArchivedAt: messages.archivedAt,
      audience: mailings.audience,
      periodicity: mailings.periodicity,
      startsLocal: mailings.startsLocal,
      zone: mailings.zone,
      startsAt: mailings.startsAt,
      endsAt: mailings.endsAt,
      status: mailings.status,
      pausedAt: mailings.pausedAt,
      disabledAt: mailings.disabledAt,
      disabledReason: mailings.disabledReason,
      /** As `ownerBlockedBy`. */
      disabledBy: disabler.name,
      nextSlotAt: mailings.nextSlotAt,
      nextSlotIndex: mailings.nextSlotIndex,
      archivedAt: mailings.archivedAt,
      createdAt: mailings.createdAt,
      updatedAt: mailings.updatedAt,
    })
    .from(mailings)
    .innerJoin(users, eq(users.id, mailings.ownerId))
    .innerJoin(messages, eq(messages.id, mailings.messageId))
    .leftJoin(disabler, eq(disabler.id, mailings.disabledById))
    .leftJoin(blocker, eq(blocker.id, users.blockedById))
    .where(and(eq(mailings.id, id), readable(actor, mailings.ownerId)));
  return found ?? null;
}
export type Mailing = NonNullable<Awaited<ReturnType<typeof findMailing>>>;

/** Runs that {@link mailingOverview} tells of: the latest ones. */
const overviewRuns = 1000;

/** What `mailing show --json` prints; runs newest first, at most 1,000. Null when the actor may not read it. */
export async function mailingOverview(actor: Actor, id: number, on: Db = db, clock: Clock = systemClock) {
  const mailing = await findMailing(actor, id, on);
  if (!mailing) return null;
  const { items } = await listRuns(actor, { mailingId: mailing.id, size: overviewRuns }, on, clock);
  return {
    id: mailing.id,
    name: mailing.name,
    status: mailing.status,
    pausedAt: mailing.pausedAt,
    disabledAt: mailing.disabledAt,
    nextSlotAt: mailing.nextSlotAt,
    runs: items.map((run) => ({
      id: run.id,
      kind: run.kind,
      slotAt: run.slotAt,
      status: run.status,
      counts: run.counts,
    })),
  };
}

/** Who is chosen for a mailing the actor may read: a page by address, each with the suppression that keeps letters away. */
export async function listMailingClients(
  actor: Actor,
  input: { mailingId: number; after?: string | undefined; size?: number },
  on: Db = db,
) {
  const { size = pageSize } = input;
  const from = idOf(input.after);
  const rows = await on
    .select({
      id: clients.id,
      email: clients.email,
      fullName: clients.fullName,
      suppressedReason: suppressions.reason,
      suppressedAt: suppressions.createdAt,
    })
    .from(mailingClients)
    .innerJoin(mailings, eq(mailings.id, mailingClients.mailingId))
    .innerJoin(clients, eq(clients.id, mailingClients.clientId))
    .leftJoin(
      suppressions,
      and(eq(suppressions.ownerId, clients.ownerId), eq(suppressions.emailKey, clients.emailKey)),
    )
    .where(
      and(
        eq(mailingClients.mailingId, input.mailingId),
        readable(actor, mailings.ownerId),
        from === null ? undefined : gt(mailingClients.clientId, from),
      ),
    )
    .orderBy(asc(mailingClients.clientId))
    .limit(size + 1);
  return toPage(rows, size, (row) => [row.id]);
}
export type MailingClientRow = Awaited<ReturnType<typeof listMailingClients>>['items'][number];

/**
 * How many the next run would make a delivery for, and how many of these may not be mailed; counted no further than 10,000
 * clients. Zero for what the actor may not read.
 */
export async function countMailingClients(
  actor: Actor,
  mailingId: number,
  on: Db = db,
): Promise<BoundedCount & { suppressed: number }> {
  const some = on
    .select({ suppressed: sql<boolean>`${suppressions.id} is not null`.as('suppressed') })
    .from(mailings)
    .innerJoin(clients, eq(clients.ownerId, mailings.ownerId))
    .leftJoin(
      mailingClients,
      and(eq(mailingClients.mailingId, mailings.id), eq(mailingClients.clientId, clients.id)),
    )
    .leftJoin(
      suppressions,
      and(eq(suppressions.ownerId, clients.ownerId), eq(suppressions.emailKey, clients.emailKey)),
    )
    .where(
      and(
        eq(mailings.id, mailingId),
        readable(actor, mailings.ownerId),
        or(eq(mailings.audience, 'all'), isNotNull(mailingClients.clientId)),
      ),
    )
    .limit(countLimit + 1)
    .as('some');
  const [counted] = await on
    .select({
      value: sql<number>`count(*)::int`,
      suppressed: sql<number>`(count(*) filter (where ${some.suppressed}))::int`,
    })
    .from(some);
  const value = counted?.value ?? 0;
  return {
    value: Math.min(value, countLimit),
    exact: value <= countLimit,
    suppressed: counted?.suppressed ?? 0,
  };
}

/** What the picker of a form stands at: those chosen before, searches whose every match is chosen, and single changes. */
export type Selection = {
  mailingId?: number | undefined;
  found: string[];
  clientIds: number[];
  without: number[];
};

/** Taken as a whole: by a search, or chosen before. */
function takenAsWhole(selection: Pick<Selection, 'mailingId' | 'found'>): SQL {
  const terms = selection.found.map((term) => {
    const pattern = term === everybody ? null : likePattern(term.replaceAll('\0', ''));
    return pattern ? sql`${clients.search} like ${pattern}` : sql`true`;
  });
  const kept = selection.mailingId
    ? [
        sql`exists (select 1 from ${mailingClients} mc join ${mailings} m on m.id = mc.mailing_id
          where mc.client_id = ${clients.id} and mc.mailing_id = ${selection.mailingId} and m.owner_id = ${clients.ownerId})`,
      ]
    : [];
  return or(...kept, ...terms) ?? sql`false`;
}

/** A page of the actor's own clients for the picker; `chosen` tells whether a search or an earlier choice took the client. */
export async function pickableClients(
  actor: Actor,
  input: { q?: string | undefined; after?: string | undefined; size?: number } & Pick<
    Selection,
    'mailingId' | 'found'
  >,
  on: Db = db,
): Promise<Page<{ id: number; email: string; fullName: string; chosen: boolean; suppressed: boolean }>> {
  const { size = 20 } = input;
  const before = idOf(input.after);
  const pattern = likePattern(input.q?.replaceAll('\0', ''));
  const rows = await on
    .select({
      id: clients.id,
      email: clients.email,
      fullName: clients.fullName,
      chosen: sql<boolean>`(${takenAsWhole(input)})`,
      suppressed: sql<boolean>`${suppressions.id} is not null`,
    })
    .from(clients)
    .leftJoin(
      suppressions,
      and(eq(suppressions.ownerId, clients.ownerId), eq(suppressions.emailKey, clients.emailKey)),
    )
    .where(
      and(
        own(actor, clients.ownerId),
        pattern ? sql`${clients.search} like ${pattern}` : undefined,
        before === null ? undefined : lt(clients.id, before),
      ),
    )
    .orderBy(desc(clients.id))
    .limit(size + 1);
  return toPage(rows, size, (row) => [row.id]);
}

/** How many clients a selection takes, counted no further than 10,000. */
export async function countChosen(actor: Actor, selection: Selection, on: Db = db): Promise<BoundedCount> {
  const { clientIds, without } = selection;
  const some = on
    .select({ one: sql`1`.as('one') })
    .from(clients)
    .where(
      and(
        own(actor, clients.ownerId),
        or(takenAsWhole(selection), clientIds.length > 0 ? inArray(clients.id, clientIds) : undefined),
        without.length > 0 ? notInArray(clients.id, without) : undefined,
      ),
    )
    .limit(countLimit + 1)
    .as('some');
  const [counted] = await on.select({ value: sql<number>`count(*)::int` }).from(some);
  const value = counted?.value ?? 0;
  return { value: Math.min(value, countLimit), exact: value <= countLimit };
}

/**
 * The actor's mailings that send next, soonest first; held ones are left out. `chosen`: how many clients are chosen for it, counted no
 * further than 10,000; null where it goes to all.
 */
export async function listNextSends(actor: Actor, limit = 5, on: Db = db) {
  return on
    .select({
      id: mailings.id,
      name: mailings.name,
      nextSlotAt: mailings.nextSlotAt,
      zone: mailings.zone,
      periodicity: mailings.periodicity,
      chosen: sql<number | null>`case when ${mailings.audience} = 'chosen' then (
        select count(*) from (
          select 1 from ${mailingClients} some_of where some_of.mailing_id = ${mailings}.id limit ${countLimit + 1}
        ) found) end`.mapWith(Number),
    })
    .from(mailings)
    .where(
      and(
        own(actor, mailings.ownerId),
        isNull(mailings.archivedAt),
        isNotNull(mailings.nextSlotAt),
        isNull(mailings.pausedAt),
        isNull(mailings.disabledAt),
      ),
    )
    .orderBy(asc(mailings.nextSlotAt), asc(mailings.id))
    .limit(limit);
}

/** A schedule whose local times have become instants. */
export type Timing = {
  startsLocal: string;
  zone: string;
  startsAt: Date;
  endsAt: Date | null;
  periodicity: Periodicity;
};

/**
 * Reads the schedule of a form: local times of a zone become instants. Refuses with `unknown_zone`, `impossible_date`,
 * `ends_before_start`.
 */
export function readTiming(
  input: Pick<MailingInput, 'startsAt' | 'zone' | 'endsAt' | 'periodicity'>,
  now: Date,
): Result<Timing> {
  const { zone, periodicity = 'once' } = input;
  if (!isZone(zone)) return refuseField('zone', 'unknown_zone');
  if (!input.startsAt) return refuseField('startsAt', 'required');
  const startsLocal = input.startsAt === 'now' ? toExactLocal(now, zone) : input.startsAt;
  const startsAt = toInstant(startsLocal, zone);
  if (!startsAt) return refuseField('startsAt', 'impossible_date');
  const endsAt = input.endsAt ? toInstant(input.endsAt, zone) : null;
  if (input.endsAt && !endsAt) return refuseField('endsAt', 'impossible_date');
  if (endsAt && endsAt <= startsAt) return refuseField('endsAt', 'ends_before_start');
  return done({ startsLocal, zone, startsAt, endsAt, periodicity });
}

/** The same for a mailing that is saved now: one that is over already is refused at `endsAt` (ends_in_past). */
export function readOpenTiming(input: Parameters<typeof readTiming>[0], now: Date): Result<Timing> {
  const timing = readTiming(input, now);
  const isOver = timing.ok && timing.data.endsAt && timing.data.endsAt <= now;
  return isOver ? refuseField('endsAt', 'ends_in_past') : timing;
}

/**
 * What else is wrong with a form of a new mailing whose fields are partly refused already: times that do not exist or
 * are over, nobody to send to. Changes nothing; fields that cannot be read are not spoken of.
 */
export async function alsoWrongWithMailing(
  actor: Actor,
  sent: Record<string, unknown>,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<FieldErrors> {
  const when = schedulePreviewSchema.safeParse({
    ...sent,
    mailingId: null,
    startsAt: sent.starts === 'now' ? 'now' : sent.startsAt,
    endsAt: sent.endsAt || null,
  });
  const timing = when.success ? readOpenTiming(when.data, clock.now()) : done(null);
  const fields = timing.ok ? {} : { ...timing.error.fields };
  if (sent.audience === 'all' && !sent.newClients && !(await hasClients(actor, on)))
    fields.clientIds = { code: 'no_clients' };
  return fields;
}

export type PlannedSends = {
  /** The first send is due as soon as it is saved. */
  now: boolean;
  at: Date[];
  /** Whether there are more than these. */
  more: boolean;
};

/**
 * When a schedule that is saved at `now` sends: its next `count` times. A mailing that has begun goes on with its first slot
 * after now; a new one makes up for the latest that has passed.
 */
export function planSends(
  timing: Timing,
  begun: boolean,
  restart: boolean,
  now: Date,
  count = 5,
): PlannedSends {
  const first = slotAt(timing, 0);
  const atOnce = Boolean(first && first <= now && (!begun || restart));
  const slots = upcomingSlots(timing, now, count + 1);
  return { now: atOnce, at: slots.slice(0, count).map((slot) => slot.at), more: slots.length > count };
}
