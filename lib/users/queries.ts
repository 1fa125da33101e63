import {
  and,
  asc,
  type Column,
  count,
  desc,
  eq,
  gt,
  inArray,
  isNotNull,
  isNull,
  lt,
  ne,
  type SQL,
  sql,
} from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { type Db, db } from '@/db/client';
import { clients, mailings, messages, runCounts, runs, runTallies, users } from '@/db/schema';
import { addressKey, parseAddress } from '@/lib/email/address';
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
import { managed } from '@/lib/policy/scopes';
import type { UserRole, UserSort, UserState } from './schema';

export type UserRow = typeof users.$inferSelect;

/** The user as the one who acts. The row has to be fresh: roles and blocks change. */
export function actorOf(user: UserRow): Actor {
  const { id, email, name, isStaff, isSuperuser, timeZone, locale } = user;
  return { id, email, name, isStaff, isSuperuser, timeZone, locale };
}

/** The account of an address, in whatever case it is typed; null when there is none. For signing in and the command line. */
export async function findUserByEmail(email: string, on: Db = db): Promise<UserRow | null> {
  const address = parseAddress(email);
  if (!address) return null;
  const [row] = await on
    .select()
    .from(users)
    .where(eq(users.emailKey, addressKey(address)));
  return row ?? null;
}

/** What goes with an account, in numbers. */
export type AccountContents = {
  clients: number;
  messages: number;
  mailings: number;
  runs: number;
  /** Runs that are being sent, or wait. */
  openRuns: number;
  /** Letters of those that nobody has taken yet: they will not be sent. */
  unsentLetters: number;
  /** Letters of those that are on their way: some may still arrive. */
  lettersInFlight: number;
  attempts: number;
};

/** What the actor's account holds at this moment. */
export async function getAccountContents(actor: Actor, on: Db = db): Promise<AccountContents> {
  const counted = (table: typeof clients | typeof messages | typeof mailings) =>
    on.select({ n: count() }).from(table).where(eq(table.ownerId, actor.id));
  const sum = (what: SQL) => sql<number>`coalesce(sum(${what}), 0)`.mapWith(Number);
  const isOpen = sql`${runs.status} = 'open'`;
  const [[ofClients], [ofMessages], [ofMailings], [ofRuns]] = await Promise.all([
    counted(clients),
    counted(messages),
    counted(mailings),
    on
      .select({
        runs: count(),
        openRuns: sum(sql`(${isOpen})::int`),
        unsentLetters: sum(sql`case when ${isOpen} then ${runTallies.queued} else 0 end`),
        lettersInFlight: sum(sql`case when ${isOpen} then ${runTallies.sending} else 0 end`),
        attempts: sum(
          sql`${runTallies.attemptsSucceeded} + ${runTallies.attemptsFailed} + ${runTallies.attemptsUnknown}`,
        ),
      })
      .from(runs)
      .innerJoin(runTallies, eq(runTallies.runId, runs.id))
      .where(eq(runs.ownerId, actor.id)),
  ]);
  if (!ofClients || !ofMessages || !ofMailings || !ofRuns) throw new Error('a count answered no row');
  return { clients: ofClients.n, messages: ofMessages.n, mailings: ofMailings.n, ...ofRuns };
}

/** Is the actor the only admin who can sign in? Then nobody would be left to make another. */
export async function isLastAdmin(actor: Actor, on: Db = db): Promise<boolean> {
  if (!actor.isSuperuser) return false;
  const [other] = await on
    .select({ id: users.id })
    .from(users)
    .where(
      and(
        eq(users.isSuperuser, true),
        ne(users.id, actor.id),
        isNull(users.blockedAt),
        isNotNull(users.confirmedAt),
      ),
    )
    .limit(1);
  return other === undefined;
}

/** What managers see of a user in a list. */
const listed = {
  id: users.id,
  email: users.email,
  name: users.name,
  isStaff: users.isStaff,
  isSuperuser: users.isSuperuser,
  isDemo: users.isDemo,
  confirmedAt: users.confirmedAt,
  blockedAt: users.blockedAt,
  createdAt: users.createdAt,
};

type UserFilter = {
  q?: string | undefined;
  role?: UserRole | null | undefined;
  state?: UserState | null | undefined;
};

/** Users whose address or name contains what was typed; undefined for nothing typed. */
function alike(q: string | undefined): SQL | undefined {
  const pattern = likePattern(q?.replaceAll('\0', ''));
  return pattern ? sql`${users.search} like ${pattern}` : undefined;
}

/** Narrows rows down to those of owners whose address or name contains `q`; undefined for nothing typed. It is no scope. */
export function ofOwnersAlike(ownerId: Column | SQL, q: string | undefined): SQL | undefined {
  const found = alike(q);
  return found && sql`${ownerId} in (select ${users.id} from ${users} where ${found})`;
}

