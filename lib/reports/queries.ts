import { and, desc, eq, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { clients, mailings, messages, runCounts } from '@/db/schema';
import { type BoundedCount, countLimit, decodeCursor, pageSize, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { own, readable } from '@/lib/policy/scopes';

const sum = (column: (typeof runCounts)[keyof Figures]) => sql<number>`coalesce(sum(${column}), 0)::float8`;

export type Figures = {
  sent: number;
  attemptsSucceeded: number;
  attemptsFailed: number;
  attemptsUnknown: number;
};

const figures = {
  sent: sum(runCounts.sent),
  attemptsSucceeded: sum(runCounts.attemptsSucceeded),
  attemptsFailed: sum(runCounts.attemptsFailed),
  attemptsUnknown: sum(runCounts.attemptsUnknown),
};

/** What all of the actor's mailings have done so far, summed over the counts of their runs. */
export async function reportTotals(actor: Actor, on: Db = db): Promise<Figures> {
  const [totals] = await on.select(figures).from(runCounts).where(own(actor, runCounts.ownerId));
  return totals ?? { sent: 0, attemptsSucceeded: 0, attemptsFailed: 0, attemptsUnknown: 0 };
}

/** What one mailing has done so far; zeros for one the actor may not read. */
export async function mailingFigures(actor: Actor, mailingId: number, on: Db = db): Promise<Figures> {
  const [totals] = await on
    .select(figures)
    .from(runCounts)
    .where(and(eq(runCounts.mailingId, mailingId), readable(actor, runCounts.ownerId)));
  return totals ?? { sent: 0, attemptsSucceeded: 0, attemptsFailed: 0, attemptsUnknown: 0 };
}

/** The actor's mailings with what each has done, newest first; archived ones too, since their letters were sent. */
export async function listReports(
  actor: Actor,
  input: { after?: string | undefined; size?: number } = {},
  on: Db = db,
) {
  const { size = pageSize } = input;
  const [id] = decodeCursor(input.after) ?? [];
  const page = await on
    .select({ id: mailings.id, name: mailings.name, archivedAt: mailings.archivedAt })
    .from(mailings)
    .where(
      and(
        own(actor, mailings.ownerId),
        typeof id === 'number' && Number.isSafeInteger(id) ? lt(mailings.id, id) : undefined,
      ),
    )
    .orderBy(desc(mailings.id))
    .limit(size + 1);
  const sums = page.length
    ? await on
        .select({ mailingId: runCounts.mailingId, runs: sql<number>`count(*)::int`, ...figures })
        .from(runCounts)
        .where(
          and(
            own(actor, runCounts.ownerId),
            inArray(
              runCounts.mailingId,
              page.map((mailing) => mailing.id),
            ),
          ),
        )
        .groupBy(runCounts.mailingId)
    : [];
  const byMailing = new Map(sums.map((row) => [row.mailingId, row]));
  const none = { runs: 0, sent: 0, attemptsSucceeded: 0, attemptsFailed: 0, attemptsUnknown: 0 };
  return toPage(
    page.map((mailing) => ({ ...none, ...byMailing.get(mailing.id), ...mailing })),
    size,
    (row) => [row.id],
  );
}
export type ReportRow = Awaited<ReturnType<typeof listReports>>['items'][number];

/** What the actor has, each counted no further than 10,000. */
export async function ownCounts(
  actor: Actor,
  on: Db = db,
): Promise<{ clients: BoundedCount; messages: BoundedCount; mailings: BoundedCount; active: BoundedCount }> {
  const bounded = async (some: Promise<{ value: number }[]>): Promise<BoundedCount> => {
    const [counted] = await some;
    const value = counted?.value ?? 0;
    return { value: Math.min(value, countLimit), exact: value <= countLimit };
  };
  const one = { one: sql`1`.as('one') };
  const value = { value: sql<number>`count(*)::int` };
  const ownClients = on
    .select(one)
    .from(clients)
    .where(own(actor, clients.ownerId))
    .limit(countLimit + 1)
    .as('some');
  const ownMessages = on
    .select(one)
    .from(messages)
    .where(and(own(actor, messages.ownerId), isNull(messages.archivedAt)))
    .limit(countLimit + 1)
    .as('some');
  const ownMailings = on
    .select(one)
    .from(mailings)
    .where(and(own(actor, mailings.ownerId), isNull(mailings.archivedAt)))
    .limit(countLimit + 1)
    .as('some');
  const activeMailings = on
    .select(one)
    .from(mailings)
    .where(
      and(
        own(actor, mailings.ownerId),
        isNull(mailings.archivedAt),
        eq(mailings.status, 'running'),
        isNull(mailings.pausedAt),
        isNull(mailings.disabledAt),
      ),
    )
    .limit(countLimit + 1)
    .as('some');
  const [clientCount, messageCount, mailingCount, activeCount] = await Promise.all([
    bounded(on.select(value).from(ownClients)),
    bounded(on.select(value).from(ownMessages)),
    bounded(on.select(value).from(ownMailings)),
    bounded(on.select(value).from(activeMailings)),
  ]);
  return { clients: clientCount, messages: messageCount, mailings: mailingCount, active: activeCount };
}

/** The actor's mailings that somebody holds: disabled by a manager, or paused by the actor and forgotten. */
export async function listHeldMailings(actor: Actor, limit = 5, on: Db = db) {
  return on
    .select({
      id: mailings.id,
      name: mailings.name,
      pausedAt: mailings.pausedAt,
      disabledAt: mailings.disabledAt,
      disabledReason: mailings.disabledReason,
    })
    .from(mailings)
    .where(
      and(
        own(actor, mailings.ownerId),
        isNull(mailings.archivedAt),
        sql`${mailings.status} <> 'completed'`,
        or(isNotNull(mailings.disabledAt), isNotNull(mailings.pausedAt)),
      ),
    )
    .orderBy(desc(mailings.disabledAt), desc(mailings.pausedAt))
    .limit(limit);
}
