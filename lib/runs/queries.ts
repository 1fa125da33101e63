import { and, asc, desc, eq, gt, inArray, isNull, lt, ne, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { DeliveryStatus, RunStatus } from '@/db/enums';
import { attempts, deliveries, mailings, runCounts, runs, transports } from '@/db/schema';
import { type Clock, systemClock } from '@/lib/clock';
import { transportName } from '@/lib/email/transport';
import { decodeCursor, likePattern, pageSize, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { own, readable } from '@/lib/policy/scopes';

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
  total: runCounts.total,
  queued: runCounts.queued,
  sending: runCounts.sending,
  sent: runCounts.sent,
  failed: runCounts.failed,
  skipped: runCounts.skipped,
  expired: runCounts.expired,
  cancelled: runCounts.cancelled,
  unknown: runCounts.unknown,
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
    .innerJoin(runCounts, eq(runCounts.runId, runs.id))
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

/** `smtp:user@mail.example.org:587#digest` → `mail.example.org:587`; null for transports that name no server. */
function serverOf(name: string | null): string | null {
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

/** The actor's runs under way, newest first. */
export async function listOpenRuns(
  actor: Actor,
  limit = 5,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<RunRow[]> {
  return selectRuns(
    and(own(actor, runs.ownerId), eq(runs.status, 'open'), isNull(mailings.archivedAt)),
    limit,
    on,
    clock,
  );
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

/**
 * A page of a run's deliveries, in the order of their clients, each with its latest attempt. `q` is looked for inside the
 * frozen address and name.
 */
export async function listDeliveries(
  actor: Actor,
  input: {
    runId: number;
    status?: DeliveryStatus | null | undefined;
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
      code: attempts.code,
      response: attempts.response,
    })
    .from(attempts)
    .where(eq(attempts.deliveryId, deliveries.id))
    .orderBy(desc(attempts.id))
    .limit(1)
    .as('last');
  const rows = await on
    .select({
      id: deliveries.id,
      clientId: deliveries.clientId,
      email: deliveries.email,
      fullName: deliveries.fullName,
      status: deliveries.status,
      reason: deliveries.reason,
      tries: deliveries.tries,
      nextTryAt: deliveries.nextTryAt,
      endedAt: deliveries.endedAt,
      attempt: {
        id: last.id,
        attemptedAt: last.attemptedAt,
        status: last.status,
        code: last.code,
        response: last.response,
      },
    })
    .from(deliveries)
    .innerJoin(runs, eq(runs.id, deliveries.runId))
    .leftJoinLateral(last, sql`true`)
    .where(
      and(
        eq(deliveries.runId, input.runId),
        readable(actor, runs.ownerId),
        input.status ? eq(deliveries.status, input.status) : undefined,
        pattern
          ? sql`lower(${deliveries.email} || ' ' || ${deliveries.fullName}) like ${pattern}`
          : undefined,
        from === null ? undefined : gt(deliveries.clientId, from),
      ),
    )
    // By client: (run, client) is the index that every run has.
    .orderBy(asc(deliveries.clientId))
    .limit(size + 1);
  return toPage(rows, size, (row) => [row.clientId]);
}
export type DeliveryRow = Awaited<ReturnType<typeof listDeliveries>>['items'][number];