function foundUsers(actor: Actor, { q, role, state }: UserFilter): SQL | undefined {
  const ofRole = {
    user: sql`not ${users.isStaff}`,
    // As the index of the few is written; every admin is staff.
    manager: sql`(${users.isStaff} and not ${users.isSuperuser})`,
    admin: sql`(${users.isStaff} and ${users.isSuperuser})`,
  };
  const ofState = {
    active: and(isNotNull(users.confirmedAt), isNull(users.blockedAt)),
    blocked: isNotNull(users.blockedAt),
    unconfirmed: isNull(users.confirmedAt),
  };
  return and(managed(actor), alike(q), role ? ofRole[role] : undefined, state ? ofState[state] : undefined);
}

/** Mailings that are not deleted, and letters that mail servers have accepted, of each of these users. */
async function activityOf(ids: number[], on: Db) {
  if (ids.length === 0) return () => ({ mailings: 0, sent: 0 });
  const [made, sent] = await Promise.all([
    on
      .select({ ownerId: mailings.ownerId, count: sql<number>`count(*)::int` })
      .from(mailings)
      .where(and(inArray(mailings.ownerId, ids), isNull(mailings.archivedAt)))
      .groupBy(mailings.ownerId),
    on
      .select({ ownerId: runCounts.ownerId, count: sql<number>`sum(${runCounts.sent})::float8` })
      .from(runCounts)
      .where(inArray(runCounts.ownerId, ids))
      .groupBy(runCounts.ownerId),
  ]);
  const countIn = (rows: { ownerId: number; count: number }[]) =>
    new Map(rows.map((row) => [row.ownerId, row.count]));
  const [mailingsOf, sentOf] = [countIn(made), countIn(sent)];
  return (id: number) => ({ mailings: mailingsOf.get(id) ?? 0, sent: sentOf.get(id) ?? 0 });
}

/**
 * A page of all users for managers, with counts of mailings and of letters sent; empty for anybody else. `q` is looked for inside
 * address and name.
 */
export async function listUsers(
  actor: Actor,
  input: UserFilter & { sort?: UserSort | undefined; after?: string | undefined; size?: number } = {},
  on: Db = db,
) {
  const { sort = 'newest', size = pageSize } = input;
  const [key] = decodeCursor(input.after) ?? [];
  let from: SQL | undefined;
  if (sort === 'newest' && typeof key === 'number' && Number.isSafeInteger(key)) from = lt(users.id, key);
  if (sort === 'email' && typeof key === 'string') from = gt(users.emailKey, key.replaceAll('\0', ''));
  const rows = await on
    .select({ ...listed, emailKey: users.emailKey })
    .from(users)
    .where(and(foundUsers(actor, input), from))
    .orderBy(sort === 'newest' ? desc(users.id) : asc(users.emailKey))
    .limit(size + 1);
  const page = toPage(rows, size, (last) => [sort === 'newest' ? last.id : last.emailKey]);
  const activity = await activityOf(
    page.items.map((user) => user.id),
    on,
  );
  return {
    next: page.next,
    items: page.items.map(({ emailKey: _, ...user }) => ({ ...user, ...activity(user.id) })),
  } satisfies Page<unknown>;
}
export type ListedUser = Awaited<ReturnType<typeof listUsers>>['items'][number];

/** How many users are found, counted no further than 10,000; none for who is no manager. */
export async function countUsers(actor: Actor, input: UserFilter = {}, on: Db = db): Promise<BoundedCount> {
  const some = on
    .select({ one: sql`1`.as('one') })
    .from(users)
    .where(foundUsers(actor, input))
    .limit(countLimit + 1)
    .as('some');
  const [counted] = await on.select({ value: sql<number>`count(*)::int` }).from(some);
  const value = counted?.value ?? 0;
  return { value: Math.min(value, countLimit), exact: value <= countLimit };
}

/** A user as managers see one, with who blocked it and why; null for anybody else, and where there is none. */
export async function findListedUser(actor: Actor, id: number, on: Db = db) {
  if (!Number.isSafeInteger(id)) return null;
  const blocker = alias(users, 'blocker');
  const [found] = await on
    .select({
      ...listed,
      timeZone: users.timeZone,
      locale: users.locale,
      blockedReason: users.blockedReason,
      blockedBy: blocker.name,
    })
    .from(users)
    .leftJoin(blocker, eq(blocker.id, users.blockedById))
    .where(and(eq(users.id, id), managed(actor)));
  if (!found) return null;
  const activity = await activityOf([id], on);
  return { ...found, ...activity(id) };
}
