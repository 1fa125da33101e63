import { and, type Column, desc, eq, gte, inArray, lt, ne, type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { type Db, db, driver } from '@/db/client';
import type { AnswerKind, AttemptStatus } from '@/db/enums';
import {
  attempts,
  clients,
  deliveries,
  formerAddresses,
  kindSums,
  mailingAnswers,
  mailings,
  runAnswers,
  runCounts,
  runQuarters,
  runs,
  users,
} from '@/db/schema';
import {
  type BoundedCount,
  countLimit,
  decodeCursor,
  encodeCursor,
  likePattern,
  type Page,
  pageSize,
  toPage,
  wholeAddress,
} from '@/lib/paging';
import { type Actor, canManage } from '@/lib/policy/rules';
import { own, readable } from '@/lib/policy/scopes';
import { ofOwnersAlike } from '@/lib/users/queries';
import { attemptsSearched, csvLine, plainCell } from './schema';

const row = {
  id: attempts.id,
  attemptedAt: attempts.attemptedAt,
  status: attempts.status,
  kind: attempts.kind,
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
  /** Looked for inside the client's address and the server's answer; among one's own, also inside the mailing's name. */
  q?: string | undefined;
  status?: AttemptStatus | null | undefined;
  kind?: AnswerKind | null | undefined;
  after?: string | undefined;
  size?: number;
};

/** A page of a search; `searchedTo`: how far back it looked, null when nothing older is left to look through. */
export type AttemptPage<T> = Page<T> & { searchedTo: Date | null };

/** Not before `from`, and before `until`; null leaves that side open. */
type Period = { from?: Date | null | undefined; until?: Date | null | undefined };

/**
 * The attempts of one owner or mailing, newest first by the index of these; without a column everybody's of a period, by the sums of the
 * quarters of an hour in which there were any; null for everybody's, by id.
 */
type Along = (Period & ({ column: Column; value: number } | { column: null })) | null;

const micros = sql`(extract(epoch from ${attempts.attemptedAt}) * 1000000)::bigint`;
const isNumber = (key: unknown): key is number => typeof key === 'number' && Number.isSafeInteger(key);

/** Before this attempt, by microseconds since 1970 and by id. */
type Cursor = { at: number; id: number };

const instantAt = ({ at }: Cursor) => sql`'epoch'::timestamptz + ${at}::bigint * interval '1 microsecond'`;

/** Of the attempts that a page of a search looks through so many at once: for more at once PostgreSQL reads all there are and sorts them. */
const attemptsStep = 1000;

/** Of an address to which thousands of letters went, so many that ended last are looked at for the first page. */
const lettersLatest = 200;
/** No two engines' clocks are thought to differ by more. */
const clocksDifferMicros = 3600 * 1e6;

/** Where a page begins. */
function startOf(after: string | undefined): Cursor | null {
  const [id, at] = decodeCursor(after) ?? [];
  return isNumber(id) && isNumber(at) ? { at, id } : null;
}

/** So many clients with an address are looked at, and so many who had it. */
const clientsMax = 50;

/** Clients who have an address now, or had it when letters went there: the owner's whose attempts are looked through, or anybody's. */
async function clientsAt(address: string, along: Along, on: Db): Promise<number[]> {
  const ofOwner = along?.column === attempts.ownerId ? eq(clients.ownerId, along.value) : undefined;
  const [found, former] = await Promise.all([
    on
      .select({ id: clients.id })
      .from(clients)
      // By the index of searches where no owner is named.
      .where(
        and(ofOwner ?? sql`${clients.search} like ${likePattern(address)}`, eq(clients.emailKey, address)),
      )
      .limit(clientsMax),
    on
      .select({ id: formerAddresses.clientId })
      .from(formerAddresses)
      .where(
        and(
          eq(formerAddresses.address, address),
          along?.column === attempts.ownerId ? eq(formerAddresses.ownerId, along.value) : undefined,
        ),
      )
      .orderBy(desc(formerAddresses.clientId))
      .limit(clientsMax),
  ]);
  return [...found, ...former].map((client) => client.id);
}

/**
 * Ids of the attempts among `scope` that fit, newest first. A whole address is looked for in all of them, by the clients who have it
 * or had it; anything else page by page: looks through the newest `attemptsSearched` before the cursor, a step after the other until the
 * page is full, and asks each one's delivery by its key: no answer costs more than that, however rare what is looked for, and the next page goes
 * on where this one ended. What was not taken has indexes of its own, so that these are not looked for among what was. No index of all
 * attempts is by time: the planner cannot walk everybody's past those of an owner who has long been quiet. `also` narrows down further,
 * on `recent`.
 */
async function searchAttempts(
  scope: SQL,
  along: Along,
  { q, status, kind, after, size = pageSize }: Wanted,
  also: { mailingIds?: number[]; fits?: SQL | undefined },
  on: Db,
): Promise<AttemptPage<number>> {
  const begin = startOf(after);
  // Of the success alone there is no kind.
  const isMiss = kind != null || (status != null && status !== 'success');
  const byKind = along?.column === attempts.ownerId && kind != null;
  const ofEverybody = along !== null && along.column === null;
  const instantOf = (at: Date | null | undefined, open: SQL) =>
    at ? sql`${at.toISOString()}::timestamptz` : open;
  const from = instantOf(along?.from, sql`'-infinity'::timestamptz`);
  const until = instantOf(along?.until, sql`'infinity'::timestamptz`);
  const amongBefore = (cursor: Cursor | null) => {
    // One bound above alone: of two PostgreSQL may begin at the higher, and read all that lies between.
    const isFromCursor = cursor !== null && !(along?.until && along.until.getTime() * 1000 <= cursor.at);
    return and(
      scope,
      // Never both, though the second says the first: PostgreSQL would expect a dozenth of what there is, and read and sort all of it.
      isMiss && !byKind ? sql`${attempts.kind} is not null` : undefined,
      byKind ? sql`${attempts.kind} = ${kind}` : undefined,
      along?.column ? sql`${along.column} = ${along.value}::bigint` : undefined,
      along
        ? sql`${attempts.attemptedAt} >= ${from}`
        : lt(attempts.id, cursor?.id ?? Number.MAX_SAFE_INTEGER),
      along && isFromCursor
        ? sql`(${attempts.attemptedAt}, ${attempts.id}) < (${instantAt(cursor)}, ${cursor.id}::bigint)`
        : undefined,
      along && !isFromCursor ? sql`${attempts.attemptedAt} < ${until}` : undefined,
    );
  };
  // A quarter after the other, in each the mailings that had any then: `offset 0` keeps the planner from reading all attempts to join them.
  const some = isMiss
    ? sql`${runQuarters.failed} + ${runQuarters.unknown} > 0`
    : sql`${runQuarters.succeeded} + ${runQuarters.failed} + ${runQuarters.unknown} > 0`;
  const quarter = sql`interval '15 minutes'`;
  const walkedBefore = (cursor: Cursor | null) =>
    ofEverybody
      ? sql`(
        select distinct ${runQuarters.quarterAt}, ${runQuarters.mailingId} from ${runQuarters}
        where ${runQuarters.quarterAt} > ${from} - ${quarter} and ${runQuarters.quarterAt} < ${until} and ${some}
          ${cursor ? sql`and ${runQuarters.quarterAt} <= ${instantAt(cursor)}` : sql``}
        order by ${runQuarters.quarterAt} desc
      ) quarters cross join lateral (
        select * from ${attempts} where ${amongBefore(cursor)} and ${attempts.mailingId} = quarters.mailing_id
          and ${attempts.attemptedAt} >= quarters.quarter_at and ${attempts.attemptedAt} < quarters.quarter_at + ${quarter} offset 0
      ) ${attempts}`
      : sql`${attempts} where ${amongBefore(cursor)}`;
  const byTime = sql`${attempts.attemptedAt} desc, ${attempts.id} desc`;
  const newest = ofEverybody
    ? sql`quarters.quarter_at desc, ${byTime}`
    : along
      ? byTime
      : sql`${attempts.id} desc`;
  const pattern = likePattern(q);
  const isAsked = and(
    status ? sql`recent.status = ${status}` : undefined,
    // By the index of an owner's kinds there is nothing else, and the page is all that has to be read.
    kind && !byKind ? sql`recent.kind = ${kind}` : undefined,
    also.fits,
  );
  const columns = sql`${attempts.id}, ${micros} as at, ${attempts.attemptedAt}, ${attempts.ownerId} as owner_id, ${attempts.mailingId},
    ${attempts.deliveryId}, ${attempts.status}, ${attempts.kind}, ${attempts.response}`;
  const inOrder = sql`${along ? sql`recent.attempted_at desc,` : sql``} recent.id desc limit ${size + 1}`;
  const pageOf = (rows: { id: string; at: string }[]) => {
    const { items, next } = toPage(
      rows.map((row) => ({ id: Number(row.id), at: Number(row.at) })),
      size,
      (last) => [last.id, last.at],
    );
    return { items: items.map((each) => each.id), next };
  };
  const address = wholeAddress(q);
  const clientIds = address ? await clientsAt(address, along, on) : [];
  if (address && clientIds.length > 0) {
    // What went to an address. Laterally and with `offset 0`, so that it is found by its client.
    const read = (which: SQL) =>
      on.execute<{ id: string; at: string; looked: number; reached: number }>(sql`
      with of_clients as materialized (
        select ${deliveries.id}, coalesce(${deliveries.endedAt}, 'infinity') as ended_at from ${deliveries}
        where ${deliveries.clientId} = any (${sql.param(`{${clientIds}}`)}::bigint[]) and lower(${deliveries.email}) = ${address} ${which}
      )
      select recent.id, recent.at, (select count(*)::int from of_clients) as looked,
        (select extract(epoch from min(ended_at))::float8 * 1000000 from of_clients) as reached
      from of_clients cross join lateral (
        select ${columns} from ${attempts} where ${attempts.deliveryId} = of_clients.id and ${amongBefore(begin)} offset 0
      ) recent ${isAsked ? sql`where ${isAsked}` : sql``} order by ${inOrder}`);
    // The newest are of the letters that ended last: no other was tried after the first of these ended, but for engines' clocks that differ.
    const latest = begin ? [] : await read(sql`order by 2 desc, 1 desc limit ${lettersLatest}`);
    const [newestFound, lastFound] = [latest[0], latest[size]];
    const isWhole =
      newestFound !== undefined &&
      (newestFound.looked < lettersLatest ||
        (lastFound !== undefined && Number(lastFound.at) >= newestFound.reached + clocksDifferMicros));
    const rows = isWhole ? latest : await read(sql``);
    if (rows.length > 0 || begin) return { ...pageOf(rows), searchedTo: null };
  }
  const ofMailings = also.mailingIds?.length
    ? sql`or recent.mailing_id = any (${sql.param(`{${also.mailingIds}}`)}::bigint[])`
    : sql``;
  const fits = and(
    isAsked,
    pattern
      ? sql`(lower(recent.response) like ${pattern} or lower(client.email) like ${pattern} ${ofMailings})`
      : undefined,
  );
  // `limit 1` keeps the planner from reading all deliveries there are to join them with these.
  const client = pattern
    ? sql`cross join lateral (select email from ${deliveries} where ${deliveries.id} = recent.delivery_id limit 1) client`
    : sql``;
  if (!fits) {
    // In the very order of the index, so that it ends with the page.
    const rows = await on.execute<{ id: string; at: string }>(sql`
      select recent.id, recent.at from (
        select ${columns} from ${walkedBefore(begin)} order by ${newest} limit ${size + 1}
      ) recent order by ${inOrder}`);
    return { ...pageOf(rows), searchedTo: null };
  }
  const found: { id: string; at: string }[] = [];
  let reached: Cursor | null = begin;
  for (let searched = 0; searched < attemptsSearched; searched += attemptsStep) {
    const rows = await on.execute<{ id: string; at: string; fits: boolean }>(sql`
      with recent as materialized (
        select ${columns} from ${walkedBefore(reached)} order by ${newest} limit ${attemptsStep}
      )
      (select recent.id, recent.at, true as fits from recent ${client} where ${fits} order by ${inOrder})
      union all
      (select recent.id, recent.at, false from recent order by ${along ? sql`recent.attempted_at desc,` : sql``} recent.id desc
        offset ${attemptsStep - 1} limit 1)`);
    const more = rows.filter((row) => row.fits);
    // Each step is older than the one before; within one nothing says that a union keeps its order.
    more.sort((a, b) => (along ? Number(b.at) - Number(a.at) : 0) || Number(b.id) - Number(a.id));
    found.push(...more);
    const oldest = rows.find((row) => !row.fits);
    if (found.length > size || !oldest) return { ...pageOf(found.slice(0, size + 1)), searchedTo: null };
    reached = { id: Number(oldest.id), at: Number(oldest.at) };
  }
  return reached
    ? {
        items: found.map((row) => Number(row.id)),
        next: encodeCursor([reached.id, reached.at]),
        searchedTo: new Date(Math.floor(reached.at / 1000)),
      }
    : { ...pageOf(found), searchedTo: null };
}

/** Of so many mailings at most, whose name has what is looked for, the attempts are found by it. */
const mailingsNamed = 50;

/**
 * A page of attempts, newest first: the actor's own, or those of one mailing that the actor may read.
 */
export async function listAttempts(
  actor: Actor,
  input: Wanted & Period & { mailingId?: number | null | undefined } = {},
  on: Db = db,
) {
  const { mailingId, from = null, until = null } = input;
  const scope = sql`${and(
    mailingId ? readable(actor, attempts.ownerId) : own(actor, attempts.ownerId),
    mailingId ? eq(attempts.mailingId, mailingId) : undefined,
  )}`;
  const along = mailingId
    ? { column: attempts.mailingId, value: mailingId }
    : { column: attempts.ownerId, value: actor.id };
  const pattern = mailingId ? null : likePattern(input.q);
  const named = pattern
    ? await on
        .select({ id: mailings.id })
        .from(mailings)
        .where(and(own(actor, mailings.ownerId), sql`${mailings.search} like ${pattern}`))
        .orderBy(desc(mailings.id))
        .limit(mailingsNamed)
    : [];
  const { items: ids, ...page } = await searchAttempts(
    scope,
    { ...along, from, until },
    input,
    { mailingIds: named.map((mailing) => mailing.id) },
    on,
  );
  const items = await on
    .select(row)
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .innerJoin(mailings, eq(mailings.id, attempts.mailingId))
    .where(and(inArray(attempts.id, ids), scope))
    .orderBy(desc(attempts.attemptedAt), desc(attempts.id));
  return { ...page, items };
}
export type AttemptRow = Awaited<ReturnType<typeof listAttempts>>['items'][number];

/** The other attempts of the delivery that an attempt is of, newest first, at most `limit`; those the actor may read. */
export async function listOtherAttempts(
  actor: Actor,
  attempt: { id: number; deliveryId: number },
  limit = 50,
  on: Db = db,
): Promise<AttemptRow[]> {
  return on
    .select(row)
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .innerJoin(mailings, eq(mailings.id, attempts.mailingId))
    .where(
      and(
        eq(attempts.deliveryId, attempt.deliveryId),
        ne(attempts.id, attempt.id),
        readable(actor, attempts.ownerId),
      ),
    )
    .orderBy(desc(attempts.attemptedAt), desc(attempts.id))
    .limit(limit);
}

/** Whom a choice of owners means: at most two of them, and the one where it is one alone. */
async function findNamed(owner: string | undefined, on: Db) {
  const alike = ofOwnersAlike(users.id, owner);
  const owners = alike ? await on.select({ id: users.id }).from(users).where(alike).limit(2) : [];
  return { alike, owners, only: owners.length === 1 ? owners[0] : undefined };
}

/**
 * A page of everybody's attempts that the actor may read, newest first, with their owners. An `owner` that names one user alone
 * is looked for among that user's attempts, another among everybody's.
 */
export async function listAllAttempts(
  actor: Actor,
  input: Wanted &
    Period & {
      /** Looked for inside address and name of the owner. */
      owner?: string | undefined;
    } = {},
  on: Db = db,
) {
  const { from = null, until = null } = input;
  const { alike, owners, only } = await findNamed(input.owner, on);
  const scope = sql`${and(readable(actor, attempts.ownerId), only ? eq(attempts.ownerId, only.id) : undefined)}`;
  const { items: ids, ...page } =
    alike && owners.length === 0
      ? { items: [], next: null, searchedTo: null }
      : await searchAttempts(
          readable(actor, attempts.ownerId),
          only
            ? { column: attempts.ownerId, value: only.id, from, until }
            : from || until
              ? { column: null, from, until }
              : null,
          input,
          { fits: only || !alike ? undefined : ofOwnersAlike(sql`recent.owner_id`, input.owner) },
          on,
        );
  const items = await on
    .select({ ...row, ownerEmail: users.email })
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .innerJoin(mailings, eq(mailings.id, attempts.mailingId))
    .innerJoin(users, eq(users.id, attempts.ownerId))
    .where(and(inArray(attempts.id, ids), scope))
    .orderBy(...(only || from || until ? [desc(attempts.attemptedAt)] : []), desc(attempts.id));
  return { ...page, items };
}

type Choice = Pick<Wanted, 'q' | 'status' | 'kind'> & Period;
/** Whose attempts are counted: the actor's own, those of a mailing that the actor may read, or of one owner or everybody who may be read. */
type CountedOf = { mailingId: number } | { ownerId: number | null };

/**
 * How many attempts {@link listAttempts} finds in all, by the sums that are kept of them. Null where these do not tell: of what is searched
 * for, of a kind together with a result or days, and of days that begin within a quarter of an hour. Looks at 10,000 sums at most: of more it is only
 * said that there are more than 10,000 attempts, where these have as many.
 */
export async function countAttempts(
  actor: Actor,
  { mailingId, ...choice }: Choice & { mailingId?: number | null | undefined } = {},
  on: Db = db,
): Promise<BoundedCount | null> {
  return sumAttempts(actor, mailingId ? { mailingId } : { ownerId: actor.id }, choice, on);
}

/** The same of {@link listAllAttempts}; null also where an `owner` names more than one. */
export async function countAllAttempts(
  actor: Actor,
  { owner, ...choice }: Choice & { owner?: string | undefined } = {},
  on: Db = db,
): Promise<BoundedCount | null> {
  const { alike, only } = await findNamed(owner, on);
  return alike && !only ? null : sumAttempts(actor, { ownerId: only?.id ?? null }, choice, on);
}

/** The beginning of a quarter of an hour, or none. */
const isOfQuarter = (at: Date | null | undefined) => !at || at.getTime() % 900_000 === 0;

async function sumAttempts(
  actor: Actor,
  of: CountedOf,
  { q, status, kind, from, until }: Choice,
  on: Db,
): Promise<BoundedCount | null> {
  if (q || !isOfQuarter(from) || !isOfQuarter(until)) return null;
  if (kind && (status || from || until)) return null;
  const whose = (ownerId: Column, mailingId: Column) =>
    'mailingId' in of
      ? sql`${mailingId} = ${of.mailingId} and ${readable(actor, ownerId)}`
      : sql`${readable(actor, ownerId)} and ${of.ownerId === null ? sql`true` : eq(ownerId, of.ownerId)}`;
  const added = (success: Column, failure: Column, unknown: Column) =>
    status ? sql`${{ success, failure, unknown }[status]}` : sql`${success} + ${failure} + ${unknown}`;
  const sums = () => {
    if (kind) {
      const [ofOthers, over] =
        'mailingId' in of
          ? [
              mailingAnswers,
              sql`${mailingAnswers.mailingId} = ${of.mailingId} and ${mailingAnswers.domain} = '' and exists (
                select 1 from ${mailings} where ${mailings.id} = ${of.mailingId} and ${readable(actor, mailings.ownerId)})`,
            ]
          : [
              kindSums,
              // Everybody's stand under 0.
              sql`${kindSums.ownerId} = ${of.ownerId ?? (canManage(actor) ? 0 : actor.id)} and ${
                of.ownerId === null ? sql`true` : readable(actor, kindSums.ownerId)
              }`,
            ];
      // Runs that are over together, those under way one by one.
      return sql`
        select ${ofOthers.attempts} as n from ${ofOthers} where ${over} and ${ofOthers.kind} = ${kind}
        union all
        select ${runAnswers.attempts} from ${runs} join ${runAnswers} on ${runAnswers.runId} = ${runs.id}
        where ${runs.status} = 'open' and ${whose(runs.ownerId, runs.mailingId)}
          and ${runAnswers.domain} = '' and ${runAnswers.kind} = ${kind}`;
    }
    if (!from && !until)
      return sql`
        select ${added(runCounts.attemptsSucceeded, runCounts.attemptsFailed, runCounts.attemptsUnknown)} as n from ${runCounts}
        where ${whose(runCounts.ownerId, runCounts.mailingId)}`;
    return sql`
      select ${added(runQuarters.succeeded, runQuarters.failed, runQuarters.unknown)} as n from ${runQuarters}
      where ${whose(runQuarters.ownerId, runQuarters.mailingId)}
        ${from ? sql`and ${gte(runQuarters.quarterAt, from)}` : sql``} ${until ? sql`and ${lt(runQuarters.quarterAt, until)}` : sql``}`;
  };
  const [summed] = await on.execute<{ value: number; rows: number }>(sql`
    select coalesce(sum(n), 0)::float8 as value, count(*)::int as rows from (${sums()} limit ${countLimit + 1}) sums`);
  if (!summed) return null;
  if (summed.rows <= countLimit) return { value: summed.value, exact: true };
  return summed.value > countLimit ? { value: countLimit, exact: false } : null;
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
      runKind: runs.kind,
      slotAt: runs.slotAt,
      openedAt: runs.openedAt,
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

const exported: Record<(typeof exportColumns)[number], SQL> = {
  attempted_at: sql`to_char(chunk.attempted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  email: sql`delivery.email`,
  status: sql`chunk.status`,
  server_response: sql`chunk.response`,
  run_id: sql`chunk.run_id`,
  delivery_id: sql`chunk.delivery_id`,
};
const exportedCells = sql.join(
  exportColumns.map((column) => exported[column]),
  sql`, `,
);

/** Rows that are read at once; twice as many are held in memory. */
const exportChunk = 2000;
const dialect = new PgDialect();

type ToExport = { mailingId: number; runId?: number | null };

/**
 * The values of one row as PostgreSQL wrote them, neither made into text nor into anything else: a string of a million rows stays in
 * memory until all of it is looked through.
 */
async function readOctets(query: SQL): Promise<(Buffer | null)[] | undefined> {
  const { sql: text, params } = dialect.sqlToQuery(query);
  const [row] = await driver().unsafe(text, params.map(String), { prepare: true }).raw();
  return row;
}

/** What `rows` makes of each chunk of the attempts that are exported, `order` being theirs. */
async function* exportChunks(
  actor: Actor,
  { mailingId, runId }: ToExport,
  rows: (order: SQL) => SQL,
): AsyncGenerator<Buffer, void> {
  // The whole chunk comes as one value: a million rows with a value for each cell are made and cleared away at the cost of all the rest.
  const read = async (from: { at: string; id: string }) => {
    // By the index of each; whose the mailing is is asked apart, else the owner's index might be walked past all other mailings.
    const further = runId
      ? sql`${attempts.runId} = ${runId} and ${attempts.id} > ${from.id}::bigint`
      : sql`(${attempts.attemptedAt}, ${attempts.id}) > (${from.at}::timestamptz, ${from.id}::bigint)`;
    const [order, newest] = runId
      ? [sql`chunk.id`, sql`chunk.id desc`]
      : [sql`chunk.attempted_at, chunk.id`, sql`chunk.attempted_at desc, chunk.id desc`];
    // First the chunk, then each one's delivery: joined at once PostgreSQL starts workers for every chunk, which takes longer than to read it.
    const found = await readOctets(sql`
      with chunk as materialized (
        select ${attempts.id}, ${attempts.attemptedAt}, ${attempts.status}, ${attempts.response}, ${attempts.runId}, ${attempts.deliveryId}
        from ${attempts} where ${attempts.mailingId} = ${mailingId} and ${further}
          and exists (select 1 from ${mailings} where ${mailings.id} = ${mailingId} and ${readable(actor, mailings.ownerId)})
        order by ${runId ? sql`id` : sql`attempted_at, id`} limit ${exportChunk}
      )
      select (
        select ${rows(order)} from chunk
        cross join lateral (select email from ${deliveries} d where d.id = chunk.delivery_id limit 1) delivery
      ) as rows, last.attempted_at::text as at, last.id, (select count(*) from chunk) as length
      from (select chunk.id, chunk.attempted_at from chunk order by ${newest} limit 1) last`);
    if (!found) return null;
    const [octets, at, id, length] = found;
    const isLast = Number(length) < exportChunk;
    // `at` is to the microsecond.
    return { octets: octets ?? Buffer.alloc(0), next: isLast ? null : { at: String(at), id: String(id) } };
  };
  type Chunk = Awaited<ReturnType<typeof read>>;
  let ahead: Promise<Chunk> | null = read({ at: '-infinity', id: '0' });
  try {
    while (ahead) {
      const chunk: Chunk = await ahead;
      // The next chunk is read while this one is taken.
      ahead = chunk?.next ? read(chunk.next) : null;
      // Should it fail, then where it is waited for.
      ahead?.catch(() => {});
      if (chunk) yield chunk.octets;
    }
  } finally {
    // Whoever takes no more leaves no question behind.
    await ahead?.catch(() => {});
  }
}

/**
 * Every attempt of a mailing the actor may read, or of one run of it, oldest first, in chunks so that any number of them takes little
 * memory. Empty for what the actor may not read.
 */
export async function* exportAttempts(
  actor: Actor,
  input: ToExport,
): AsyncGenerator<ExportedAttempt[], void> {
  const fields = sql.join(
    exportColumns.map((column) => sql`${sql.raw(`'${column}'`)}, ${exported[column]}`),
    sql`, `,
  );
  const pieces = exportChunks(
    actor,
    input,
    (order) => sql`json_agg(json_build_object(${fields}) order by ${order})`,
  );
  for await (const piece of pieces) if (piece.length > 0) yield JSON.parse(piece.toString());
}

/** The same as the octets of lines of CSV, each as {@link csvLine} writes it, many in a piece. */
export async function* exportAttemptLines(actor: Actor, input: ToExport): AsyncGenerator<Uint8Array, void> {
  // PostgreSQL writes what is plain. The rest comes as JSON behind a tab, which stands in no plain line, and is made harmless here.
  const plain = sql`${plainCell.source}::text`;
  const pieces = exportChunks(
    actor,
    input,
    (order) => sql`string_agg(
      case when ${exported.email} ~ ${plain} and ${exported.server_response} ~ ${plain} then concat_ws(',', ${exportedCells})
        else e'\\t' || json_build_array(${exportedCells})::text end || e'\\r\\n',
      '' order by ${order})`,
  );
  for await (const piece of pieces) yield withoutTabs(piece);
}

const tab = 9;
const newLine = 10;

/** Lines of CSV in which those behind a tab are JSON, as lines of CSV. */
function withoutTabs(lines: Buffer): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = lines.indexOf(tab); at >= 0; at = lines.indexOf(tab, from)) {
    const end = lines.indexOf(newLine, at) + 1;
    const cells: (string | number)[] = JSON.parse(lines.toString('utf8', at, end));
    parts.push(lines.subarray(from, at), Buffer.from(csvLine(cells)));
    from = end;
  }
  return from === 0 ? lines : Buffer.concat([...parts, lines.subarray(from)]);
}
