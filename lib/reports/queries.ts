import {
  and,
  type Column,
  desc,
  eq,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { AnswerKind } from '@/db/enums';
import {
  clients,
  mailingAnswers,
  mailings,
  messages,
  runAnswers,
  runCounts,
  runMinutes,
  runQuarters,
  runs,
} from '@/db/schema';
import { domainsMax } from '@/lib/attempts/schema';
import { type BoundedCount, countLimit } from '@/lib/paging';
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

/** What one mailing has done so far; zeros for one the actor may not read. */
export async function mailingFigures(actor: Actor, mailingId: number, on: Db = db): Promise<Figures> {
  const [totals] = await on
    .select(figures)
    .from(runCounts)
    .where(and(eq(runCounts.mailingId, mailingId), readable(actor, runCounts.ownerId)));
  return totals ?? { sent: 0, attemptsSucceeded: 0, attemptsFailed: 0, attemptsUnknown: 0 };
}

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

/** Letters that ended in few days say nothing of a sender's name. */
const refusalsMin = 10;
/** Of those that were taken or refused: where more are refused, providers begin to distrust all of the sender's letters. */
const refusalShare = 0.05;

/**
 * How many letters were refused in the actor's runs that were tried since an instant, where these are so many that something has to be
 * done; null where they are not. `kind`: why most of them were. Summed over the counts of those runs.
 */
export async function findHighRefusal(
  actor: Actor,
  since: Date,
  on: Db = db,
): Promise<{ failed: number; sent: number; kind: AnswerKind | null } | null> {
  const tried = on
    .selectDistinct({ runId: runQuarters.runId })
    .from(runQuarters)
    .where(and(own(actor, runQuarters.ownerId), gte(runQuarters.quarterAt, since)));
  const [found] = await on
    .select({
      sent: sum(runCounts.sent),
      failed: sql<number>`coalesce(sum(${runCounts.failed}), 0)::float8`,
    })
    .from(runCounts)
    .where(and(own(actor, runCounts.ownerId), inArray(runCounts.runId, tried)));
  if (!found || found.failed < refusalsMin) return null;
  if (found.failed / (found.sent + found.failed) < refusalShare) return null;
  const [most] = await on
    .select({ kind: runAnswers.kind })
    .from(runAnswers)
    .where(and(inArray(runAnswers.runId, tried), eq(runAnswers.domain, ''), gt(runAnswers.failed, 0)))
    .groupBy(runAnswers.kind)
    .orderBy(desc(sql`sum(${runAnswers.failed})`), runAnswers.kind)
    .limit(1);
  return { ...found, kind: most?.kind ?? null };
}

/** Whose sums: one run, or all runs of a mailing. */
export type SumsOf = { runId: number } | { mailingId: number };

/** `failed` and `unknown` count clients as they stand now, `attempts` every answer, those among them that were tried again later. */
export type AnswerSums = { attempts: number; failed: number; unknown: number };

const answerSums = sql`sum(attempts)::float8 as attempts, sum(failed)::float8 as failed, sum(unknown)::float8 as unknown`;
const isAny = sql`sum(attempts + failed + unknown) > 0`;
/** What cost most clients the letter comes first. */
const mostMissed = sql`sum(failed + unknown) desc, sum(attempts) desc`;

/** The answers of a run, or those of a mailing: of its runs that are over together, of those under way one by one. */
function answersOf(actor: Actor, of: SumsOf, where: (domain: Column) => SQL): SQL {
  const ofRuns = (which: SQL) => sql`
    select ${runAnswers.domain}, ${runAnswers.kind}, ${runAnswers.attempts}, ${runAnswers.failed}, ${runAnswers.unknown}
    from ${runs} join ${runAnswers} on ${runAnswers.runId} = ${runs.id}
    where ${which} and ${readable(actor, runs.ownerId)} and ${where(runAnswers.domain)}`;
  if ('runId' in of) return ofRuns(eq(runs.id, of.runId));
  return sql`
    select ${mailingAnswers.domain}, ${mailingAnswers.kind}, ${mailingAnswers.attempts}, ${mailingAnswers.failed},
      ${mailingAnswers.unknown}
    from ${mailings} join ${mailingAnswers} on ${mailingAnswers.mailingId} = ${mailings.id}
    where ${eq(mailings.id, of.mailingId)} and ${readable(actor, mailings.ownerId)} and ${where(mailingAnswers.domain)}
    union all ${ofRuns(sql`${eq(runs.mailingId, of.mailingId)} and ${runs.status} = 'open'`)}`;
}

/** What servers answered instead of taking the letter, by what it means; what cost most clients the letter comes first. */
export async function listAnswers(
  actor: Actor,
  of: SumsOf,
  on: Db = db,
): Promise<(AnswerSums & { kind: AnswerKind })[]> {
  const rows = answersOf(actor, of, (domain) => eq(domain, ''));
  return on.execute<AnswerSums & { kind: AnswerKind }>(sql`
    select kind, ${answerSums} from (${rows}) answers group by kind having ${isAny} order by ${mostMissed}, kind`);
}

/** The same by the recipient's domain, with what was answered there most; at most `limit`. */
export async function listAnsweringDomains(
  actor: Actor,
  of: SumsOf,
  limit = domainsMax,
  on: Db = db,
): Promise<(AnswerSums & { domain: string; kind: AnswerKind })[]> {
  // First which domains, among however many, then what they said: sorting all that each of them said costs more than all the rest.
  const all = answersOf(actor, of, (domain) => sql`${domain} <> ''`);
  const most = await on.execute<AnswerSums & { domain: string }>(sql`
    select domain, ${answerSums} from (${all}) answers group by domain having ${isAny} order by ${mostMissed}, domain limit ${limit}`);
  if (most.length === 0) return [];
  const domains = most.map((row) => row.domain);
  const theirs = answersOf(actor, of, (domain) => inArray(domain, domains));
  const said = await on.execute<{ domain: string; kind: AnswerKind }>(sql`
    select distinct on (domain) domain, kind from (${theirs}) answers group by domain, kind order by domain, ${mostMissed}, kind`);
  const kinds = new Map(said.map((row) => [row.domain, row.kind]));
  return most.flatMap((row) => {
    const kind = kinds.get(row.domain);
    return kind ? [{ ...row, kind }] : [];
  });
}

/** A stretch of time with the attempts that were made in it. */
export type RateStep = { at: Date; succeeded: number; failed: number; unknown: number };

/** Minutes that one step may stand for. */
const stepMinutes = [1, 2, 5, 15, 30, 60, 180, 360, 720, 1440, 7 * 1440, 30 * 1440];
const stepsMax = 48;

/**
 * How a run's attempts are spread over its time, in steps of so many minutes that there are few enough to look at; steps without any
 * attempt are in it, and none when nothing was tried.
 */
export async function listRates(
  actor: Actor,
  runId: number,
  on: Db = db,
): Promise<{ minutes: number; steps: RateStep[] }> {
  const mine = sql`${runMinutes} join ${runCounts} on ${runCounts.runId} = ${runMinutes.runId}
    where ${runMinutes.runId} = ${runId} and ${readable(actor, runCounts.ownerId)}
      and ${runMinutes.succeeded} + ${runMinutes.failed} + ${runMinutes.unknown} > 0`;
  const [span] = await on.execute<{ first: string | null; last: string | null }>(
    sql`select min(${runMinutes.minuteAt}) as first, max(${runMinutes.minuteAt}) as last from ${mine}`,
  );
  if (!span?.first || !span.last) return { minutes: 1, steps: [] };
  const first = new Date(span.first).getTime();
  const last = new Date(span.last).getTime();
  const stepsOf = (minutes: number) => Math.floor((last - first) / (minutes * 60_000)) + 1;
  const minutes =
    stepMinutes.find((each) => stepsOf(each) <= stepsMax) ?? Math.ceil((last - first) / 60_000 / stepsMax);
  const rows = await on.execute<{ step: string; succeeded: string; failed: string; unknown: string }>(sql`
    select floor(extract(epoch from ${runMinutes.minuteAt} - ${span.first}::timestamptz) / ${minutes * 60})::int as step,
      sum(${runMinutes.succeeded}) as succeeded, sum(${runMinutes.failed}) as failed, sum(${runMinutes.unknown}) as unknown
    from ${mine} group by 1`);
  const steps = Array.from({ length: stepsOf(minutes) }, (_, step) => {
    const row = rows.find((each) => Number(each.step) === step);
    return {
      at: new Date(first + step * minutes * 60_000),
      succeeded: Number(row?.succeeded ?? 0),
      failed: Number(row?.failed ?? 0),
      unknown: Number(row?.unknown ?? 0),
    };
  });
  return { minutes, steps };
}
