import { and, asc, type Column, desc, eq, gt, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { AttemptStatus } from '@/db/enums';
import { attempts, deliveries, mailings, runs, users } from '@/db/schema';
import { decodeCursor, encodeCursor, likePattern, type Page, pageSize, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { own, readable } from '@/lib/policy/scopes';
import { ofOwnersAlike } from '@/lib/users/queries';
import { attemptsSearched } from './schema';

const row = {
  id: attempts.id,
  attemptedAt: attempts.attemptedAt,
  status: attempts.status,
  code: attempts.code,
  response: attempts.response,
  stage: attempts.stage,
  transport: attempts.transport,
  deliveryId: attempts.deliveryId,
  runId: attempts.runId,
  mailingId: attempts.mailingId,
  mailingName: mailings.name,
  email: deliveries.email,
  fullName: deliveries.fullName,
  clientId: deliveries.clientId,
};

type Wanted = {
  /** Looked for inside the client's address and the server's answer. */
  q?: string | undefined;
  status?: AttemptStatus | null | undefined;
  after?: string | undefined;
  size?: number;
};

/** A page of a search; `searchedTo`: how far back it looked, null when nothing older is left to look through. */
export type AttemptPage<T> = Page<T> & { searchedTo: Date | null };

/** The attempts of one owner, mailing or run, in the order of the index of these; null for everybody's. */
type Along = { column: Column; value: number } | null;

/**
 * Ids of the attempts among `scope` that fit, newest first. Looks through the newest `attemptsSearched` before the cursor and
 * asks each one's delivery by its key: no answer costs more than that, however rare what is looked for, and the next page goes
 * on where this one ended. `along` is a comparison of rows, and `scope` shut in by `is true`: with an equation the planner may
 * walk everybody's attempts backwards, past all that came after those of an owner who has long been quiet. `also` narrows down
 * further, on `recent`.
 */
async function searchAttempts(
  scope: SQL,
  along: Along,
  { q, status, after, size = pageSize }: Wanted,
  also: SQL | undefined,
  on: Db,
): Promise<AttemptPage<number>> {
  const [id] = decodeCursor(after) ?? [];
  const before = typeof id === 'number' && Number.isSafeInteger(id) ? id : Number.MAX_SAFE_INTEGER;
  const among = along
    ? sql`(${scope}) is true and (${along.column}, ${attempts.id}) >= (${along.value}::bigint, 0)
        and (${along.column}, ${attempts.id}) < (${along.value}::bigint, ${before}::bigint)`
    : sql`${scope} and ${lt(attempts.id, before)}`;
  const newest = along ? [desc(along.column), desc(attempts.id)] : [desc(attempts.id)];
  const pattern = likePattern(q);
  const fits = and(
    status ? sql`recent.status = ${status}` : undefined,
    also,
    pattern
      ? sql`(lower(recent.response) like ${pattern} or lower(client.email) like ${pattern})`
      : undefined,
  );
  // `limit 1` keeps the planner from reading all deliveries there are to join them with these.
  const client = pattern
    ? sql`cross join lateral (select email from ${deliveries} where ${deliveries.id} = recent.delivery_id limit 1) client`
    : sql``;
  const searched = fits ? attemptsSearched : size + 1;
  const rows = await on.execute<{ id: string }>(sql`
    select recent.id from (
      select ${attempts.id}, ${along?.column ?? sql`1`} as along, ${attempts.ownerId} as owner_id,
        ${attempts.deliveryId}, ${attempts.status}, ${attempts.response}
      from ${attempts} where ${among} order by ${sql.join(newest, sql`, `)} limit ${searched}
    ) recent ${client} ${fits ? sql`where ${fits}` : sql``}
    order by recent.along desc, recent.id desc limit ${size + 1}`);
  const page = toPage(
    rows.map((row) => Number(row.id)),
    size,
    (last) => [last],
  );
  if (page.next || !fits) return { ...page, searchedTo: null };
  const [oldest] = await on
    .select({ id: attempts.id, at: attempts.attemptedAt })
    .from(attempts)
    .where(among)
    .orderBy(...newest)
    .offset(attemptsSearched - 1)
    .limit(1);
  return oldest
    ? { ...page, next: encodeCursor([oldest.id]), searchedTo: oldest.at }
    : { ...page, searchedTo: null };
}

/**
 * A page of attempts, newest first. Of one mailing, run or delivery: those the actor may read; else the actor's own.
 */
export async function listAttempts(
  actor: Actor,
  input: Wanted & {
    mailingId?: number | null | undefined;
    runId?: number | null | undefined;
    deliveryId?: number | null | undefined;
  } = {},
  on: Db = db,
) {
  const { mailingId, runId, deliveryId } = input;
  const scope = sql`${and(
    mailingId || runId || deliveryId ? readable(actor, attempts.ownerId) : own(actor, attempts.ownerId),
    mailingId ? eq(attempts.mailingId, mailingId) : undefined,
    runId ? eq(attempts.runId, runId) : undefined,
    deliveryId ? eq(attempts.deliveryId, deliveryId) : undefined,
  )}`;
  const along: Along = deliveryId
    ? null
    : runId
      ? { column: attempts.runId, value: runId }
      : { column: mailingId ? attempts.mailingId : attempts.ownerId, value: mailingId || actor.id };
  const { items: ids, ...page } = await searchAttempts(scope, along, input, undefined, on);
  const items = await on
    .select(row)
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .innerJoin(mailings, eq(mailings.id, attempts.mailingId))
    .where(and(inArray(attempts.id, ids), scope))
    .orderBy(desc(attempts.id));
  return { ...page, items };
}
export type AttemptRow = Awaited<ReturnType<typeof listAttempts>>['items'][number];

/**
 * A page of everybody's attempts that the actor may read, newest first, with their owners. An `owner` that names one user alone
 * is looked for among that user's attempts, another among everybody's.
 */
export async function listAllAttempts(
  actor: Actor,
  input: Wanted & {
    /** Looked for inside address and name of the owner. */
    owner?: string | undefined;
  } = {},
  on: Db = db,
) {
  const alike = ofOwnersAlike(users.id, input.owner);
  const owners = alike ? await on.select({ id: users.id }).from(users).where(alike).limit(2) : [];
  const only = owners.length === 1 ? owners[0] : undefined;
  const scope = sql`${and(readable(actor, attempts.ownerId), only ? eq(attempts.ownerId, only.id) : undefined)}`;
  const { items: ids, ...page } =
    alike && owners.length === 0
      ? { items: [], next: null, searchedTo: null }
      : await searchAttempts(
          readable(actor, attempts.ownerId),
          only ? { column: attempts.ownerId, value: only.id } : null,
          input,
          only || !alike ? undefined : ofOwnersAlike(sql`recent.owner_id`, input.owner),
          on,
        );
  const items = await on
    .select({ ...row, ownerEmail: users.email })
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .innerJoin(mailings, eq(mailings.id, attempts.mailingId))
    .innerJoin(users, eq(users.id, attempts.ownerId))
    .where(and(inArray(attempts.id, ids), scope))
    .orderBy(desc(attempts.id));
  return { ...page, items };
}

/** An attempt the actor may read, with how its delivery and its run stand; null when there is none. */
export async function findAttempt(actor: Actor, id: number, on: Db = db) {
  if (!Number.isSafeInteger(id)) return null;
  const [found] = await on
    .select({
      ...row,
      ownerId: attempts.ownerId,
      zone: mailings.zone,
      deliveryStatus: deliveries.status,
      deliveryReason: deliveries.reason,
      tries: deliveries.tries,
      nextTryAt: deliveries.nextTryAt,
      subject: runs.subject,
      fromName: runs.fromName,
      fromEmail: runs.fromEmail,
    })
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .innerJoin(runs, eq(runs.id, attempts.runId))
    .innerJoin(mailings, eq(mailings.id, attempts.mailingId))
    .where(and(eq(attempts.id, id), readable(actor, attempts.ownerId)));
  return found ?? null;
}

/** Columns of the export, in order; users script against them. */
export const exportColumns = [
  'attempted_at',
  'email',
  'status',
  'server_response',
  'run_id',
  'delivery_id',
] as const;
export type ExportedAttempt = {
  attempted_at: string;
  email: string;
  status: AttemptStatus;
  server_response: string;
  run_id: number;
  delivery_id: number;
};

/** Rows held in memory at once. */
const exportChunk = 2000;

/**
 * Every attempt of a mailing the actor may read, oldest first, read in chunks so that any number of them takes little
 * memory. Empty for a mailing that the actor may not read.
 */
export async function* exportAttempts(
  actor: Actor,
  input: { mailingId: number },
  on: Db = db,
): AsyncGenerator<ExportedAttempt> {
  let from = 0;
  for (;;) {
    const rows = await on
      .select({
        id: attempts.id,
        attemptedAt: attempts.attemptedAt,
        email: deliveries.email,
        status: attempts.status,
        code: attempts.code,
        response: attempts.response,
        runId: attempts.runId,
        deliveryId: attempts.deliveryId,
      })
      .from(attempts)
      .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
      .where(
        and(
          eq(attempts.mailingId, input.mailingId),
          readable(actor, attempts.ownerId),
          gt(attempts.id, from),
        ),
      )
      .orderBy(asc(attempts.id))
      .limit(exportChunk);
    for (const attempt of rows)
      yield {
        attempted_at: attempt.attemptedAt.toISOString(),
        email: attempt.email,
        status: attempt.status,
        server_response: attempt.response,
        run_id: attempt.runId,
        delivery_id: attempt.deliveryId,
      };
    const last = rows.at(-1);
    if (!last || rows.length < exportChunk) return;
    from = last.id;
  }
}
