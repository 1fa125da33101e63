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
  deliveries,
  domainSums,
  kindSums,
  mailingAnswers,
  mailings,
  messages,
  runAnswers,
  runCounts,
  runDomains,
  runMinutes,
  runQuarters,
  runs,
  suppressions,
  transports,
  users,
} from '@/db/schema';
import { domainsMax } from '@/lib/attempts/schema';
import { type Clock, systemClock } from '@/lib/clock';
import { addressKey, parseAddress } from '@/lib/email/address';
import type { FieldErrors } from '@/lib/errors';
import { type BoundedCount, countLimit, decodeCursor, likePattern, type Page, toPage } from '@/lib/paging';
import { type Actor, canManage } from '@/lib/policy/rules';
import { managed, own, readable } from '@/lib/policy/scopes';
import {
  type Days,
  dayOf,
  daysBefore,
  daysOf,
  fittingStep,
  instantsOf,
  isDay,
  type Period,
  type Preset,
  periodOf,
  periodStepsMax,
} from '@/lib/recurrence/periods';
import { listStuckRuns, type StuckRun, serverOf } from '@/lib/runs/queries';
import {
  complainedShareMin,
  type DaysWanted,
  type ReportAsked,
  type ReportList,
  type ReportReading,
  type ReportSort,
  readReportAsked,
  refusedAttemptsMin,
  refusedShareMin,
  reportPageSize,
  reportSorts,
  type TableAsked,
  type Whose,
} from './schema';

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
 * done; null where they are not. `kind`: why more than half of them were; null where no answer stands out so far. Summed over the counts of those runs.
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
    .select({ kind: runAnswers.kind, failed: sql<number>`sum(${runAnswers.failed})::float8` })
    .from(runAnswers)
    .where(and(inArray(runAnswers.runId, tried), eq(runAnswers.domain, ''), gt(runAnswers.failed, 0)))
    .groupBy(runAnswers.kind)
    .orderBy(desc(sql`sum(${runAnswers.failed})`), runAnswers.kind)
    .limit(1);
  return { ...found, kind: most && most.failed * 2 > found.failed ? most.kind : null };
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

/*
 * Statistics of a period. Everything is read from sums by quarters of an hour (`run_quarters`, `run_domains`) or by run (`run_counts`,
 * `run_answers`), and found by owner or mailing and time: no attempt is looked at, however many there are. What there is a row of for
 * each run and domain or kind is read from the sums of whole days and months, and only at the ends of a period from those of runs.
 */

/** What a report is asked about. `ownerId`: of everybody's those of one user alone. */
export type Report = {
  whose: Whose;
  ownerId: number | null;
  mailingId: number | null;
  messageId: number | null;
  zone: string;
  /** Null for days that were chosen one by one. */
  preset: Preset | null;
  period: Period;
  /** What it is compared with; null where there is nothing before. */
  before: (Days & { from: Date; until: Date }) | null;
};

/** An asking as it was understood: `report` is null where something is wrong with it. */
export type ReportAsking = {
  asked: ReportAsked;
  errors: FieldErrors;
  report: Report | null;
  mailing: { id: number; name: string } | null;
  message: { id: number; subject: string } | null;
  owner: { id: number; email: string; name: string } | null;
  /** Users whom the owner asked for might be, where it is not one alone. */
  alike: { email: string; name: string }[];
  /** Has any run ever begun? */
  isBegun: boolean;
};

/** Users that are named when more than one fits. */
const alikeMax = 8;

/**
 * What a report is asked about, as {@link readReportAsked} has read it from an address. Days are those of the actor's zone unless another is
 * asked for. Further field codes: `not_found` at `mailing`, `message` and `owner`, also for what is not the actor's to read; `several` at
 * `owner`; `too_many_steps` (`max`) at `by`.
 */
