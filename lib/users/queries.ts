import { and, count, eq, isNotNull, isNull, ne, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { clients, mailings, messages, runs, runTallies, users } from '@/db/schema';
import { addressKey, parseAddress } from '@/lib/email/address';
import type { Actor } from '@/lib/policy/rules';

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
