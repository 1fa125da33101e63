import { and, desc, eq, gte, lt, or, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { audit, clients, mailings, messages, posts, users } from '@/db/schema';
import type { FieldErrors } from '@/lib/errors';
import { decodeCursor, likePattern, pageSize, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { managed } from '@/lib/policy/scopes';
import { readPeriod } from '@/lib/recurrence/days';
import { type AuditAction, asAuditAction, type auditColumns } from './schema';

export type AuditFilter = {
  /** Looked for inside who did it, to whom or what, and why. */
  q?: string | undefined;
  /** Looked for inside the address of who did it. */
  who?: string | undefined;
  /** Looked for inside how the target was called. */
  whom?: string | undefined;
  action?: AuditAction | null | undefined;
  /** What this user did, and what was done to them. */
  userId?: number | null | undefined;
  /** Not before this instant. */
  from?: Date | null | undefined;
  /** Before this instant. */
  until?: Date | null | undefined;
};

/** What the address of the log asks for, as it was typed. */
export type AuditAsked = Record<'q' | 'who' | 'whom' | 'action' | 'user' | 'from' | 'to', string>;

/**
 * Reads the filters of the log from an address. `from` and `to` are days of `zone`, both with all their hours. Field codes:
 * `invalid_date`, and `to_before_from` at `to`; the filter is then null, since another range than the one asked for would mislead.
 */
export function readAuditFilter(
  params: Record<string, string | string[] | undefined>,
  zone: string,
): { asked: AuditAsked; filter: AuditFilter | null; errors: FieldErrors } {
  const text = (name: string) => {
    const value = params[name];
    return typeof value === 'string' ? value.trim().slice(0, 200) : '';
  };
  const asked = {
    q: text('q'),
    who: text('who'),
    whom: text('whom'),
    action: asAuditAction(params.action) ?? '',
    user: /^\d{1,15}$/.test(text('user')) ? text('user') : '',
    from: text('from'),
    to: text('to'),
  };
  const { from, until, errors } = readPeriod(asked, zone);
  const { q, who, whom, action, user } = asked;
  const filter = {
    q,
    who,
    whom,
    action: asAuditAction(action),
    userId: user ? Number(user) : null,
    from,
    until,
  };
  return { asked, filter: Object.keys(errors).length > 0 ? null : filter, errors };
}

/** Has what an entry is about a page? Somebody who is gone has none. */
const isThere = sql<boolean>`case ${audit.targetType}
  when 'user' then exists (select 1 from ${users} u where u.id = ${audit.targetId})
  when 'mailing' then exists (select 1 from ${mailings} m where m.id = ${audit.targetId})
  when 'client' then exists (select 1 from ${clients} c where c.id = ${audit.targetId})
  when 'message' then exists (select 1 from ${messages} m where m.id = ${audit.targetId})
  when 'post' then exists (select 1 from ${posts} p where p.id = ${audit.targetId})
  else false end`;
const isActorThere = sql<boolean>`exists (select 1 from ${users} u where u.id = ${audit.actorId})`;

/** The fields of one side that differ from the other, each cut at 300 characters: a body may be 200 kB. */
const differing = (one: typeof audit.before | typeof audit.after, other: typeof one) =>
  sql<Record<string, string | null> | null>`case when jsonb_typeof(${one}) = 'object' then (
    select jsonb_object_agg(field.key, left(field.value #>> '{}', 300)) from jsonb_each(${one}) field
    where jsonb_typeof(${other}) is distinct from 'object' or ${other} -> field.key is distinct from field.value) end`;

function found(actor: Actor, { q, who, whom, action, userId, from, until }: AuditFilter): SQL | undefined {
  const [any, by, of] = [q, who, whom].map((term) => likePattern(term?.replaceAll('\0', '')));
  return and(
    managed(actor),
    any ? sql`${audit.search} like ${any}` : undefined,
    // The searched text holds both, so that its index finds either.
    by ? sql`${audit.search} like ${by} and lower(${audit.actorEmail}) like ${by}` : undefined,
    of ? sql`${audit.search} like ${of} and lower(${audit.targetName}) like ${of}` : undefined,
    action ? eq(audit.action, action) : undefined,
    userId
      ? or(eq(audit.actorId, userId), and(eq(audit.targetType, 'user'), eq(audit.targetId, userId)))
      : undefined,
    from ? gte(audit.createdAt, from) : undefined,
    until ? lt(audit.createdAt, until) : undefined,
  );
}

/** Entries older than the one with this id, in the order of the log. */
function olderThan(id: number): SQL {
  return sql`(${audit.createdAt}, ${audit.id}) < (select e.created_at, e.id from ${audit} e where e.id = ${id})`;
}
const newestFirst = [desc(audit.createdAt), desc(audit.id)];

/** A page of the audit log, newest first, each entry with the fields that changed; empty for who is no manager. */
export async function listAudit(
  actor: Actor,
  input: AuditFilter & { after?: string | undefined; size?: number } = {},
  on: Db = db,
) {
  const { size = pageSize } = input;
  const [id] = decodeCursor(input.after) ?? [];
  const rows = await on
    .select({
      id: audit.id,
      createdAt: audit.createdAt,
      actorId: audit.actorId,
      actorEmail: audit.actorEmail,
      action: audit.action,
      targetType: audit.targetType,
      targetId: audit.targetId,
      target: audit.targetName,
      isThere,
      isActorThere,
      reason: audit.reason,
      before: differing(audit.before, audit.after),
      after: differing(audit.after, audit.before),
    })
    .from(audit)
    .where(
      and(
        found(actor, input),
        typeof id === 'number' && Number.isSafeInteger(id) ? olderThan(id) : undefined,
      ),
    )
    .orderBy(...newestFirst)
    .limit(size + 1);
  return toPage(rows, size, (last) => [last.id]);
}
export type AuditRow = Awaited<ReturnType<typeof listAudit>>['items'][number];

/** Rows held in memory at once, and what is kept of one side of one: a cell of a spreadsheet takes 32,767 characters. */
const exportChunk = 200;
const cellMax = 30_000;

/** Every entry that is found, newest first, in chunks for the export; none for who is no manager. */
export async function* exportAudit(
  actor: Actor,
  input: AuditFilter = {},
  on: Db = db,
): AsyncGenerator<Record<(typeof auditColumns)[number], string>[], void> {
  let before: number | null = null;
  for (;;) {
    const rows: { id: number; createdAt: Date; cells: Record<string, string> }[] = await on
      .select({
        id: audit.id,
        createdAt: audit.createdAt,
        cells: sql<Record<string, string>>`jsonb_build_object(
          'who', ${audit.actorEmail}, 'action', ${audit.action}, 'target_type', ${audit.targetType},
          'target_id', coalesce(${audit.targetId}::text, ''), 'target', ${audit.targetName}, 'reason', ${audit.reason},
          'before', left(coalesce(${audit.before}::text, ''), ${cellMax}::int),
          'after', left(coalesce(${audit.after}::text, ''), ${cellMax}::int))`,
      })
      .from(audit)
      .where(and(found(actor, input), before === null ? undefined : olderThan(before)))
      .orderBy(...newestFirst)
      .limit(exportChunk);
    yield rows.map(({ createdAt, cells }) => ({
      at: createdAt.toISOString(),
      who: cells.who ?? '',
      action: cells.action ?? '',
      target_type: cells.target_type ?? '',
      target_id: cells.target_id ?? '',
      target: cells.target ?? '',
      reason: cells.reason ?? '',
      before: cells.before ?? '',
      after: cells.after ?? '',
    }));
    const last = rows.at(-1);
    if (!last || rows.length < exportChunk) return;
    before = last.id;
  }
}