export async function findReport(
  actor: Actor,
  { whose, asked, errors: wrong, wanted }: ReportReading,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<ReportAsking> {
  const errors: FieldErrors = { ...wrong };
  const owners = wanted.owner === null ? null : await findOwners(actor, wanted.owner, on);
  if (owners?.code) errors.owner = { code: owners.code };
  const owner = owners?.owner ?? null;

  const base = { whose, ownerId: owner?.id ?? null };
  const { mailingId, messageId } = wanted;
  const [mailing, message, begin] = await Promise.all([
    mailingId === null ? null : findOf(actor, base, mailings, mailings.name, mailingId, on),
    messageId === null ? null : findOf(actor, base, messages, messages.subject, messageId, on),
    findBegin(actor, base, on),
  ]);
  if (mailingId !== null && !mailing) errors.mailing = { code: 'not_found' };
  if (messageId !== null && !message) errors.message = { code: 'not_found' };

  const zone = wanted.zone ?? actor.timeZone;
  const days =
    wanted.days && daysWanted(wanted.days, dayOf(clock.now(), zone), begin ? dayOf(begin, zone) : null);
  const period = days && periodOf(days, wanted.step ?? fittingStep(days), zone);
  if (days && !period) errors.by = { code: 'too_many_steps', params: { max: periodStepsMax } };

  const shared = {
    asked,
    errors,
    mailing: mailing && { id: mailing.id, name: mailing.name },
    message: message && { id: message.id, subject: message.name },
    owner,
    alike: owners?.alike ?? [],
    isBegun: begin !== null,
  };
  if (!period || Object.keys(errors).length > 0) return { ...shared, report: null };
  const preset = wanted.days && 'preset' in wanted.days ? wanted.days.preset : null;
  const before = daysBefore(period, preset);
  return {
    ...shared,
    report: {
      ...base,
      mailingId: mailing?.id ?? null,
      messageId: message?.id ?? null,
      zone,
      preset,
      period,
      before: before && isDay(before.first) ? { ...before, ...instantsOf(before, zone) } : null,
    },
  };
}

/** Days on the day `today`, of a history that begins on `begin`: what was left open of them reaches as far as there is anything. */
function daysWanted(days: DaysWanted, today: string, begin: string | null): Days {
  if ('preset' in days) return daysOf(days.preset, today, begin ?? today);
  const last = days.to || (days.from > today ? days.from : today);
  return { first: days.from || (begin && begin < last ? begin : last), last };
}

type Base = Pick<Report, 'whose' | 'ownerId'>;

function of(actor: Actor, { whose, ownerId }: Base, column: Column): SQL {
  if (whose === 'own') return own(actor, column);
  return sql`(${managed(actor)} and ${ownerId === null ? sql`true` : eq(column, ownerId)})`;
}

async function findOf(
  actor: Actor,
  base: Base,
  table: typeof mailings | typeof messages,
  name: Column,
  id: number,
  on: Db,
): Promise<{ id: number; name: string } | null> {
  const [found] = await on
    .select({ id: table.id, name: sql<string>`${name}` })
    .from(table)
    .where(and(eq(table.id, id), of(actor, base, table.ownerId)));
  return found ?? null;
}

async function findBegin(actor: Actor, base: Base, on: Db): Promise<Date | null> {
  const [first] = await on
    .select({ at: runs.openedAt })
    .from(runs)
    .where(of(actor, base, runs.ownerId))
    .orderBy(runs.openedAt)
    .limit(1);
  return first?.at ?? null;
}

type Person = { id: number; email: string; name: string };

/** Whom an owner's address, or a part of address or name, means. */
async function findOwners(
  actor: Actor,
  typed: string,
  on: Db,
): Promise<{ owner: Person | null; code?: string; alike?: Person[] }> {
  const person = { id: users.id, email: users.email, name: users.name };
  const address = parseAddress(typed);
  if (address) {
    const [exact] = await on
      .select(person)
      .from(users)
      .where(and(managed(actor), eq(users.emailKey, addressKey(address))));
    if (exact) return { owner: exact };
  }
  const alike = await on
    .select(person)
    .from(users)
    .where(and(managed(actor), sql`${users.search} like ${likePattern(typed) ?? ''}`))
    .orderBy(users.emailKey)
    .limit(alikeMax + 1);
  const [one] = alike;
  if (!one) return { owner: null, code: 'not_found' };
  return alike.length === 1
    ? { owner: one }
    : { owner: null, code: 'several', alike: alike.slice(0, alikeMax) };
}

type Span = { from: Date; until: Date };
const within = (at: Column, { from, until }: Span) =>
  sql`${at} >= ${from.toISOString()}::timestamptz and ${at} < ${until.toISOString()}::timestamptz`;

/** Sums of a report by time: those of its owner, mailing and message in a span. */
function summed(
  actor: Actor,
  report: Report,
  sums: typeof runQuarters | typeof runDomains,
  span: Span = report.period,
): SQL {
  return sql`${and(
    of(actor, report, sums.ownerId),
    report.mailingId === null ? undefined : eq(sums.mailingId, report.mailingId),
    report.messageId === null
      ? undefined
      : sql`${sums.runId} in (select ${runs.id} from ${runs} where ${eq(runs.messageId, report.messageId)})`,
    within(sums.quarterAt, span),
  )}`;
}

/** A report that sums of days and months know: one of all that one user, or everybody, has sent. */
const isWhole = (report: Report) => report.mailingId === null && report.messageId === null;

/** Sums of days and months of a report's owner, or of everybody. */
function summedOf(actor: Actor, { whose, ownerId }: Report, column: Column): SQL {
  if (whose === 'own') return own(actor, column);
  return sql`(${managed(actor)} and ${eq(column, ownerId ?? 0)})`;
}

/** The whole days of UTC in a span, and the whole months in these; without any, both are empty. */
function wholesOf({ from, until }: Span): { days: Span; months: Span } {
  const dayMs = 86_400_000;
  const first = Math.ceil(from.getTime() / dayMs) * dayMs;
  const last = Math.max(first, Math.floor(until.getTime() / dayMs) * dayMs);
  const month = (at: number, later: number) => {
    const day = new Date(at);
    return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + later, 1);
  };
  const firstMonth = month(first, 0) === first ? first : month(first, 1);
  const lastMonth = Math.max(firstMonth, month(last, 0));
  return {
    days: { from: new Date(first), until: new Date(last) },
    months: { from: new Date(firstMonth), until: new Date(lastMonth) },
  };
}

