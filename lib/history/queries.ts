import { type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { MailingEventKind } from '@/db/enums';
import {
  audit,
  type EventDetail,
  mailingEventRuns,
  mailingEvents,
  mailings,
  runCounts,
  runs,
  users,
} from '@/db/schema';
import { decodeCursor, type Page, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { readable } from '@/lib/policy/scopes';

/** `opened` and `ended` happen to a run by themselves; `blocked` and `unblocked` to the owner. */
export type HistoryKind = MailingEventKind | 'created' | 'opened' | 'ended' | 'blocked' | 'unblocked';

export type HistoryLine = {
  key: string;
  at: Date;
  kind: HistoryKind;
  /** `unknown`: it was done before a history was kept. A name stands beside `owner`, and beside `staff` unless the account is gone. */
  who: 'you' | 'owner' | 'staff' | 'command_line' | 'itself' | 'unknown';
  name: string;
  /** The run that was started or finished, in the history of a mailing. */
  runId: number | null;
  detail: EventDetail;
  reason: string;
};

type Row = {
  at_us: string;
  rank: number;
  id: string;
  kind: HistoryKind;
  who: 'actor' | 'command_line' | 'itself' | 'unknown';
  actor_id: string | null;
  name: string | null;
  owner_id: string;
  run_id: string | null;
  detail: EventDetail;
  reason: string;
};

const historySize = 20;
/** The keys of a cursor: microseconds since 1970, what it is, and which. At one instant a run opens first and ends last. */
export const historyKeys = ['number', 'number', 'number'] as const;

/** Where a list goes on: `beyond` for lines of one kind, in the order of the list. */
function cut(after: string | undefined, comparison: '<' | '>') {
  const [us, rank, id] = decodeCursor(after) ?? [];
  const isOurs = [us, rank, id].every(Number.isSafeInteger);
  return (at: SQL, ownRank: number, ownId: SQL): SQL =>
    isOurs
      ? sql`(${at}, ${sql.raw(String(ownRank))}, ${ownId}) ${sql.raw(comparison)} (timestamptz 'epoch' + ${us}::float8 * interval '1 microsecond', ${rank}::bigint, ${id}::bigint)`
      : sql`true`;
}

const nothing = sql`'{}'::jsonb`;

/** The owner's blocks, as the audit log has them; the owner is `owner_id` of `source`. */
const blocksOf = (source: SQL, where: SQL) => sql`
  select ${audit.createdAt} as at, 1 as rank, ${audit.id} as id,
    case ${audit.action} when 'block_user' then 'blocked' else 'unblocked' end as kind,
    case when ${audit.actorId} is null then 'command_line' else 'actor' end as who, ${audit.actorId} as actor_id,
    ${users.name} as name, source.owner_id, null::bigint as run_id, ${nothing} as detail, ${audit.reason} as reason
  from ${source} source
  join ${audit} on ${audit.targetType} = 'user' and ${audit.targetId} = source.owner_id
    and ${audit.action} in ('block_user', 'unblock_user')
  left join ${users} on ${users.id} = ${audit.actorId}
  where ${where}`;

const eventFields = sql`${mailingEvents.at} as at, 1 as rank, ${mailingEvents.id} as id, ${mailingEvents.kind}::text as kind,
  'actor' as who, ${mailingEvents.actorId} as actor_id, ${mailingEvents.actorName} as name`;

/**
 * What became of a mailing, newest first, or of one run of it, from its beginning on: who did what, when, and why. Runs that open and
 * end by themselves are told of a run only, since a mailing has a list of them. Empty for who may not read it.
 */
export async function listHistory(
  actor: Actor,
  input: { mailingId: number; runId?: number | undefined; after?: string | undefined; size?: number },
  on: Db = db,
): Promise<Page<HistoryLine>> {
  const { mailingId, runId, after, size = historySize } = input;
  const ofRun = runId !== undefined;
  const mine = readable(actor, mailings.ownerId);
  const lines = ofRun
    ? linesOfRun(mailingId, runId, mine, cut(after, '>'))
    : linesOfMailing(mailingId, mine, cut(after, '<'), size + 1);
  const order = sql.raw(ofRun ? 'asc' : 'desc');
  const rows = await on.execute<Row>(sql`
    select (extract(epoch from at) * 1000000)::bigint as at_us, lines.* from (${lines}) lines
    order by at ${order}, rank ${order}, id ${order} limit ${size + 1}`);
  const page = toPage([...rows], size, (row) => [Number(row.at_us), row.rank, Number(row.id)]);
  return { ...page, items: page.items.map((row) => lineOf(actor, row)) };
}

function linesOfMailing(mailingId: number, mine: SQL, beyond: ReturnType<typeof cut>, limit: number): SQL {
  const of = sql`${mailings.id} = ${mailingId} and ${mine}`;
  return sql`
    (select ${eventFields}, ${mailings.ownerId},
      case when ${mailingEvents.kind} in ('started', 'finished') then (
        select min(${mailingEventRuns.runId}) from ${mailingEventRuns} where ${mailingEventRuns.eventId} = ${mailingEvents.id}) end as run_id,
      ${mailingEvents.detail}, ${mailingEvents.reason}
    from ${mailings} join ${mailingEvents} on ${mailingEvents.mailingId} = ${mailings.id}
    where ${of} and ${beyond(sql`${mailingEvents.at}`, 1, sql`${mailingEvents.id}`)}
    order by ${mailingEvents.at} desc, ${mailingEvents.id} desc limit ${limit})
    union all
    (select ${mailings.createdAt}, 0, ${mailings.id}, 'created', 'actor', ${mailings.ownerId}, ${users.name}, ${mailings.ownerId},
      null, ${nothing}, ''
    from ${mailings} join ${users} on ${users.id} = ${mailings.ownerId}
    where ${of} and ${beyond(sql`${mailings.createdAt}`, 0, sql`${mailings.id}`)})
    union all
    (${blocksOf(
      sql`(select ${mailings.ownerId} as owner_id, ${mailings.createdAt} as since,
        case when ${mailings.status} = 'completed' then (
          select ${runs.closedAt} from ${runs} where ${runs.mailingId} = ${mailings.id} order by ${runs.id} desc limit 1) end as over_at
        from ${mailings} where ${of})`,
      // What is over is held by nothing any more.
      sql`${audit.createdAt} between source.since and coalesce(source.over_at, 'infinity')
        and ${beyond(sql`${audit.createdAt}`, 1, sql`${audit.id}`)}`,
    )}
    order by 1 desc, 3 desc limit ${limit})`;
}

function linesOfRun(mailingId: number, runId: number, mine: SQL, beyond: ReturnType<typeof cut>): SQL {
  const of = sql`(select ${runs.id}, ${runs.ownerId}, ${runs.kind}, ${runs.openedAt}, ${runs.stoppedAt}, ${runs.closedAt},
      ${runs.status}, ${runCounts.total}
    from ${runs} join ${mailings} on ${mailings.id} = ${runs.mailingId} join ${runCounts} on ${runCounts.runId} = ${runs.id}
    where ${runs.id} = ${runId} and ${runs.mailingId} = ${mailingId} and ${runs.status} <> 'missed' and ${mine})`;
  const events = sql`join ${mailingEventRuns} on ${mailingEventRuns.runId} = source.id
    join ${mailingEvents} on ${mailingEvents.id} = ${mailingEventRuns.eventId}`;
  const endedAt = sql`(timestamptz 'epoch' + (${mailingEvents.detail} ->> 'endedAtMs')::float8 * interval '1 millisecond')`;
  const isTold = (told: SQL) =>
    sql`exists (select 1 from ${mailingEventRuns} join ${mailingEvents} on ${mailingEvents.id} = ${mailingEventRuns.eventId}
      where ${mailingEventRuns.runId} = source.id and ${told})`;
  const byItself = sql`null::bigint as actor_id, null as name, source.owner_id, null::bigint as run_id`;
  return sql`
    select ${eventFields}, source.owner_id, null::bigint as run_id, ${mailingEvents.detail}, ${mailingEvents.reason}
    from ${of} source ${events}
    where ${beyond(sql`${mailingEvents.at}`, 1, sql`${mailingEvents.id}`)}
    union all
    select source.opened_at, 0, source.id, case source.kind when 'scheduled' then 'opened' else 'started' end,
      case source.kind when 'scheduled' then 'itself' else 'unknown' end, ${byItself},
      jsonb_build_object('letters', source.total), ''
    from ${of} source
    where (source.kind = 'scheduled' or not ${isTold(sql`${mailingEvents.kind} = 'started'`)})
      and ${beyond(sql`source.opened_at`, 0, sql`source.id`)}
    union all
    select ${endedAt}, 9, ${mailingEvents.id}, 'ended', 'itself', ${byItself},
      jsonb_build_object('endedAs', ${mailingEvents.detail} -> 'endedAs'), ''
    from ${of} source ${events}
    where ${mailingEvents.kind} = 'finished' and ${mailingEvents.detail} ? 'endedAtMs' and ${beyond(endedAt, 9, sql`${mailingEvents.id}`)}
    union all
    select source.stopped_at, 1, 0, 'stopped', 'unknown', ${byItself}, ${nothing}, ''
    from ${of} source
    where source.stopped_at is not null and ${beyond(sql`source.stopped_at`, 1, sql`0::bigint`)}
      and not ${isTold(sql`${mailingEvents.kind} = 'stopped' and ${mailingEvents.at} = source.stopped_at`)}
    union all
    select source.closed_at, 9, source.id, 'ended', 'itself', ${byItself}, jsonb_build_object('endedAs', source.status), ''
    from ${of} source where source.closed_at is not null and ${beyond(sql`source.closed_at`, 9, sql`source.id`)}
    union all
    ${blocksOf(
      of,
      sql`${audit.createdAt} between source.opened_at and coalesce(source.closed_at, 'infinity')
        and ${beyond(sql`${audit.createdAt}`, 1, sql`${audit.id}`)}`,
    )}`;
}

function lineOf(actor: Actor, row: Row): HistoryLine {
  const by = row.actor_id === null ? null : Number(row.actor_id);
  const person = by === actor.id ? 'you' : by === Number(row.owner_id) ? 'owner' : 'staff';
  return {
    key: `${row.kind} ${row.at_us}`,
    at: new Date(Number(row.at_us) / 1000),
    kind: row.kind,
    who: row.who === 'actor' ? person : row.who,
    name: row.name ?? '',
    runId: row.run_id === null ? null : Number(row.run_id),
    detail: row.detail,
    reason: row.reason,
  };
}
