import { sql } from 'drizzle-orm';
import { check, index, integer, pgEnum, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { answerKindEnum } from './attempts';
import { instant, ref } from './columns';
import { mailings } from './mailings';
import { runs } from './runs';

/*
 * Sums of attempts and of what did not arrive, so that no page has to count them. Written in the transaction that writes the rows, like
 * `run_counts` and always after it: who holds the counts of a run is alone with its sums, and engines do not deadlock.
 */

const ofRun = () =>
  ref('run_id')
    .notNull()
    .references(() => runs.id, { onDelete: 'cascade' });
const ended = () => ({
  succeeded: integer('succeeded').notNull().default(0),
  failed: integer('failed').notNull().default(0),
  unknown: integer('unknown').notNull().default(0),
});

/** Attempts of a run, by the minute in which they were made: how fast it went. */
export const runMinutes = pgTable(
  'run_minutes',
  {
    runId: ofRun(),
    /** The beginning of the minute. */
    minuteAt: instant('minute_at').notNull(),
    ...ended(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.minuteAt] }),
    check('run_minutes_not_negative', sql`least(${t.succeeded}, ${t.failed}, ${t.unknown}) >= 0`),
  ],
);

/**
 * The same by quarters of an hour, for reports: days of every zone there is begin with one. A success is a letter sent, since none is
 * sent twice. By message: join `runs`.
 */
export const runQuarters = pgTable(
  'run_quarters',
  {
    runId: ofRun(),
    /** The beginning of the quarter of an hour. */
    quarterAt: instant('quarter_at').notNull(),
    ownerId: ref('owner_id').notNull(),
    mailingId: ref('mailing_id').notNull(),
    ...ended(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.quarterAt] }),
    index('run_quarters_owner').on(t.ownerId, t.quarterAt),
    index('run_quarters_mailing').on(t.mailingId, t.quarterAt),
    index('run_quarters_at').on(t.quarterAt),
    check('run_quarters_not_negative', sql`least(${t.succeeded}, ${t.failed}, ${t.unknown}) >= 0`),
  ],
);

/**
 * The same once more by the recipient's domain, of runs that are over: what is under way would need a row for each domain in each
 * parcel. Written by a trigger when a run closes, and taken away when it is opened again to be finished.
 */
export const runDomains = pgTable(
  'run_domains',
  {
    runId: ofRun(),
    /** What stands behind the @, in lower case. */
    domain: text('domain').notNull(),
    /** The beginning of the quarter of an hour. */
    quarterAt: instant('quarter_at').notNull(),
    ownerId: ref('owner_id').notNull(),
    mailingId: ref('mailing_id').notNull(),
    ...ended(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.domain, t.quarterAt] }),
    index('run_domains_owner').on(t.ownerId, t.quarterAt),
    index('run_domains_mailing').on(t.mailingId, t.quarterAt),
    index('run_domains_at').on(t.quarterAt),
    check('run_domains_not_negative', sql`least(${t.succeeded}, ${t.failed}, ${t.unknown}) >= 0`),
  ],
);

/** What did not arrive in a run, by what the answer means and by the recipient's domain. */
export const runAnswers = pgTable(
  'run_answers',
  {
    runId: ofRun(),
    /** What stands behind the @, in lower case; empty: of all domains. */
    domain: text('domain').notNull(),
    kind: answerKindEnum('kind').notNull(),
    /** Attempts that were answered so, those that were tried again later among them. */
    attempts: integer('attempts').notNull().default(0),
    /** Deliveries that stand so now: what is finished later leaves these. */
    failed: integer('failed').notNull().default(0),
    unknown: integer('unknown').notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.domain, t.kind] }),
    check('run_answers_not_negative', sql`least(${t.attempts}, ${t.failed}, ${t.unknown}) >= 0`),
  ],
);

export const sumSpanEnum = pgEnum('sum_span', ['day', 'month']);

/*
 * Sums of sums, so that a period of years costs no more than its months. Of runs that are over, like `run_domains`; written when a run
 * closes, is opened again or goes, by triggers that take one lock first: those who write here go one after the other.
 */

/** `run_domains` by owner, and by everybody, in the days and months of UTC. Left out where there was nothing. */
export const domainSums = pgTable(
  'domain_sums',
  {
    /** 0: of everybody. */
    ownerId: ref('owner_id').notNull(),
    span: sumSpanEnum('span').notNull(),
    /** The beginning of the day or month in UTC. */
    beginsAt: instant('begins_at').notNull(),
    /** What stands behind the @, in lower case. */
    domain: text('domain').notNull(),
    ...ended(),
  },
  (t) => [
    primaryKey({ columns: [t.ownerId, t.span, t.beginsAt, t.domain] }),
    check('domain_sums_not_negative', sql`least(${t.succeeded}, ${t.failed}, ${t.unknown}) >= 0`),
  ],
);

const answered = () => ({
  attempts: integer('attempts').notNull().default(0),
  failed: integer('failed').notNull().default(0),
  unknown: integer('unknown').notNull().default(0),
});

/** `run_answers` of all domains by owner, and by everybody, in the days of UTC on which the runs were opened. */
export const kindSums = pgTable(
  'kind_sums',
  {
    /** 0: of everybody. */
    ownerId: ref('owner_id').notNull(),
    /** The beginning of the day in UTC. */
    dayAt: instant('day_at').notNull(),
    kind: answerKindEnum('kind').notNull(),
    ...answered(),
  },
  (t) => [
    primaryKey({ columns: [t.ownerId, t.dayAt, t.kind] }),
    check('kind_sums_not_negative', sql`least(${t.attempts}, ${t.failed}, ${t.unknown}) >= 0`),
  ],
);

/** `run_answers` of a mailing's runs together. */
export const mailingAnswers = pgTable(
  'mailing_answers',
  {
    mailingId: ref('mailing_id')
      .notNull()
      .references(() => mailings.id, { onDelete: 'cascade' }),
    /** As in `run_answers`. */
    domain: text('domain').notNull(),
    kind: answerKindEnum('kind').notNull(),
    ...answered(),
  },
  (t) => [
    primaryKey({ columns: [t.mailingId, t.domain, t.kind] }),
    check('mailing_answers_not_negative', sql`least(${t.attempts}, ${t.failed}, ${t.unknown}) >= 0`),
  ],
);
