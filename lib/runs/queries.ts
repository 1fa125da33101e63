import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, lt, lte, ne, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { AnswerKind, DeliveryStatus, RunKind, RunStatus } from '@/db/enums';
import {
  attempts,
  batches,
  claimedDeliveries,
  clients,
  deliveries,
  engines,
  formerAddresses,
  mailings,
  runs,
  runTallies,
  transports,
  users,
} from '@/db/schema';
import { type Clock, systemClock } from '@/lib/clock';
import { transportName } from '@/lib/email/transport';
import {
  type BoundedCount,
  countLimit,
  decodeCursor,
  encodeCursor,
  likePattern,
  pageSize,
  toPage,
  wholeAddress,
} from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { managed, own, readable } from '@/lib/policy/scopes';
import { isUnreached, slowRateNow } from '@/lib/sending/ledger';
import { clientsSearched, type ProgressReading, paceLettersMin, type Unreached } from './schema';

/** Why an open run stands still: what the transport said last, and when it goes on. `server` is who said it, if it has a name. */
export type Wait = {
  code: string;
  response: string | null;
  server: string | null;
  until: Date;
  since: Date | null;
};
export type ShownRunStatus = RunStatus | 'waiting';

const counts = {
  total: runTallies.total,
  queued: runTallies.queued,
  sending: runTallies.sending,
  sent: runTallies.sent,
  failed: runTallies.failed,
  skipped: runTallies.skipped,
  expired: runTallies.expired,
  cancelled: runTallies.cancelled,
  unknown: runTallies.unknown,
};
export type Counts = { [Name in keyof typeof counts]: number };

const idOf = (after: string | undefined) => {
  const [id] = decodeCursor(after) ?? [];
  return typeof id === 'number' && Number.isSafeInteger(id) ? id : null;
};

async function selectRuns(where: SQL | undefined, limit: number, on: Db, clock: Clock) {
  // The transport configured now, since mended settings are a new row; until that row exists, the one the run last used.
  const configured = transportName();
  const wait = on
    .select({
      name: transports.name,
      code: transports.waitCode,
      response: transports.waitResponse,
      until: transports.waitsUntil,
      since: transports.waitsSince,
    })
    .from(transports)
    .where(and(eq(runs.status, 'open'), sql`${transports.name} in (${configured}, ${runs.transport})`))
    .orderBy(sql`${transports.name} = ${configured} desc`)
    .limit(1)
    .as('wait');
  const rows = await on
    .select({
      id: runs.id,
      mailingId: runs.mailingId,
      mailingName: mailings.name,
      ownerId: runs.ownerId,
      zone: mailings.zone,
      mailingPausedAt: mailings.pausedAt,
      mailingDisabledAt: mailings.disabledAt,
      mailingArchivedAt: mailings.archivedAt,
      kind: runs.kind,
      slotAt: runs.slotAt,
      status: runs.status,
      pausedAt: runs.pausedAt,
      deadlineAt: runs.deadlineAt,
      subject: runs.subject,
      fromName: runs.fromName,
      fromEmail: runs.fromEmail,
      transport: runs.transport,
      openedAt: runs.openedAt,
      servedAt: runs.servedAt,
      stoppedAt: runs.stoppedAt,
      closedAt: runs.closedAt,
      counts,
      waitName: wait.name,
      waitCode: wait.code,
      waitResponse: wait.response,
      waitUntil: wait.until,
      waitSince: wait.since,
    })
    .from(runs)
    .innerJoin(mailings, eq(mailings.id, runs.mailingId))
    .innerJoin(runTallies, eq(runTallies.runId, runs.id))
    .leftJoinLateral(wait, sql`true`)
    .where(where)
    .orderBy(desc(runs.id))
    .limit(limit);
  const now = clock.now();
  return rows.map(
    ({ waitName, waitCode, waitResponse: response, waitUntil: until, waitSince: since, ...run }) => {
      const wait: Wait | null =
        run.status === 'open' && until && until > now
          ? { code: waitCode ?? 'unknown', response, server: serverOf(waitName), until, since }
          : null;
      return { ...run, status: (wait ? 'waiting' : run.status) as ShownRunStatus, wait };
    },
  );
}

