import { sql } from 'drizzle-orm';
import {
  check,
  foreignKey,
  index,
  integer,
  pgEnum,
  pgTable,
  pgView,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { runKinds, runStatuses } from '../enums';
import { id, instant, ref } from './columns';
import { mailings } from './mailings';
import { messages } from './messages';
import { localeEnum } from './users';

export const runKindEnum = pgEnum('run_kind', runKinds);
export const runStatusEnum = pgEnum('run_status', runStatuses);

/** One occurrence of a mailing, with the letter frozen as it was when the run opened. */
export const runs = pgTable(
  'runs',
  {
    id: id(),
    mailingId: ref('mailing_id').notNull(),
    ownerId: ref('owner_id').notNull(),
    /** The message it was opened with; null when that is deleted, and for a missed run. */
    messageId: ref('message_id').references(() => messages.id, { onDelete: 'set null' }),
    kind: runKindEnum('kind').notNull(),
    /** The slot of a scheduled run; null for a manual one. */
    slotAt: instant('slot_at'),
    status: runStatusEnum('status').notNull(),
    /** Held by the owner's pause since; null = not held. */
    pausedAt: instant('paused_at'),
    /** Nothing leaves after it: manual runs and finished ones. Null: the mailing's `ends_at` holds. */
    deadlineAt: instant('deadline_at'),
    /** Frozen Liquid template, one line. Empty for a missed run. */
    subject: text('subject').notNull(),
    /** Frozen HTML template. Empty for a missed run. */
    body: text('body').notNull(),
    /** Frozen display name of the sender. */
    fromName: text('from_name').notNull(),
    fromEmail: text('from_email').notNull(),
    replyTo: text('reply_to').notNull(),
    /** Frozen base of links, without a trailing slash. */
    linkBase: text('link_base').notNull(),
    /** Name of the transport that took its latest batch; null before the first. */
    transport: text('transport'),
    openedAt: instant('opened_at').notNull(),
    /** Frozen language of what Mailroom itself adds to the letter. */
    locale: localeEnum('locale').notNull().default('en'),
    /** What was queued is cancelled since; the run ends when what is in flight has ended. Null: not stopped. */
    stoppedAt: instant('stopped_at'),
    /** When the run last ended; null while it is open. */
    closedAt: instant('closed_at'),
    /** The first delivery that nobody has claimed yet; null when all have been. Set by a trigger when deliveries are inserted. */
    nextDeliveryId: ref('next_delivery_id'),
    /** The last delivery the run was opened with; null before. */
    lastDeliveryId: ref('last_delivery_id'),
    /** Which queue a claim looks at next: the run served least recently goes first. */
    servedAt: instant('served_at').notNull(),
  },
  (t) => [
    foreignKey({
      name: 'runs_mailing_of_owner',
      columns: [t.mailingId, t.ownerId],
      foreignColumns: [mailings.id, mailings.ownerId],
    }).onDelete('cascade'),
    uniqueIndex('runs_mailing_slot').on(t.mailingId, t.slotAt).where(sql`${t.kind} = 'scheduled'`),
    uniqueIndex('runs_one_open').on(t.mailingId, t.kind).where(sql`${t.status} = 'open'`),
    index('runs_open').on(t.servedAt).where(sql`${t.status} = 'open'`),
    index('runs_mailing_id').on(t.mailingId, t.id),
    index('runs_owner_id').on(t.ownerId, t.id),
    // For reports, which ask what became of the runs of a period.
    index('runs_owner_opened').on(t.ownerId, t.openedAt),
    index('runs_opened').on(t.openedAt),
    index('runs_message').on(t.messageId, t.id),
    check('runs_slot_by_kind', sql`(${t.kind} = 'scheduled') = (${t.slotAt} is not null)`),
    check('runs_closed_when_over', sql`(${t.status} = 'open') = (${t.closedAt} is null)`),
  ],
);

/**
 * How a run's deliveries and attempts stand. Written by triggers in the very transaction that moves the rows, so it can
 * not drift from them; the check makes a miscount impossible to commit.
 */
export const runCounts = pgTable(
  'run_counts',
  {
    runId: ref('run_id')
      .primaryKey()
      .references(() => runs.id, { onDelete: 'cascade' }),
    mailingId: ref('mailing_id').notNull(),
    ownerId: ref('owner_id').notNull(),
    total: integer('total').notNull().default(0),
    /** Not ended: queued, or in flight. {@link runTallies} tells the two apart. */
    queued: integer('queued').notNull().default(0),
    sent: integer('sent').notNull().default(0),
    failed: integer('failed').notNull().default(0),
    skipped: integer('skipped').notNull().default(0),
    expired: integer('expired').notNull().default(0),
    cancelled: integer('cancelled').notNull().default(0),
    unknown: integer('unknown').notNull().default(0),
    attemptsSucceeded: integer('attempts_succeeded').notNull().default(0),
    attemptsFailed: integer('attempts_failed').notNull().default(0),
    attemptsUnknown: integer('attempts_unknown').notNull().default(0),
  },
  (t) => [
    index('run_counts_mailing').on(t.mailingId),
    index('run_counts_owner').on(t.ownerId),
    check(
      'run_counts_add_up',
      sql`${t.total} = ${t.queued} + ${t.sent} + ${t.failed} + ${t.skipped} + ${t.expired} + ${t.cancelled} + ${t.unknown}`,
    ),
    check(
      'run_counts_not_negative',
      sql`least(${t.queued}, ${t.sent}, ${t.failed}, ${t.skipped}, ${t.expired}, ${t.cancelled}, ${t.unknown}, ${t.attemptsSucceeded}, ${t.attemptsFailed}, ${t.attemptsUnknown}) >= 0`,
    ),
  ],
);

/** How a run stands, as people see it: what live batches have claimed is `sending`, the rest of what has not ended is `queued`. */
export const runTallies = pgView('run_tallies', {
  runId: ref('run_id').notNull(),
  mailingId: ref('mailing_id').notNull(),
  ownerId: ref('owner_id').notNull(),
  total: integer('total').notNull(),
  queued: integer('queued').notNull(),
  sending: integer('sending').notNull(),
  sent: integer('sent').notNull(),
  failed: integer('failed').notNull(),
  skipped: integer('skipped').notNull(),
  expired: integer('expired').notNull(),
  cancelled: integer('cancelled').notNull(),
  unknown: integer('unknown').notNull(),
  attemptsSucceeded: integer('attempts_succeeded').notNull(),
  attemptsFailed: integer('attempts_failed').notNull(),
  attemptsUnknown: integer('attempts_unknown').notNull(),
}).as(sql`
  select c.run_id, c.mailing_id, c.owner_id, c.total, c.queued - b.outstanding as queued, b.outstanding as sending,
    c.sent, c.failed, c.skipped, c.expired, c.cancelled, c.unknown, c.attempts_succeeded, c.attempts_failed, c.attempts_unknown
  from run_counts c cross join lateral (
    select coalesce(sum(outstanding), 0)::int as outstanding from batches where run_id = c.run_id and ended_at is null
  ) b`);

/**
 * Runs out of which letters may go now as far as anybody's switches are concerned, until `until`: every statement that claims or
 * hands over asks here.
 */
export const sendableRuns = pgView('sendable_runs', {
  id: ref('id').notNull(),
  mailingId: ref('mailing_id').notNull(),
  ownerId: ref('owner_id').notNull(),
  until: instant('until').notNull(),
}).as(sql`
  select r.id, r.mailing_id, r.owner_id, coalesce(r.deadline_at, m.ends_at, 'infinity') as until
  from runs r join mailings m on m.id = r.mailing_id join users u on u.id = r.owner_id
  where r.status = 'open' and r.paused_at is null and r.stopped_at is null and m.disabled_at is null and u.blocked_at is null`);
