import { and, type Column, desc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { AnswerKind } from '@/db/enums';
import {
  deliveries,
  domainSums,
  kindSums,
  mailings,
  messages,
  runAnswers,
  runCounts,
  runDomains,
  runQuarters,
  runs,
  suppressions,
  transports,
  users,
} from '@/db/schema';
import { type Clock, systemClock } from '@/lib/clock';
import { addressKey, parseAddress } from '@/lib/email/address';
import type { FieldErrors } from '@/lib/errors';
import { decodeCursor, likePattern, type Page, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { managed, own } from '@/lib/policy/scopes';
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
  periodSteps,
  periodStepsMax,
  presets,
} from '@/lib/recurrence/periods';
import { isZone } from '@/lib/recurrence/slots';
import { listStuckRuns, serverOf } from '@/lib/runs/queries';
import {
  complainedShareMin,
  ownerMax,
  type ReportList,
  type ReportSort,
  type ReportTable,
  refusedAttemptsMin,
  refusedShareMin,
  reportPageSize,
  reportSorts,
} from './schema';

/*
 * Statistics of a period. Everything is read from sums by quarters of an hour (`run_quarters`, `run_domains`) or by run (`run_counts`,
 * `run_answers`), and found by owner or mailing and time: no attempt is looked at, however many there are. What there is a row of for
 * each run and domain or kind is read from the sums of whole days and months, and only at the ends of a period from those of runs.
 */

/** Whose numbers: the actor's own, or, for managers, everybody's. */
export type Whose = 'own' | 'all';

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

/** What an address asks for, as it was typed. */
export type ReportAsked = Record<
  'period' | 'from' | 'to' | 'by' | 'zone' | 'mailing' | 'message' | 'owner',
  string
>;

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

const idPattern = /^[1-9]\d{0,14}$/;

/**
 * Reads what a report is asked about from an address. Days are those of `zone`, the actor's unless another is asked for. Field codes:
 * `invalid_value` at `period`, `by`; `invalid_date` at `from`, `to`, and `to_before_from` at `to`; `invalid_zone`; `too_many_steps`
 * (`max`) at `by`; `not_found` at `mailing`, `message` and `owner`, also for what is not the actor's to read; `too_long` and `several`
 * at `owner`.
 */
export async function readReport(
  actor: Actor,
  whose: Whose,
  params: Record<string, string | string[] | undefined>,
  on: Db = db,
  clock: Clock = systemClock,
): Promise<ReportAsking> {
  const text = (name: keyof ReportAsked) => {
    const value = params[name];
    return typeof value === 'string' ? value.replaceAll('\0', '').trim() : '';
  };
  const asked: ReportAsked = {
    period: text('period').slice(0, 40),
    from: text('from').slice(0, 40),
    to: text('to').slice(0, 40),
    by: text('by').slice(0, 40),
    zone: text('zone').slice(0, 100),
    mailing: text('mailing').slice(0, 40),
    message: text('message').slice(0, 40),
    owner: whose === 'all' ? text('owner').slice(0, ownerMax) : '',
  };
  const errors: FieldErrors = {};
  const owners = whose === 'all' && text('owner') ? await findOwners(actor, text('owner'), on) : null;
  if (owners?.code) errors.owner = { code: owners.code, params: { max: ownerMax } };
  const owner = owners?.owner ?? null;

  const base = { whose, ownerId: owner?.id ?? null };
  const find = async <T>(
    name: 'mailing' | 'message',
    one: (id: number) => Promise<T | null>,
  ): Promise<T | null> => {
    if (!text(name)) return null;
    const found = idPattern.test(text(name)) ? await one(Number(text(name))) : null;
    if (!found) errors[name] = { code: 'not_found' };
    return found;
  };
  const [mailing, message, begin] = await Promise.all([
    find('mailing', (id) => findOf(actor, base, mailings, mailings.name, id, on)),
    find('message', (id) => findOf(actor, base, messages, messages.subject, id, on)),
    findBegin(actor, base, on),
  ]);

  const zone = asked.zone || actor.timeZone;
  if (!isZone(zone) || text('zone').length > 100) errors.zone = { code: 'invalid_zone' };
  const step = periodSteps.find((each) => each === text('by')) ?? null;
  if (text('by') && !step) errors.by = { code: 'invalid_value' };
  // Days are looked at even where the zone is none, so that all mistakes are named at once.
  const days = errors.zone ? 'UTC' : zone;
  const chosen = chooseDays(
    { period: text('period'), from: text('from'), to: text('to') },
    dayOf(clock.now(), days),
    begin ? dayOf(begin, days) : null,
    errors,
  );
  const period = chosen && periodOf(chosen.days, step ?? fittingStep(chosen.days), days);
  if (chosen && !period) errors.by = { code: 'too_many_steps', params: { max: periodStepsMax } };

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
  const before = daysBefore(period, chosen.preset);
  return {
    ...shared,
    report: {
      ...base,
      mailingId: mailing?.id ?? null,
      messageId: message?.id ?? null,
      zone,
      preset: chosen.preset,
      period,
      before: before && isDay(before.first) ? { ...before, ...instantsOf(before, zone) } : null,
    },
  };
}

/** Days that are named go before a preset; without either it is the last 30. */
function chooseDays(
  { period, from, to }: { period: string; from: string; to: string },
  today: string,
  begin: string | null,
  errors: FieldErrors,
): { preset: Preset | null; days: Days } | null {
  if (from || to) {
    if (from && !isDay(from)) errors.from = { code: 'invalid_date' };
    if (to && !isDay(to)) errors.to = { code: 'invalid_date' };
    if (errors.from || errors.to) return null;
    const last = to || (from > today ? from : today);
    const first = from || (begin && begin < last ? begin : last);
    if (last < first) errors.to = { code: 'to_before_from' };
    return errors.to ? null : { preset: null, days: { first, last } };
  }
  const preset = period ? presets.find((each) => each === period) : '30d';
  if (!preset) {
    errors.period = { code: 'invalid_value' };
    return null;
  }
  return { preset, days: daysOf(preset, today, begin ?? today) };
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
  if (typed.length > ownerMax) return { owner: null, code: 'too_long' };
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

/** How a table is sorted: as asked where it can be. */
function sortOf(list: ReportList, asked: unknown): ReportSort {
  return reportSorts[list].find((sort) => sort === asked) ?? reportSorts[list][0];
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
  const sort = sortOf(list, input.sort);
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
  lists: { list: ReportList; sort: ReportSort; after: string | undefined; page: Page<ReportRow> }[];
};

/** Reads a report as its page shows it; `params` say how its tables are sorted (`sort_…`) and where their pages begin (`after_…`). */
export async function readWholeReport(
  actor: Actor,
  report: Report,
  params: Record<string, string | string[] | undefined>,
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
      const sort = sortOf(list, params[`sort_${list}`]);
      const asked = params[`after_${list}`];
      const after = typeof asked === 'string' ? asked : undefined;
      return { list, sort, after, page: await listReportRows(actor, report, { list, sort, after }, on) };
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

/** A table of a report to take along: its columns, and its rows in chunks, without end. */
export type ReportExport = {
  columns: readonly string[];
  chunks: AsyncGenerator<Record<string, string | number>[], void>;
};

/** Rows that are read at once. */
const exportChunk = 500;

const attentionColumns = [
  'needs_attention',
  'name',
  'owner',
  'mailing_id',
  'run_id',
  'attempts',
  'attempts_failed',
  'complaints',
  'letters_unknown',
  'since',
  'until',
];

/** Rows of each kind that are taken along of what needs attention. */
const attentionMax = 1000;

/** What {@link findAlarms} and {@link listStuckRuns} tell, as rows of one table in the order of the page. */
async function listAttention(
  actor: Actor,
  report: Report,
  on: Db,
): Promise<Record<string, string | number>[]> {
  const [alarms, stuck] = await Promise.all([
    findAlarms(actor, report, on, systemClock, attentionMax),
    listStuckRuns(actor, { ownerId: report.ownerId, limit: attentionMax }, on),
  ]);
  const ofSender = (row: ReportRow) => ({
    name: row.name,
    owner: row.ownerEmail ?? '',
    attempts: row.sent + row.failed + row.unknown,
    attempts_failed: row.failed,
    complaints: row.complained,
  });
  return [
    ...alarms.waiting.map(({ server, since, until }) => ({
      needs_attention: 'server_waits',
      name: server,
      since: since.toISOString(),
      until: until.toISOString(),
    })),
    ...stuck.map(({ runId, mailingId, mailingName, hold }) => ({
      needs_attention: hold.kind === 'waiting' ? 'run_waits' : 'run_stands_still',
      name: mailingName,
      mailing_id: mailingId,
      run_id: runId,
      since: hold.since.toISOString(),
      until: hold.kind === 'waiting' ? hold.wait.until.toISOString() : '',
    })),
    ...alarms.refused.map((row) => ({ needs_attention: 'much_refused', ...ofSender(row) })),
    ...alarms.complained.map((row) => ({ needs_attention: 'complaints', ...ofSender(row) })),
    ...alarms.unknown.map(({ runId, mailingId, name, ownerEmail, letters }) => ({
      needs_attention: 'unknown_outcome',
      name,
      owner: ownerEmail,
      mailing_id: mailingId,
      run_id: runId,
      letters_unknown: letters,
    })),
  ];
}

/** A table of a report, whole: any number of rows takes the memory of some hundreds. */
export function exportReport(actor: Actor, report: Report, table: ReportTable, on: Db = db): ReportExport {
  const attempts = ({ sent, failed, unknown }: Tried) => ({
    letters_sent: sent,
    attempts_failed: failed,
    attempts_unknown: unknown,
  });
  const triedColumns = ['letters_sent', 'attempts_failed', 'attempts_unknown'];
  switch (table) {
    case 'steps':
      return {
        columns: ['first_day', 'last_day', ...triedColumns],
        chunks: (async function* () {
          const steps = await listSteps(actor, report, on);
          yield steps.map(({ first, last, ...sums }) => ({
            first_day: first,
            last_day: last,
            ...attempts(sums),
          }));
        })(),
      };
    case 'answers':
      return {
        columns: ['kind', 'answers', 'letters_failed', 'letters_unknown'],
        chunks: (async function* () {
          const kinds = await listKinds(actor, report, on);
          yield kinds.map((sums) => ({
            kind: sums.kind,
            answers: sums.attempts,
            letters_failed: sums.failed,
            letters_unknown: sums.unknown,
          }));
        })(),
      };
    case 'attention':
      return {
        columns: attentionColumns,
        chunks: (async function* () {
          const empty = Object.fromEntries(attentionColumns.map((column) => [column, '']));
          yield (await listAttention(actor, report, on)).map((row) => ({ ...empty, ...row }));
        })(),
      };
    default: {
      const isOfMany = report.whose === 'all' && table !== 'domains' && table !== 'senders';
      const named = { mailings: 'mailing', messages: 'message', domains: 'domain', senders: 'user' }[table];
      return {
        columns: [
          ...(table === 'domains' ? [] : [`${named}_id`]),
          named,
          ...(isOfMany ? ['owner'] : []),
          ...(table === 'domains' ? [] : ['runs']),
          ...triedColumns,
          ...(table === 'senders' ? ['complaints'] : []),
        ],
        chunks: (async function* () {
          let after: string | undefined;
          do {
            const page = await listReportRows(actor, report, { list: table, after, size: exportChunk }, on);
            yield page.items.map((row) => ({
              [`${named}_id`]: row.id === '0' ? '' : row.id,
              [named]: row.name,
              owner: row.ownerEmail ?? '',
              runs: row.runs,
              ...attempts(row),
              complaints: row.complained,
            }));
            after = page.next ?? undefined;
          } while (after);
        })(),
      };
    }
  }
}