/** `smtp:user@mail.example.org:587#digest` → `mail.example.org:587`; null for transports that name no server. Never the user. */
export function serverOf(name: string | null): string | null {
  const [, address] = /^\w+:([^#]+)/.exec(name ?? '') ?? [];
  return address?.slice(address.lastIndexOf('@') + 1) || null;
}

/** A page of a mailing's runs, newest first, with counts; an open run whose transport waits shows as `waiting` and says why. */
export async function listRuns(
  actor: Actor,
  input: { mailingId: number; after?: string | undefined; size?: number },
  on: Db = db,
  clock: Clock = systemClock,
) {
  const { size = pageSize } = input;
  const before = idOf(input.after);
  const rows = await selectRuns(
    and(
      eq(runs.mailingId, input.mailingId),
      readable(actor, runs.ownerId),
      before === null ? undefined : lt(runs.id, before),
    ),
    size + 1,
    on,
    clock,
  );
  return toPage(rows, size, (row) => [row.id]);
}

/** How many runs {@link listRuns} finds of a mailing in all, missed ones too, counted no further than 10,000. */
export async function countRuns(actor: Actor, mailingId: number, on: Db = db): Promise<BoundedCount> {
  const some = on
    .select({ one: sql`1`.as('one') })
    .from(runs)
    .where(and(eq(runs.mailingId, mailingId), readable(actor, runs.ownerId)))
    .limit(countLimit + 1)
    .as('some');
  const [counted] = await on.select({ value: sql<number>`count(*)::int` }).from(some);
  const value = counted?.value ?? 0;
  return { value: Math.min(value, countLimit), exact: value <= countLimit };
}

export type RunRow = Awaited<ReturnType<typeof listRuns>>['items'][number];

/** A run of a mailing, with counts; null when the actor may not read it or it is another mailing's. */
export async function findRun(
  actor: Actor,
  input: { mailingId: number; runId: number },
  on: Db = db,
  clock: Clock = systemClock,
): Promise<RunRow | null> {
  if (!Number.isSafeInteger(input.runId) || !Number.isSafeInteger(input.mailingId)) return null;
  const [run] = await selectRuns(
    and(eq(runs.id, input.runId), eq(runs.mailingId, input.mailingId), readable(actor, runs.ownerId)),
    1,
    on,
    clock,
  );
  return run ?? null;
}

/** The latest run of a mailing that has such clients; null when there is none, or the actor may not read it. */
export async function findUnfinishedRun(
  actor: Actor,
  { mailingId, ...which }: { mailingId: number } & Unreached,
  on: Db = db,
): Promise<number | null> {
  const [run] = await on
    .select({ id: runs.id })
    .from(runs)
    .where(
      and(
        eq(runs.mailingId, mailingId),
        readable(actor, runs.ownerId),
        sql`exists (select 1 from ${deliveries} where ${deliveries.runId} = ${runs.id} and ${isUnreached(which)})`,
      ),
    )
    .orderBy(desc(runs.id))
    .limit(1);
  return run?.id ?? null;
}

/** The open runs of a mailing the actor may read: one scheduled and one manual at most. */
export async function listOpenRunsOf(
  actor: Actor,
  mailingId: number,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<RunRow[]> {
  return selectRuns(
    and(eq(runs.mailingId, mailingId), readable(actor, runs.ownerId), eq(runs.status, 'open')),
    2,
    on,
    clock,
  );
}

/** The latest run of a mailing that really began; null when none has. */
export async function findLastRun(
  actor: Actor,
  mailingId: number,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<RunRow | null> {
  const [run] = await selectRuns(
    and(eq(runs.mailingId, mailingId), readable(actor, runs.ownerId), ne(runs.status, 'missed')),
    1,
    on,
    clock,
  );
  return run ?? null;
}

/** A run that has made no progress for so long says so, and why. */
const stallMs = 5 * 60_000;
/** After so long a wait of the sender the engine ends the rest as `failed` (`sender_waited_too_long`). */
const waitLimitMs = 72 * 3600_000;

/**
 * Why an open run does not move. The last three are the watchdog's: nothing was claimed or recorded for five minutes although
 * nothing holds the run. `since`: since when it has been so.
 */
export type Hold =
  | { kind: 'disabled' | 'blocked' | 'paused'; since: Date }
  /** The sender waits. At `givesUpAt` the rest ends, by the limit of 72 hours (`failed`) or by the run's own deadline (`expired`). */
  | { kind: 'waiting'; since: Date; wait: Wait; givesUpAt: Date; endsAs: 'failed' | 'expired' }
  /** All that is left was refused for now; the first of it is tried again at `next`. */
  | { kind: 'retries'; next: Date }
  /** No answer came for what is left; it is handed over once more, under the same key, at `next`. */
  | { kind: 'repeats'; next: Date }
  /** An engine holds `letters` of it under a lease. */
  | { kind: 'leased'; since: Date; letters: number; until: Date }
  /** `lastPassAt`: when an engine last reported in; null = never. */
  | { kind: 'no_engine'; since: Date; lastPassAt: Date | null }
  | { kind: 'passed_over'; since: Date; lastPassAt: Date | null };

/** How far a run has come. Two with the same `standing` differ in nothing but their counts. */
export type Progress = {
  id: number;
  kind: RunKind;
  slotAt: Date | null;
  openedAt: Date;
  pausedAt: Date | null;
  stoppedAt: Date | null;
  status: ShownRunStatus;
  isOpen: boolean;
  counts: Counts;
  hold: Hold | null;
  /** The server asked to send more slowly: letters a second that are let out at most now, by all engines. Null: it did not. */
  slowedTo: number | null;
  standing: string;
};

export type MailingProgress = {
  readAt: Date;
  runs: Progress[];
  /** The slot is due, nothing holds the mailing, and no engine has opened its run for five minutes. */
  stall: Extract<Hold, { kind: 'no_engine' | 'passed_over' }> | null;
  /** Nothing is under way or about to begin. */
  isOver: boolean;
  standing: string;
};

type ProgressRow = Record<keyof Counts, number> & {
  of_mailing: string;
  mailing_name: string;
  owner_email: string;
  paused_at: string | null;
  disabled_at: string | null;
  blocked_at: string | null;
  next_slot_at: string | null;
  last_pass_at: string | null;
  id: string | null;
  kind: RunKind;
  slot_at: string | null;
  opened_at: string;
  status: RunStatus;
  run_paused_at: string | null;
  stopped_at: string | null;
  deadline_at: string | null;
  moved_at: string;
  worked_at: string | null;
  first_due: string | null;
  repeat_at: string | null;
  leased_since: string | null;
  leased_until: string | null;
  wait_name: string | null;
  wait_code: string | null;
  wait_response: string | null;
  waits_until: string | null;
  waits_since: string | null;
  slow_rate: number | null;
  slowed_at: string | null;
};

const instant = (text: string | null) => (text === null ? null : new Date(text));
const latest = (...instants: (Date | null)[]) =>
  new Date(Math.max(...instants.map((each) => each?.getTime() ?? 0)));

const isRunOpen = sql`${runs.status} = 'open'`;

/** One row a run, found by its key, so that it may be asked every second; a mailing without such a run is one row without it. */
async function selectProgress(
  which: { runs: SQL; where: SQL | undefined; order: SQL; limit: number },
  on: Db,
  now: Date,
) {
  const at = sql`${now.toISOString()}::timestamptz`;
  const configured = transportName();
  // What is asked only of an open run, or only of one that stands still, stands in a CASE: it costs the others nothing.
  const isOpen = isRunOpen;
  const isIdle = sql`${isOpen} and ${runTallies.queued} > 0 and ${runTallies.sending} = 0`;
  return on.execute<ProgressRow>(sql`
    select ${mailings.id} as of_mailing, ${mailings.name} as mailing_name, ${users.email} as owner_email,
      ${mailings.pausedAt}, ${mailings.disabledAt}, ${users.blockedAt}, ${mailings.nextSlotAt},
      (select max(${engines.seenAt}) from ${engines}) as last_pass_at,
      ${runs.id}, ${runs.kind}, ${runs.slotAt}, ${runs.openedAt}, ${runs.status}, ${runs.pausedAt} as run_paused_at, ${runs.stoppedAt},
      case when ${runs.kind} = 'scheduled' then coalesce(${runs.deadlineAt}, ${mailings.endsAt}) else ${runs.deadlineAt} end as deadline_at,
      greatest(${runs.openedAt}, ${runs.servedAt}, ${runs.deadlineAt} - interval '24 hours', ${mailings.updatedAt}) as moved_at,
      case when ${isOpen} and ${runs.servedAt} < ${at} - interval '5 minutes' then (
        select max(latest.attempted_at) from (
          select ${attempts.runId}, ${attempts.attemptedAt} from ${attempts} where ${attempts.mailingId} = ${runs.mailingId}
          order by ${attempts.attemptedAt} desc limit 200
        ) latest where latest.run_id = ${runs.id}) end as worked_at,
      case when ${isIdle} then (
        select least(case when ${runs.nextDeliveryId} is not null then ${runs.openedAt} end, min(${deliveries.nextTryAt}))
        from ${deliveries} where ${deliveries.runId} = ${runs.id} and ${deliveries.nextTryAt} is not null) end as first_due,
      case when ${isOpen} then (
        select min(${batches.repeatAt}) from ${batches}
        where ${batches.runId} = ${runs.id} and ${batches.endedAt} is null and ${batches.holder} is null) end as repeat_at,
      lease.since as leased_since, lease.until as leased_until,
      ${transports.name} as wait_name, ${transports.waitCode}, ${transports.waitResponse}, ${transports.waitsUntil},
      ${transports.waitsSince}, ${transports.slowRate}, ${transports.slowedAt},
      ${sql.join(
        Object.values(counts).map((column) => sql`${column}`),
        sql`, `,
      )}
    from ${mailings}
    join ${users} on ${users.id} = ${mailings.ownerId}
    left join ${runs} on ${runs.mailingId} = ${mailings.id} and ${which.runs}
    left join ${runTallies} on ${runTallies.runId} = ${runs.id}
    left join lateral (
      select min(${batches.createdAt}) as since, max(${batches.leasedUntil}) as until from ${batches}
      where ${isOpen} and ${batches.runId} = ${runs.id} and ${batches.endedAt} is null and ${batches.holder} is not null
    ) lease on true
    left join lateral (
      select * from ${transports} where ${isOpen} and ${transports.name} in (${configured}, ${runs.transport})
      order by ${transports.name} = ${configured} desc limit 1
    ) ${transports} on true
    where ${which.where}
    order by ${which.order} limit ${which.limit}`);
}

/**
 * How far the open runs of a mailing have come, or one run of it, open or not. Null when there is no such thing for this actor.
 */
export async function findProgress(
  actor: Actor,
  input: { mailingId: number; runId?: number | undefined },
  on: Db = db,
  clock: Clock = systemClock,
): Promise<MailingProgress | null> {
  const { mailingId, runId } = input;
  if (!Number.isSafeInteger(mailingId) || (runId !== undefined && !Number.isSafeInteger(runId))) return null;
  const now = clock.now();
  const rows = await selectProgress(
    {
      runs: runId === undefined ? isRunOpen : eq(runs.id, runId),
      where: and(eq(mailings.id, mailingId), readable(actor, mailings.ownerId)),
      order: sql`${runs.id}`,
      limit: 2,
    },
    on,
    now,
  );
  const [mailing] = rows;
  if (!mailing || (runId !== undefined && mailing.id === null)) return null;
  const found = rows.flatMap((row) => (row.id === null ? [] : [progressOf({ ...row, id: row.id }, now)]));
  const lastPassAt = instant(mailing.last_pass_at);
  const slot = instant(mailing.next_slot_at);
  const isDue =
    runId === undefined &&
    slot !== null &&
    slot <= now &&
    !mailing.paused_at &&
    !mailing.disabled_at &&
    !mailing.blocked_at &&
    !found.some((run) => run.kind === 'scheduled');
  const stall =
    isDue && now.getTime() - slot.getTime() >= stallMs ? engineStall(slot, lastPassAt, now) : null;
  return {
    readAt: now,
    runs: found,
    stall,
    isOver: !isDue && !found.some((run) => run.isOpen),
    standing: [stall?.kind ?? (isDue ? 'due' : ''), ...found.map((run) => `${run.id}:${run.standing}`)].join(
      ' ',
    ),
  };
}

export type OwnProgress = Pick<MailingProgress, 'readAt' | 'isOver' | 'standing'> & {
  runs: (Progress & { mailingId: number; mailingName: string })[];
};

/**
 * How far the actor's own runs under way have come, newest first, at most `limit`. It is over when none is under way and nothing
 * of theirs is due.
 */
export async function listOwnProgress(
  actor: Actor,
  limit = 5,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<OwnProgress> {
  const now = clock.now();
  const rows = await selectProgress(
    {
      runs: isRunOpen,
      where: and(own(actor, runs.ownerId), isRunOpen, isNull(mailings.archivedAt)),
      order: sql`${runs.id} desc`,
      limit,
    },
    on,
    now,
  );
  const found = rows.flatMap((row) =>
    row.id === null
      ? []
      : [
          {
            ...progressOf({ ...row, id: row.id }, now),
            mailingId: Number(row.of_mailing),
            mailingName: row.mailing_name,
          },
        ],
  );
  // A run that is about to begin beside others shows by itself: then there is one more.
  const isDue = found.length === 0 && (await hasDue(actor, on, now));
  return {
    readAt: now,
    runs: found,
    isOver: found.length === 0 && !isDue,
    standing: [isDue ? 'due' : '', ...found.map((run) => `${run.id}:${run.standing}`)].join(' '),
  };
}

/** Runs under way that are looked at for some that stand still. */
const lookedAt = 50;

/**
 * Runs under way that the sender makes wait or that stand still although nothing holds them, those served least recently first, at most
 * `limit`, for managers: of everybody's or of one owner's. Nothing for anybody else.
 */
export async function listStuckRuns(
  actor: Actor,
  input: { ownerId: number | null; limit?: number },
  on: Db = db,
  clock: Clock = systemClock,
) {
  const { ownerId, limit = 10 } = input;
  const now = clock.now();
  const rows = await selectProgress(
    {
      runs: isRunOpen,
      where: and(managed(actor), isRunOpen, ownerId === null ? undefined : eq(runs.ownerId, ownerId)),
      order: sql`${runs.servedAt}`,
      limit: lookedAt,
    },
    on,
    now,
  );
  const stuck = rows.flatMap((row) => {
    const hold = row.id === null ? null : holdOf(row, now);
    switch (hold?.kind) {
      case 'waiting':
      case 'leased':
      case 'no_engine':
      case 'passed_over':
        return [
          {
            runId: Number(row.id),
            mailingId: Number(row.of_mailing),
            mailingName: row.mailing_name,
            ownerEmail: row.owner_email,
            hold,
          },
        ];
      default:
        return [];
    }
  });
  return stuck.slice(0, limit);
}

export type StuckRun = Awaited<ReturnType<typeof listStuckRuns>>[number];

/** A mailing of the actor's is due, and nothing holds it. */
async function hasDue(actor: Actor, on: Db, now: Date): Promise<boolean> {
  const due = await on
    .select({ id: mailings.id })
    .from(mailings)
    .innerJoin(users, eq(users.id, mailings.ownerId))
    .where(
      and(
        own(actor, mailings.ownerId),
        lte(mailings.nextSlotAt, now),
        isNull(mailings.pausedAt),
        isNull(mailings.disabledAt),
        isNull(mailings.archivedAt),
        isNull(users.blockedAt),
      ),
    )
    .limit(1);
  return due.length > 0;
}

/** What of it the browser is told, and what its pages begin with. */
export function readingOf({
  readAt,
  runs: found,
  standing,
  isOver,
}: Pick<MailingProgress, 'readAt' | 'runs' | 'standing' | 'isOver'>): ProgressReading {
  return {
    atMs: readAt.getTime(),
    runs: found.map(({ id, isOpen, counts: now, standing: own }) => ({
      id,
      isOpen,
      counts: now,
      standing: own,
    })),
    standing,
    isOver,
  };
}

function progressOf(row: ProgressRow & { id: string }, now: Date): Progress {
  const { total, queued, sending, sent, failed, skipped, expired, cancelled, unknown } = row;
  const hold = row.status === 'open' ? holdOf(row, now) : null;
  const slowedAt = instant(row.slowed_at);
  const slowedTo = row.slow_rate && slowedAt ? slowRateNow(row.slow_rate, slowedAt, now) : null;
  const minute = (at: Date) => Math.floor(at.getTime() / 60_000);
  // Of what a notice shows, only what it would have to be shown anew for.
  const detail =
    hold?.kind === 'waiting'
      ? `${hold.wait.code} ${hold.wait.until.getTime()}`
      : hold && 'next' in hold
        ? minute(hold.next)
        : hold && 'until' in hold
          ? minute(hold.until)
          : '';
  return {
    id: Number(row.id),
    kind: row.kind,
    slotAt: instant(row.slot_at),
    openedAt: new Date(row.opened_at),
    pausedAt: instant(row.run_paused_at),
    stoppedAt: instant(row.stopped_at),
    status: hold?.kind === 'waiting' ? 'waiting' : row.status,
    isOpen: row.status === 'open',
    counts: { total, queued, sending, sent, failed, skipped, expired, cancelled, unknown },
    hold,
    slowedTo,
    standing: [
      row.status,
      row.stopped_at ? 'stopping' : '',
      hold?.kind ?? '',
      detail,
      slowedTo === null ? '' : 'slowed',
    ]
      .join(' ')
      .trim(),
  };
}

function holdOf(row: ProgressRow, now: Date): Hold | null {
  const leasedUntil = instant(row.leased_until);
  const stopping = row.stopped_at !== null;
  if (!stopping) {
    if (row.disabled_at) return { kind: 'disabled', since: new Date(row.disabled_at) };
    if (row.blocked_at) return { kind: 'blocked', since: new Date(row.blocked_at) };
    if (row.run_paused_at) return { kind: 'paused', since: new Date(row.run_paused_at) };
  }
  const until = instant(row.waits_until);
  if (until && until > now && !stopping) {
    const since = instant(row.waits_since) ?? now;
    const { wait_code: code, wait_response: response, wait_name: name } = row;
    const limit = new Date(latest(since, new Date(row.opened_at)).getTime() + waitLimitMs);
    const deadline = instant(row.deadline_at);
    const isExpiry = deadline !== null && deadline < limit;
    return {
      kind: 'waiting',
      since,
      wait: { code: code ?? 'unknown', response, server: serverOf(name), until, since },
      givesUpAt: isExpiry ? deadline : limit,
      endsAs: isExpiry ? 'expired' : 'failed',
    };
  }
  const firstDue = instant(row.first_due);
  if (firstDue && firstDue > now && !stopping) return { kind: 'retries', next: firstDue };
  const repeatAt = instant(row.repeat_at);
  if (repeatAt && repeatAt > now && !leasedUntil && row.queued === 0)
    return { kind: 'repeats', next: repeatAt };
  // What became possible only a moment ago has not been standing still.
  const since = latest(
    instant(row.moved_at),
    instant(row.worked_at),
    firstDue,
    repeatAt,
    until,
    instant(row.leased_since),
  );
  if (now.getTime() - since.getTime() < stallMs) return null;
  const lastPassAt = instant(row.last_pass_at);
  if (leasedUntil && leasedUntil > now)
    return { kind: 'leased', since, letters: row.sending, until: leasedUntil };
  return engineStall(since, lastPassAt, now);
}

function engineStall(
  since: Date,
  lastPassAt: Date | null,
  now: Date,
): Extract<Hold, { kind: 'no_engine' | 'passed_over' }> {
  const isAlive = lastPassAt !== null && now.getTime() - lastPassAt.getTime() < stallMs;
  return { kind: isAlive ? 'passed_over' : 'no_engine', since, lastPassAt };
}

/**
 * Letters a second that were handed over for a run in the last ten seconds, by all engines, or in the last minute when they were
 * few: measured on its attempts. Looks at the 2,000 latest of the mailing, so that a fast run costs no more than a slow one.
 */
export async function measureRate(
  actor: Actor,
  run: { id: number; mailingId: number; openedAt: Date },
  on: Db = db,
  clock: Clock = systemClock,
): Promise<number> {
  const rows = 2000;
  const now = clock.now();
  const newest = on
    .select({ runId: attempts.runId, attemptedAt: attempts.attemptedAt })
    .from(attempts)
    .where(and(eq(attempts.mailingId, run.mailingId), readable(actor, attempts.ownerId)))
    .orderBy(desc(attempts.attemptedAt))
    .limit(rows)
    .as('newest');
  const age = Math.max(1, (now.getTime() - run.openedAt.getTime()) / 1000);
  const within = async (most: number) => {
    const seconds = Math.min(most, age);
    const [found] = await on
      .select({
        letters: sql<number>`count(*) filter (where ${newest.runId} = ${run.id})`.mapWith(Number),
        looked: sql<number>`count(*)`.mapWith(Number),
        first: sql<string | null>`min(${newest.attemptedAt})`,
      })
      .from(newest)
      .where(gt(newest.attemptedAt, new Date(now.getTime() - seconds * 1000)));
    if (!found?.first) return { letters: 0, seconds };
    const span = (now.getTime() - new Date(found.first).getTime()) / 1000;
    return { letters: found.letters, seconds: found.looked === rows ? Math.max(0.1, span) : seconds };
  };
  const moments = await within(10);
  const { letters, seconds } = moments.letters >= paceLettersMin ? moments : await within(60);
  return letters / seconds;
}

/** The actor's runs since an instant that did not reach everybody or never began, newest first. */
export async function listTroubledRuns(
  actor: Actor,
  since: Date,
  limit = 5,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<RunRow[]> {
  return selectRuns(
    and(
      own(actor, runs.ownerId),
      inArray(runs.status, ['partly_done', 'missed']),
      isNull(mailings.archivedAt),
      sql`${runs.openedAt} >= ${since.toISOString()}::timestamptz`,
      // Only the latest word of each mailing: a later run that went well settles the matter.
      sql`not exists (select 1 from ${runs} later where later.mailing_id = ${runs.mailingId} and later.id > ${runs.id})`,
    ),
    limit,
    on,
    clock,
  );
}

/** The actor's runs that ended last, with what became of their letters, newest first; missed ones had none. */
export async function listLastRuns(
  actor: Actor,
  limit = 5,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<RunRow[]> {
  return selectRuns(
    and(own(actor, runs.ownerId), inArray(runs.status, ['done', 'partly_done', 'stopped'])),
    limit,
    on,
    clock,
  );
}

/** A live batch has it: it is being sent. */
const isClaimed = sql<boolean>`(${deliveries.status} = 'queued' and exists (
  select 1 from ${claimedDeliveries} c where c.run_id = ${deliveries.runId} and c.delivery_id = ${deliveries.id}
))`;

function hasStatus(status: DeliveryStatus): SQL {
  switch (status) {
    case 'sending':
      return isClaimed;
    case 'queued':
      return sql`${deliveries.status} = 'queued' and not ${isClaimed}`;
    case 'sent':
      return eq(deliveries.status, 'sent');
    default:
      return eq(deliveries.miss, status);
  }
}

/**
 * A page of a run's deliveries, in the order of their clients, each with its latest attempt. `q` is looked for inside the
 * frozen address and name: of those that the other choices leave, {@link clientsSearched} a page are looked through, and `searched` says
 * so where there are more behind them; the next page goes on there. Null: all were.
 */
export async function listDeliveries(
  actor: Actor,
  input: {
    runId: number;
    status?: DeliveryStatus | null | undefined;
    /** Of those that did not get the letter: what the answer means. */
    kind?: AnswerKind | null | undefined;
    q?: string | undefined;
    after?: string | undefined;
    size?: number;
  },
  on: Db = db,
) {
  const { size = pageSize } = input;
  const from = idOf(input.after);
  const pattern = likePattern(input.q?.replaceAll('\0', ''));
  const last = on
    .select({
      id: attempts.id,
      attemptedAt: attempts.attemptedAt,
      status: attempts.status,
      kind: attempts.kind,
      code: attempts.code,
      response: attempts.response,
      stage: attempts.stage,
    })
    .from(attempts)
    .where(eq(attempts.deliveryId, deliveries.id))
    .orderBy(desc(attempts.id))
    .limit(1)
    .as('last');
  const select = (which: SQL | undefined) =>
    on
      .select({
        id: deliveries.id,
        clientId: deliveries.clientId,
        email: deliveries.email,
        fullName: deliveries.fullName,
        status: sql<DeliveryStatus>`case when ${isClaimed} then 'sending' else ${deliveries.status}::text end`,
        reason: deliveries.reason,
        kind: deliveries.kind,
        tries: deliveries.tries,
        nextTryAt: deliveries.nextTryAt,
        endedAt: deliveries.endedAt,
        attempt: {
          id: last.id,
          attemptedAt: last.attemptedAt,
          status: last.status,
          kind: last.kind,
          code: last.code,
          response: last.response,
          stage: last.stage,
        },
      })
      .from(deliveries)
      .innerJoin(runs, eq(runs.id, deliveries.runId))
      .leftJoinLateral(last, sql`true`)
      .where(
        and(
          eq(deliveries.runId, input.runId),
          readable(actor, runs.ownerId),
          input.status ? hasStatus(input.status) : undefined,
          input.kind ? eq(deliveries.kind, input.kind) : undefined,
          which,
          from === null ? undefined : gt(deliveries.clientId, from),
        ),
      )
      // By client: (run, client) is the index that every run has.
      .orderBy(asc(deliveries.clientId))
      .limit(size + 1);
  // A whole address, which a run has once at most, is found by who has it or had it, without looking through all of them.
  const address = wholeAddress(input.q);
  const clientsAt = sql`(select ${clients.id} from ${clients}
    where ${clients.ownerId} = (select owner_id from ${runs} of_it where of_it.id = ${input.runId}) and ${clients.emailKey} = ${address}
    union all select ${formerAddresses.clientId} from ${formerAddresses}
    where ${formerAddresses.ownerId} = (select owner_id from ${runs} of_it where of_it.id = ${input.runId}) and ${formerAddresses.address} = ${address})`;
  const found = address
    ? await select(sql`${deliveries.clientId} in ${clientsAt} and lower(${deliveries.email}) = ${address}`)
    : [];
  if (found.length > 0) return { ...toPage(found, size, (row) => [row.clientId]), searched: null };
  if (!pattern) return { ...toPage(await select(undefined), size, (row) => [row.clientId]), searched: null };
  // How far this page looks: what is searched for may be nowhere, and a run may be of a million.
  const [beyond] = await on
    .select({ clientId: deliveries.clientId })
    .from(deliveries)
    .where(
      and(
        eq(deliveries.runId, input.runId),
        sql`exists (select 1 from ${runs} where ${runs.id} = ${input.runId} and ${readable(actor, runs.ownerId)})`,
        input.status ? hasStatus(input.status) : undefined,
        input.kind ? eq(deliveries.kind, input.kind) : undefined,
        from === null ? undefined : gt(deliveries.clientId, from),
      ),
    )
    .orderBy(asc(deliveries.clientId))
    .offset(clientsSearched)
    .limit(1);
  const rows = await select(
    and(
      sql`lower(${deliveries.email} || ' ' || ${deliveries.fullName}) like ${pattern}`,
      beyond ? lt(deliveries.clientId, beyond.clientId) : undefined,
    ),
  );
  const page = toPage(rows, size, (row) => [row.clientId]);
  return page.next || !beyond
    ? { ...page, searched: null }
    : { ...page, next: encodeCursor([beyond.clientId - 1]), searched: clientsSearched };
}
export type DeliveryRow = Awaited<ReturnType<typeof listDeliveries>>['items'][number];

/** What a block or a disable stops, or holds already: counted at this moment. */
export type WhatStops = {
  /** Mailings with a send to come that nothing holds. */
  mailings: number;
  /** Runs under way, and how many of these something else holds already. */
  runs: number;
  heldRuns: number;
  /** Letters of these runs that are queued. */
  unsent: number;
  /** Letters that are being handed over at this moment. */
  inFlight: number;
};

/** What blocking an owner, or disabling a mailing, stops; zeros for who is no manager. `null` asks for the command line. */
export async function findWhatStops(
  actor: Actor | null,
  which: { ownerId: number } | { mailingId: number },
  on: Db = db,
): Promise<WhatStops> {
  const ofMailing = 'mailingId' in which;
  const allowed = actor ? managed(actor) : undefined;
  const [[series], [open]] = await Promise.all([
    on
      .select({ mailings: sql<number>`count(*)::int` })
      .from(mailings)
      .where(
        and(
          allowed,
          ofMailing ? eq(mailings.id, which.mailingId) : eq(mailings.ownerId, which.ownerId),
          isNotNull(mailings.nextSlotAt),
          isNull(mailings.archivedAt),
          isNull(mailings.pausedAt),
          isNull(mailings.disabledAt),
        ),
      ),
    on
      .select({
        runs: sql<number>`count(*)::int`,
        heldRuns: sql<number>`(count(*) filter (where ${runs.pausedAt} is not null or ${runs.stoppedAt} is not null
          or ${mailings.disabledAt} is not null))::int`,
        unsent: sql<number>`coalesce(sum(${runTallies.queued}), 0)::float8`,
        inFlight: sql<number>`coalesce(sum(${runTallies.sending}), 0)::float8`,
      })
      .from(runs)
      .innerJoin(mailings, eq(mailings.id, runs.mailingId))
      .innerJoin(runTallies, eq(runTallies.runId, runs.id))
      .where(
        and(
          allowed,
          ofMailing ? eq(runs.mailingId, which.mailingId) : eq(runs.ownerId, which.ownerId),
          eq(runs.status, 'open'),
        ),
      ),
  ]);
  return {
    mailings: series?.mailings ?? 0,
    ...(open ?? { runs: 0, heldRuns: 0, unsent: 0, inFlight: 0 }),
  };
}