/** In `span` and not in `part` of it: two stretches, each of which an index finds. */
function around(at: Column, span: Span, part: Span): SQL {
  if (part.from >= part.until) return within(at, span);
  return sql`(${within(at, { from: span.from, until: part.from })} or ${within(at, { from: part.until, until: span.until })})`;
}

/** Runs of a report that began in a span. */
function begun(actor: Actor, report: Report, span: Span = report.period): SQL {
  return sql`${and(
    of(actor, report, runs.ownerId),
    report.mailingId === null ? undefined : eq(runs.mailingId, report.mailingId),
    report.messageId === null ? undefined : eq(runs.messageId, report.messageId),
    within(runs.openedAt, span),
  )}`;
}

/** Attempts that were made. A success is a letter that was sent, since none is sent twice. */
export type Tried = { sent: number; failed: number; unknown: number };

const tried = (sums: typeof runQuarters | typeof runDomains | typeof domainSums) => sql`
  sum(${sums.succeeded})::float8 as sent, sum(${sums.failed})::float8 as failed, sum(${sums.unknown})::float8 as unknown`;

/** The numbers of a period. */
export type Numbers = {
  /** Of the attempts made in it. */
  tried: Tried;
  /** Of the addresses that said so in it. */
  left: { unsubscribed: number; bounced: number; complained: number };
  /** Of the runs that began in it, as they stand now. `queued`: not ended. */
  runs: { begun: number; missed: number };
  letters: Record<
    'total' | 'sent' | 'failed' | 'unknown' | 'skipped' | 'expired' | 'cancelled' | 'queued',
    number
  >;
};

