import { and, desc, eq, lt, or, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { audit, clients, mailings, messages, posts, users } from '@/db/schema';
import { decodeCursor, likePattern, pageSize, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { managed } from '@/lib/policy/scopes';
import type { AuditAction, auditColumns } from './schema';

export type AuditFilter = {
  q?: string | undefined;
  action?: AuditAction | null | undefined;
  /** What this user did, and what was done to them. */
  userId?: number | null | undefined;
};

/** What an entry is about, as it is called now; null when it is gone. */
const targetNow = sql<string | null>`case ${audit.targetType}
  when 'user' then (select u.email from ${users} u where u.id = ${audit.targetId})
  when 'mailing' then (select m.name from ${mailings} m where m.id = ${audit.targetId})
  when 'client' then (select c.email from ${clients} c where c.id = ${audit.targetId})
  when 'message' then (select m.subject from ${messages} m where m.id = ${audit.targetId})
  when 'post' then (select coalesce(nullif(p.title, ''), p.slug) from ${posts} p where p.id = ${audit.targetId})
end`;

/** The same, else as it was called when it was changed; null when nobody can tell. */
const target = sql<string | null>`coalesce(${targetNow},
  ${audit.before} ->> 'name', ${audit.before} ->> 'email', ${audit.before} ->> 'subject', ${audit.before} ->> 'title')`;

/** The fields of one side that differ from the other, each cut at 300 characters: a body may be 200 kB. */
const differing = (one: typeof audit.before | typeof audit.after, other: typeof one) =>
  sql<Record<string, string | null> | null>`case when jsonb_typeof(${one}) = 'object' then (
    select jsonb_object_agg(field.key, left(field.value #>> '{}', 300)) from jsonb_each(${one}) field
    where jsonb_typeof(${other}) is distinct from 'object' or ${other} -> field.key is distinct from field.value) end`;

function found(actor: Actor, { q, action, userId }: AuditFilter): SQL | undefined {
  const pattern = likePattern(q?.replaceAll('\0', ''));
  return and(
    managed(actor),
    pattern
      ? sql`lower(concat_ws(' ', ${audit.actorEmail}, ${audit.reason}, ${target})) like ${pattern}`
      : undefined,
    action ? eq(audit.action, action) : undefined,
    userId
      ? or(eq(audit.actorId, userId), and(eq(audit.targetType, 'user'), eq(audit.targetId, userId)))
      : undefined,
  );
}

/**
 * A page of the audit log, newest first, each entry with the fields that changed; empty for who is no manager. `q` is looked for
 * inside who did it, to whom or what, and why.
 */
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
      target,
      isThere: sql<boolean>`${targetNow} is not null`,
      reason: audit.reason,
      before: differing(audit.before, audit.after),
      after: differing(audit.after, audit.before),
    })
    .from(audit)
    .where(
      and(
        found(actor, input),
        typeof id === 'number' && Number.isSafeInteger(id) ? lt(audit.id, id) : undefined,
      ),
    )
    .orderBy(desc(audit.id))
    .limit(size + 1);
  return toPage(rows, size, (last) => [last.id]);
}
export type AuditRow = Awaited<ReturnType<typeof listAudit>>['items'][number];

/** Rows held in memory at once, and what is kept of one side of one: a cell of a spreadsheet takes 32,767 characters. */
const exportChunk = 200;
const cellMax = 30_000;

/** Every entry that is found, newest first, for the export; none for who is no manager. */
export async function* exportAudit(
  actor: Actor,
  input: AuditFilter = {},
  on: Db = db,
): AsyncGenerator<Record<(typeof auditColumns)[number], string>> {
  let before: number | null = null;
  for (;;) {
    const rows: { id: number; createdAt: Date; cells: Record<string, string> }[] = await on
      .select({
        id: audit.id,
        createdAt: audit.createdAt,
        cells: sql<Record<string, string>>`jsonb_build_object(
          'who', ${audit.actorEmail}, 'action', ${audit.action}, 'target_type', ${audit.targetType},
          'target_id', coalesce(${audit.targetId}::text, ''), 'target', coalesce(${target}, ''), 'reason', ${audit.reason},
          'before', left(coalesce(${audit.before}::text, ''), ${cellMax}::int),
          'after', left(coalesce(${audit.after}::text, ''), ${cellMax}::int))`,
      })
      .from(audit)
      .where(and(found(actor, input), before === null ? undefined : lt(audit.id, before)))
      .orderBy(desc(audit.id))
      .limit(exportChunk);
    for (const { createdAt, cells } of rows)
      yield {
        at: createdAt.toISOString(),
        who: cells.who ?? '',
        action: cells.action ?? '',
        target_type: cells.target_type ?? '',
        target_id: cells.target_id ?? '',
        target: cells.target ?? '',
        reason: cells.reason ?? '',
        before: cells.before ?? '',
        after: cells.after ?? '',
      };
    const last = rows.at(-1);
    if (!last || rows.length < exportChunk) return;
    before = last.id;
  }
}
