import { and, asc, desc, eq, gt, lt, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { AttemptStatus } from '@/db/enums';
import { attempts, deliveries, mailings, runs, users } from '@/db/schema';
import { decodeCursor, likePattern, pageSize, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { own, readable } from '@/lib/policy/scopes';
import { ofOwnersAlike } from '@/lib/users/queries';

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

/**
 * A page of attempts, newest first. Of one mailing, run or delivery: those the actor may read; else the actor's own.
 */
export async function listAttempts(
  actor: Actor,
  input: {
    mailingId?: number | null | undefined;
    runId?: number | null | undefined;
    deliveryId?: number | null | undefined;
    status?: AttemptStatus | null | undefined;
    after?: string | undefined;
    size?: number;
  } = {},
  on: Db = db,
) {
  const { mailingId, runId, deliveryId, size = pageSize } = input;
  const [id] = decodeCursor(input.after) ?? [];
  const before = typeof id === 'number' && Number.isSafeInteger(id) ? id : null;
  const rows = await on
    .select(row)
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .innerJoin(mailings, eq(mailings.id, attempts.mailingId))
    .where(
      and(
        mailingId || runId || deliveryId ? readable(actor, attempts.ownerId) : own(actor, attempts.ownerId),
        mailingId ? eq(attempts.mailingId, mailingId) : undefined,
        runId ? eq(attempts.runId, runId) : undefined,
        deliveryId ? eq(attempts.deliveryId, deliveryId) : undefined,
        input.status ? eq(attempts.status, input.status) : undefined,
        before === null ? undefined : lt(attempts.id, before),
      ),
    )
    .orderBy(desc(attempts.id))
    .limit(size + 1);
  return toPage(rows, size, (last) => [last.id]);
}
export type AttemptRow = Awaited<ReturnType<typeof listAttempts>>['items'][number];

/** A page of everybody's attempts that the actor may read, newest first, with their owners. `q` is looked for inside the client's address. */
export async function listAllAttempts(
  actor: Actor,
  input: {
    q?: string | undefined;
    /** Looked for inside address and name of the owner. */
    owner?: string | undefined;
    status?: AttemptStatus | null | undefined;
    after?: string | undefined;
    size?: number;
  } = {},
  on: Db = db,
) {
  const { size = pageSize } = input;
  const pattern = likePattern(input.q?.replaceAll('\0', ''));
  const [id] = decodeCursor(input.after) ?? [];
  const rows = await on
    .select({ ...row, ownerEmail: users.email })
    .from(attempts)
    .innerJoin(deliveries, eq(deliveries.id, attempts.deliveryId))
    .innerJoin(mailings, eq(mailings.id, attempts.mailingId))
    .innerJoin(users, eq(users.id, attempts.ownerId))
    .where(
      and(
        readable(actor, attempts.ownerId),
        ofOwnersAlike(attempts.ownerId, input.owner),
        pattern ? sql`lower(${deliveries.email}) like ${pattern}` : undefined,
        input.status ? eq(attempts.status, input.status) : undefined,
        typeof id === 'number' && Number.isSafeInteger(id) ? lt(attempts.id, id) : undefined,
      ),
    )
    .orderBy(desc(attempts.id))
    .limit(size + 1);
  return toPage(rows, size, (last) => [last.id]);
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