/** The numbers of a report, of its period or of the one before. */
export async function sumPeriod(
  actor: Actor,
  report: Report,
  span: Span = report.period,
  on: Db = db,
): Promise<Numbers> {
  const isNarrow = report.mailingId !== null || report.messageId !== null;
  const ofLetters = isNarrow
    ? sql`join ${deliveries} on ${deliveries.id} = ${suppressions.deliveryId} join ${runs} on ${runs.id} = ${deliveries.runId}
        and ${and(
          report.mailingId === null ? undefined : eq(runs.mailingId, report.mailingId),
          report.messageId === null ? undefined : eq(runs.messageId, report.messageId),
        )}`
    : sql``;
  const counted = (column: Column) => sql`coalesce(sum(${column}), 0)::float8`;
  const [[attempts], [left], [letters]] = await Promise.all([
    on.execute<Record<keyof Tried, number | null>>(
      sql`select ${tried(runQuarters)} from ${runQuarters} where ${summed(actor, report, runQuarters, span)}`,
    ),
    on.execute<Numbers['left']>(sql`
      select (count(*) filter (where ${suppressions.reason} = 'unsubscribed'))::float8 as unsubscribed,
        (count(*) filter (where ${suppressions.reason} = 'bounced'))::float8 as bounced,
        (count(*) filter (where ${suppressions.reason} = 'complained'))::float8 as complained
      from ${suppressions} ${ofLetters}
      where ${of(actor, report, suppressions.ownerId)} and ${within(suppressions.createdAt, span)}`),
    on.execute<Numbers['letters'] & Numbers['runs']>(sql`
      select (count(*) filter (where ${runs.status} <> 'missed'))::float8 as begun,
        (count(*) filter (where ${runs.status} = 'missed'))::float8 as missed,
        ${counted(runCounts.total)} as total, ${counted(runCounts.sent)} as sent, ${counted(runCounts.failed)} as failed,
        ${counted(runCounts.unknown)} as unknown, ${counted(runCounts.skipped)} as skipped, ${counted(runCounts.expired)} as expired,
        ${counted(runCounts.cancelled)} as cancelled, ${counted(runCounts.queued)} as queued
      from ${runs} join ${runCounts} on ${runCounts.runId} = ${runs.id} where ${begun(actor, report, span)}`),
  ]);
  if (!attempts || !left || !letters) throw new Error('a sum answered no row');
  const { begun: begunRuns, missed, ...outcomes } = letters;
  return {
    tried: { sent: attempts.sent ?? 0, failed: attempts.failed ?? 0, unknown: attempts.unknown ?? 0 },
    left: { ...left },
    runs: { begun: begunRuns, missed },
    letters: outcomes,
  };
}

export type StepSums = Days & Tried;

/** The attempts of each step of the period, in order; steps without any are in it. */
export async function listSteps(actor: Actor, report: Report, on: Db = db): Promise<StepSums[]> {
  const { steps, bounds } = report.period;
  const list = sql.param(`{${bounds.map((at) => at.toISOString()).join(',')}}`);
  const rows = await on.execute<Tried & { step: number }>(sql`
    select width_bucket(${runQuarters.quarterAt}, ${list}::timestamptz[]) as step, ${tried(runQuarters)}
    from ${runQuarters} where ${summed(actor, report, runQuarters)} group by 1`);
  const sums = new Map(rows.map(({ step, ...row }) => [step, row]));
  return steps.map((days, at) => ({ ...days, ...(sums.get(at + 1) ?? { sent: 0, failed: 0, unknown: 0 }) }));
}

export type KindSums = { kind: AnswerKind; attempts: number; failed: number; unknown: number };

/**
 * What servers answered instead of taking a letter, in the runs that began in the period, most frequent first. `failed` and `unknown`
 * are the letters that stand so now.
 */
export async function listKinds(actor: Actor, report: Report, on: Db = db): Promise<KindSums[]> {
  const ofRuns = (which: SQL) => sql`
    select ${runAnswers.kind}, ${runAnswers.attempts}, ${runAnswers.failed}, ${runAnswers.unknown}
    from ${runs} join ${runAnswers} on ${runAnswers.runId} = ${runs.id} and ${runAnswers.domain} = '' where ${which}`;
  const { days } = wholesOf(report.period);
  const { from, until } = report.period;
  // Of runs that are over, whole days; the others one by one.
  const rows =
    !isWhole(report) || days.from >= days.until
      ? ofRuns(begun(actor, report))
      : sql`
        select ${kindSums.kind}, ${kindSums.attempts}, ${kindSums.failed}, ${kindSums.unknown}
        from ${kindSums} where ${summedOf(actor, report, kindSums.ownerId)} and ${within(kindSums.dayAt, days)}
        union all ${ofRuns(begun(actor, report, { from, until: days.from }))}
        union all ${ofRuns(begun(actor, report, { from: days.until, until }))}
        union all ${ofRuns(sql`${runs.status} = 'open' and ${begun(actor, report, days)}`)}`;
  return on.execute<KindSums>(sql`
    select kind, sum(attempts)::float8 as attempts, sum(failed)::float8 as failed, sum(unknown)::float8 as unknown
    from (${rows}) answers group by 1 having sum(attempts + failed + unknown) > 0 order by 2 desc, 3 desc, 1`);
}

