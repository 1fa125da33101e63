import { and, asc, desc, eq, gt, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { attempts, clients, deliveries, mailings, runs, suppressions, users } from '@/db/schema';
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
import { ofOwnersAlike } from '@/lib/users/queries';
import type { ClientRow, ClientSort } from './schema';

const row = {
  id: clients.id,
  email: clients.email,
  emailKey: clients.emailKey,
  fullName: clients.fullName,
  comment: clients.comment,
  createdAt: clients.createdAt,
  suppressedReason: suppressions.reason,
  suppressedAt: suppressions.createdAt,
};
const suppressed = and(
  eq(suppressions.ownerId, clients.ownerId),
  eq(suppressions.emailKey, clients.emailKey),
);

/** A condition for clients of the actor whose address or name contains `q`; all of the actor's when it is empty. */
export function foundClients(actor: Actor, q: string | undefined): SQL {
  const pattern = likePattern(q?.replaceAll('\0', ''));
  const mine = own(actor, clients.ownerId);
  return pattern ? sql`(${mine} and ${clients.search} like ${pattern})` : mine;
}

/**
 * A page of the actor's own clients, with the suppression of each. `q` is looked for inside address and name, letter by letter.
 * Rows that stay are seen once however many come or go while paging.
 */
export async function listClients(
  actor: Actor,
  input: {
    q?: string | undefined;
    sort?: ClientSort | undefined;
    after?: string | undefined;
    size?: number;
  } = {},
  on: Db = db,
): Promise<Page<ClientRow>> {
  const { sort = 'newest', size = pageSize } = input;
  const [key, id] =
    decodeCursor(input.after)?.map((part) =>
      part === null || String(part).includes('\0') ? undefined : part,
    ) ?? [];
  let from: SQL | undefined;
  let order: SQL[];
  switch (sort) {
    case 'newest':
      order = [desc(clients.id)];
      if (typeof key === 'number' && Number.isSafeInteger(key)) from = lt(clients.id, key);
      break;
    case 'name':
      order = [asc(clients.fullName), asc(clients.id)];
      if (typeof key === 'string' && typeof id === 'number' && Number.isSafeInteger(id))
        from = sql`(${clients.fullName}, ${clients.id}) > (${key}, ${id})`;
      break;
    case 'email':
      order = [asc(clients.emailKey)];
      if (typeof key === 'string') from = gt(clients.emailKey, key);
      break;
  }
  const rows = await on
    .select(row)
    .from(clients)
    .leftJoin(suppressions, suppressed)
    .where(and(foundClients(actor, input.q), from))
    .orderBy(...order)
    .limit(size + 1);
  const page = toPage(rows, size, (last) =>
    sort === 'newest' ? [last.id] : sort === 'name' ? [last.fullName, last.id] : [last.emailKey],
  );
  return {
    next: page.next,
    items: page.items.map(({ emailKey: _, suppressedReason: reason, suppressedAt: at, ...client }) => ({
      ...client,
      suppression: reason && at ? { reason, at } : null,
    })),
  };
}

/** A page of everybody's clients that the actor may read, newest first, with their owners. */
export async function listAllClients(
  actor: Actor,
  input: {
    q?: string | undefined;
    /** Looked for inside address and name of the owner. */
    owner?: string | undefined;
    after?: string | undefined;
    size?: number;
  } = {},
  on: Db = db,
) {
  const { size = pageSize } = input;
  const pattern = likePattern(input.q?.replaceAll('\0', ''));
  const [before] = decodeCursor(input.after) ?? [];
  const rows = await on
    .select({ ...row, ownerEmail: users.email })
    .from(clients)
    .innerJoin(users, eq(users.id, clients.ownerId))
    .leftJoin(suppressions, suppressed)
    .where(
      and(
        readable(actor, clients.ownerId),
        ofOwnersAlike(clients.ownerId, input.owner),
        pattern ? sql`${clients.search} like ${pattern}` : undefined,
        typeof before === 'number' && Number.isSafeInteger(before) ? lt(clients.id, before) : undefined,
      ),
    )
    .orderBy(desc(clients.id))
    .limit(size + 1);
  const page = toPage(rows, size, (last) => [last.id]);
  return {
    next: page.next,
    items: page.items.map(({ emailKey: _, suppressedReason: reason, suppressedAt: at, ...client }) => ({
      ...client,
      suppression: reason && at ? { reason, at } : null,
    })),
  };
}

/** Whether the actor has a client of their own. */
export async function hasClients(actor: Actor, on: Db = db): Promise<boolean> {
  const [one] = await on.select({ id: clients.id }).from(clients).where(own(actor, clients.ownerId)).limit(1);
  return one !== undefined;
}

/** How many of the actor's own clients `q` finds, counted no further than 10,000. */
export async function countClients(
  actor: Actor,
  input: { q?: string | undefined } = {},
  on: Db = db,
): Promise<BoundedCount> {
  const some = on
    .select({ one: sql`1`.as('one') })
    .from(clients)
    .where(foundClients(actor, input.q))
    .limit(countLimit + 1)
    .as('some');
  const [counted] = await on.select({ value: sql<number>`count(*)::int` }).from(some);
  const value = counted?.value ?? 0;
  return { value: Math.min(value, countLimit), exact: value <= countLimit };
}

/** A client that the actor may read, with its owner and its suppression; null when there is none. */
export async function findClient(actor: Actor, id: number, on: Db = db) {
  if (!Number.isSafeInteger(id)) return null;
  const [found] = await on
    .select({
      ...row,
      ownerId: clients.ownerId,
      ownerName: users.name,
      ownerEmail: users.email,
      updatedAt: clients.updatedAt,
      suppressedBy: { mailingId: mailings.id, mailingName: mailings.name, runId: runs.id },
    })
    .from(clients)
    .innerJoin(users, eq(users.id, clients.ownerId))
    .leftJoin(suppressions, suppressed)
    .leftJoin(deliveries, eq(deliveries.id, suppressions.deliveryId))
    .leftJoin(runs, and(eq(runs.id, deliveries.runId), eq(runs.ownerId, clients.ownerId)))
    .leftJoin(mailings, eq(mailings.id, runs.mailingId))
    .where(and(eq(clients.id, id), readable(actor, clients.ownerId)));
  if (!found) return null;
  const { suppressedReason: reason, suppressedAt: at, suppressedBy, ...client } = found;
  const { mailingId, mailingName, runId } = suppressedBy;
  return {
    ...client,
    suppression:
      reason && at
        ? {
            reason,
            at,
            by: mailingId && mailingName && runId ? { mailingId, mailingName, runId } : null,
          }
        : null,
  };
}
export type Client = NonNullable<Awaited<ReturnType<typeof findClient>>>;

/** The latest deliveries made for a client, newest first, each with its mailing and the answer to its last attempt. */
export async function listClientDeliveries(actor: Actor, clientId: number, limit = 20, on: Db = db) {
  const last = on
    .select({
      attemptId: attempts.id,
      attemptedAt: attempts.attemptedAt,
      code: attempts.code,
      response: attempts.response,
      stage: attempts.stage,
      kind: attempts.kind,
    })
    .from(attempts)
    .where(eq(attempts.deliveryId, deliveries.id))
    .orderBy(desc(attempts.id))
    .limit(1)
    .as('last');
  return on
    .select({
      id: deliveries.id,
      runId: deliveries.runId,
      email: deliveries.email,
      status: deliveries.status,
      reason: deliveries.reason,
      openedAt: runs.openedAt,
      mailingId: mailings.id,
      mailingName: mailings.name,
      attemptId: last.attemptId,
      attemptedAt: last.attemptedAt,
      code: last.code,
      response: last.response,
      stage: last.stage,
      kind: last.kind,
    })
    .from(deliveries)
    .innerJoin(runs, eq(runs.id, deliveries.runId))
    .innerJoin(mailings, eq(mailings.id, runs.mailingId))
    .leftJoinLateral(last, sql`true`)
    .where(and(eq(deliveries.clientId, clientId), readable(actor, runs.ownerId)))
    .orderBy(desc(deliveries.id))
    .limit(limit);
}
export type ClientDelivery = Awaited<ReturnType<typeof listClientDeliveries>>[number];

/** The client whose eyes a letter is previewed with: the one named, when it is the actor's own; null otherwise. */
export async function findOwnClient(
  actor: Actor,
  id: number,
  on: Db = db,
): Promise<{ email: string; fullName: string } | null> {
  if (!Number.isSafeInteger(id)) return null;
  const [found] = await on
    .select({ email: clients.email, fullName: clients.fullName })
    .from(clients)
    .where(and(eq(clients.id, id), own(actor, clients.ownerId)));
  return found ?? null;
}

/** Those of the ids that are the actor's own clients, at most 1,000: what a deletion of the chosen ones would take. */
export async function listChosenClients(
  actor: Actor,
  ids: number[],
  on: Db = db,
): Promise<{ id: number; email: string; fullName: string }[]> {
  const asked = ids.filter((id) => Number.isSafeInteger(id)).slice(0, 1000);
  if (asked.length === 0) return [];
  return on
    .select({ id: clients.id, email: clients.email, fullName: clients.fullName })
    .from(clients)
    .where(and(own(actor, clients.ownerId), inArray(clients.id, asked)))
    .orderBy(desc(clients.id));
}