/** A row of one of the tables: `share` is that of the attempts that were refused. */
export type ReportRow = Tried & {
  /** Of the mailing, message or user, as text; of a domain itself. */
  id: string;
  /** Name, subject, address or domain; empty for what is gone. */
  name: string;
  /** Runs that attempts were made for; of domains 0, which tell nothing of it. */
  runs: number;
  share: number;
  isArchived: boolean;
  /** Whose it is, where that is told. */
  ownerId: number | null;
  ownerEmail: string | null;
  /** Of senders: addresses that complained in the period. */
  complained: number;
};

/** Sums by domain, of months and days where these are whole, and of quarters of an hour. */
function domainRows(actor: Actor, report: Report): SQL {
  const ofRuns = (where: SQL) => sql`
    select ${runDomains.domain}, ${runDomains.succeeded}, ${runDomains.failed}, ${runDomains.unknown} from ${runDomains} where ${where}`;
  const { days, months } = wholesOf(report.period);
  if (!isWhole(report) || days.from >= days.until) return ofRuns(summed(actor, report, runDomains));
  const ofSpans = (where: SQL) => sql`
    select ${domainSums.domain}, ${domainSums.succeeded}, ${domainSums.failed}, ${domainSums.unknown} from ${domainSums}
    where ${summedOf(actor, report, domainSums.ownerId)} and ${where}`;
  const { from, until } = report.period;
  return sql`
    ${ofSpans(sql`${domainSums.span} = 'month' and ${within(domainSums.beginsAt, months)}`)}
    union all ${ofSpans(sql`${domainSums.span} = 'day' and ${around(domainSums.beginsAt, days, months)}`)}
    union all ${ofRuns(summed(actor, report, runDomains, { from, until: days.from }))}
    union all ${ofRuns(summed(actor, report, runDomains, { from: days.until, until }))}`;
}

/** The rows of a table, each with what it can be sorted by. */
function ranked(actor: Actor, report: Report, list: ReportList): SQL {
  // First by run, so that runs need not be told apart by sorting.
  const byRun = (key: SQL) => sql`
    select ${key} as key, ${runQuarters.runId}, ${tried(runQuarters)} from ${runQuarters}
    where ${summed(actor, report, runQuarters)} group by 1, 2`;
  const total = sql`count(*)::float8 as runs, sum(sent) as sent, sum(failed) as failed, sum(unknown) as unknown,
    coalesce(sum(failed) / nullif(sum(sent + failed + unknown), 0), 0) as share`;
  const rest = sql`s.runs, s.sent, s.failed, s.unknown, s.share`;
  const some = sql`having sum(sent + failed + unknown) > 0`;
  switch (list) {
    case 'domains':
      // How many runs is not told: of runs and domains there are too many pairs to tell apart.
      return sql`
        select s.key as id, s.key as name, ${rest}, false as archived, null::bigint as owner_id, null as owner_email, 0::float8 as complained
        from (
          select key, 0::float8 as runs, sent, failed, unknown, coalesce(failed / nullif(sent + failed + unknown, 0), 0) as share
          from (
            select domain as key, sum(succeeded)::float8 as sent, sum(failed)::float8 as failed, sum(unknown)::float8 as unknown
            from (${domainRows(actor, report)}) rows group by 1
          ) x where sent + failed + unknown > 0
        ) s`;
    case 'mailings':
      return sql`
        select s.key::text as id, ${mailings.name} as name, ${rest}, ${mailings.archivedAt} is not null as archived,
          ${users.id} as owner_id, ${users.email} as owner_email, 0::float8 as complained
        from (select key, ${total} from (${byRun(sql`${runQuarters.mailingId}`)}) x group by key ${some}) s
        join ${mailings} on ${mailings.id} = s.key join ${users} on ${users.id} = ${mailings.ownerId}`;
    case 'messages':
      return sql`
        select coalesce(s.key, 0)::text as id, coalesce(${messages.subject}, '') as name, ${rest},
          ${messages.archivedAt} is not null as archived, ${users.id} as owner_id, ${users.email} as owner_email,
          0::float8 as complained
        from (
          select ${runs.messageId} as key, ${total} from (${byRun(sql`null::bigint`)}) x join ${runs} on ${runs.id} = x.run_id
          group by 1 ${some}
        ) s left join ${messages} on ${messages.id} = s.key left join ${users} on ${users.id} = ${messages.ownerId}`;
    case 'senders':
      return sql`
        select s.key::text as id, ${users.email} as name, ${rest}, ${users.blockedAt} is not null as archived,
          ${users.id} as owner_id, ${users.email} as owner_email, coalesce(c.complained, 0)::float8 as complained
        from (select key, ${total} from (${byRun(sql`${runQuarters.ownerId}`)}) x group by key ${some}) s
        join ${users} on ${users.id} = s.key and ${managed(actor)}
        left join (
          select ${suppressions.ownerId} as key, count(*) as complained from ${suppressions}
          where ${of(actor, report, suppressions.ownerId)} and ${within(suppressions.createdAt, report.period)}
            and ${suppressions.reason} = 'complained' group by 1
        ) c on c.key = s.key`;
  }
}

const sortKeys: Record<ReportSort, SQL> = {
  sent: sql`sent`,
  failed: sql`failed`,
  share: sql`share`,
  complained: sql`complained`,
  name: sql`name`,
};

/**
 * A page of one of the tables of a report, by mailing, message or domain, or for managers by sender. Numbers go from the highest,
 * names by the alphabet. Domains are known of runs that are over.
 */
export async function listReportRows(
  actor: Actor,
  report: Report,
  input: { list: ReportList; sort?: ReportSort; after?: string | undefined; size?: number },
  on: Db = db,
): Promise<Page<ReportRow>> {
  const { list, size = reportPageSize } = input;
  const sort = input.sort ?? reportSorts[list][0];
  const key = sortKeys[sort];
  const [value, id] = decodeCursor(input.after) ?? [];
  const isCursor = typeof value === (sort === 'name' ? 'string' : 'number') && typeof id === 'string';
  const [above, cast, order] =
    sort === 'name' ? [sql`>`, sql`text`, sql`${key}, id`] : [sql`<`, sql`float8`, sql`${key} desc, id desc`];
  const clean = (cell: unknown) => String(cell).replaceAll('\0', '');
  const from = isCursor
    ? sql`where (${key}, id) ${above} (${clean(value)}::${cast}, ${clean(id)}::text)`
    : sql``;
  const rows = await rowsOf(
    sql`select * from (${ranked(actor, report, list)}) ranked ${from} order by ${order} limit ${size + 1}`,
    on,
  );
  return toPage(rows, size, (last) => [last[sort], last.id]);
}

async function rowsOf(statement: SQL, on: Db): Promise<ReportRow[]> {
  type Row = Omit<ReportRow, 'isArchived' | 'ownerId' | 'ownerEmail'> & {
    archived: boolean;
    owner_id: string | null;
    owner_email: string | null;
  };
  const rows = await on.execute<Row>(statement);
  return rows.map(({ archived, owner_id, owner_email, ...row }) => ({
    ...row,
    isArchived: archived,
    ownerId: owner_id === null ? null : Number(owner_id),
    ownerEmail: owner_email,
  }));
}

/** Runs under way that made attempts in the period: these are not in the sums by domain yet. */
export async function countUnfinished(actor: Actor, report: Report, on: Db = db): Promise<number> {
  const [counted] = await on.execute<{ runs: number }>(sql`
    select count(*)::int as runs from ${runs} where ${runs.status} = 'open' and ${of(actor, report, runs.ownerId)}
      and exists (
        select 1 from ${runQuarters} where ${runQuarters.runId} = ${runs.id} and ${summed(actor, report, runQuarters)}
      )`);
  return counted?.runs ?? 0;
}

/** All that the page of a report shows. */
export type WholeReport = {
  numbers: Numbers;
  /** Of the period before; null where there is none. */
  before: Numbers | null;
  steps: StepSums[];
  kinds: KindSums[];
  unfinished: number;
  lists: ({ list: ReportList; page: Page<ReportRow> } & TableAsked)[];
};

/** Reads a report as its page shows it, with its tables as they are asked for. */
export async function readWholeReport(
  actor: Actor,
  report: Report,
  tables: Record<ReportList, TableAsked>,
  on: Db = db,
): Promise<WholeReport> {
  const lists: readonly ReportList[] = [
    ...(report.whose === 'all' && report.ownerId === null ? (['senders'] as const) : []),
    'mailings',
    'messages',
    'domains',
  ];
  const [numbers, before, steps, kinds, unfinished, ...pages] = await Promise.all([
    sumPeriod(actor, report, report.period, on),
    report.before && sumPeriod(actor, report, report.before, on),
    listSteps(actor, report, on),
    listKinds(actor, report, on),
    countUnfinished(actor, report, on),
    ...lists.map(async (list) => {
      const { sort, after } = tables[list];
      return { list, ...tables[list], page: await listReportRows(actor, report, { list, sort, after }, on) };
    }),
  ]);
  return { numbers, before, steps, kinds, unfinished, lists: pages };
}

/** Each kind of trouble is told of so many at most. */
const alarmsMax = 10;

/** What managers should look at. */
export type Alarms = {
  /** Much is refused: from {@link refusedAttemptsMin} attempts on, and a share of {@link refusedShareMin}. */
  refused: ReportRow[];
  /** More complaints than {@link complainedShareMin} of the letters. */
  complained: ReportRow[];
  /** Runs that began in the period with letters of which nobody knows whether they arrived. */
  unknown: { runId: number; mailingId: number; name: string; ownerEmail: string; letters: number }[];
  /** Senders that take nothing at the moment, of the whole installation. */
  waiting: { server: string; code: string; until: Date; since: Date }[];
};

/** What needs a manager's attention, at most `limit` of each; nothing for anybody else. */
export async function findAlarms(
  actor: Actor,
  report: Report,
  on: Db = db,
  clock: Clock = systemClock,
  limit = alarmsMax,
): Promise<Alarms> {
  const now = clock.now();
  const senders = (where: SQL, order: SQL) =>
    rowsOf(
      sql`select * from (${ranked(actor, report, 'senders')}) ranked where ${where} order by ${order} limit ${limit}`,
      on,
    );
  const [refused, complained, unknown, waiting] = await Promise.all([
    senders(
      sql`sent + failed + unknown >= ${refusedAttemptsMin} and share >= ${refusedShareMin}`,
      sql`failed desc, id`,
    ),
    senders(sql`complained > sent * ${complainedShareMin}::float8`, sql`complained desc, id`),
    on.execute<{
      run_id: string;
      mailing_id: string;
      name: string;
      owner_email: string;
      letters: number;
    }>(sql`
      select ${runs.id} as run_id, ${runs.mailingId}, ${mailings.name}, ${users.email} as owner_email, ${runCounts.unknown} as letters
      from ${runs} join ${runCounts} on ${runCounts.runId} = ${runs.id} join ${mailings} on ${mailings.id} = ${runs.mailingId}
      join ${users} on ${users.id} = ${runs.ownerId}
      where ${managed(actor)} and ${begun(actor, report)} and ${runCounts.unknown} > 0
      order by ${runCounts.unknown} desc, ${runs.id} desc limit ${limit}`),
    on
      .select({
        name: transports.name,
        code: transports.waitCode,
        until: transports.waitsUntil,
        since: transports.waitsSince,
      })
      .from(transports)
      .where(and(managed(actor), gt(transports.waitsUntil, now)))
      .orderBy(desc(transports.waitsUntil))
      .limit(limit),
  ]);
  return {
    refused,
    complained,
    unknown: unknown.map((run) => ({
      runId: Number(run.run_id),
      mailingId: Number(run.mailing_id),
      name: run.name,
      ownerEmail: run.owner_email,
      letters: run.letters,
    })),
    waiting: waiting.map(({ name, code, until, since }) => ({
      server: serverOf(name) ?? name,
      code: code ?? '',
      until: until ?? now,
      since: since ?? now,
    })),
  };
}

/** What a manager is told on the overview: `count` is of all of it, each kind counted no further than the report of all users lists it. */
export type Attention = { alarms: Alarms; stuck: StuckRun[]; count: BoundedCount };

/** What the report of all users names at its usual period; null for who is no manager. */
export async function findAttention(
  actor: Actor,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<Attention | null> {
  if (!canManage(actor)) return null;
  const { report } = await findReport(actor, readReportAsked({}, 'all'), on, clock);
  if (!report) return null;
  const [alarms, stuck] = await Promise.all([
    findAlarms(actor, report, on, clock),
    listStuckRuns(actor, { ownerId: null, limit: alarmsMax }, on, clock),
  ]);
  const kinds = [stuck, ...Object.values(alarms)].map((found) => found.length);
  return {
    alarms,
    stuck,
    count: {
      value: kinds.reduce((sum, found) => sum + found, 0),
      exact: kinds.every((found) => found < alarmsMax),
    },
  };
}
