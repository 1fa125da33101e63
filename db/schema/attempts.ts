import { sql } from 'drizzle-orm';
import { check, index, pgEnum, pgTable, smallint, text } from 'drizzle-orm/pg-core';
import { answerKinds, attemptStatuses } from '../enums';
import { id, instant, ref } from './columns';

export const attemptStatusEnum = pgEnum('attempt_status', attemptStatuses);
export const answerKindEnum = pgEnum('answer_kind', answerKinds);

/**
 * One try to hand one delivery to the mail server. While it may be on its way it stands in its batch (`intended`); here it is
 * written once, with the answer, or as `unknown` when none came. Never edited.
 */
export const attempts = pgTable(
  'attempts',
  {
    id: id(),
    /** No foreign keys, which look up a row for each: what inserts attempts joins the deliveries, and a trigger on `runs` takes them along. */
    deliveryId: ref('delivery_id').notNull(),
    runId: ref('run_id').notNull(),
    mailingId: ref('mailing_id').notNull(),
    ownerId: ref('owner_id').notNull(),
    batchId: ref('batch_id').notNull(),
    /** When it was intended, by the engine's clock: just before the hand-over. */
    attemptedAt: instant('attempted_at').notNull(),
    status: attemptStatusEnum('status').notNull(),
    /** SMTP reply code or HTTP status; null when no answer came. */
    code: smallint('code'),
    /** The server's answer in its own words, at most 2,000 characters; empty when none came. */
    response: text('response').notNull().default(''),
    /** Where in the conversation it was decided: connect, greeting, auth, mail, rcpt, data, dot, http …; empty while unknown. */
    stage: text('stage').notNull().default(''),
    /** Name of the transport. */
    transport: text('transport').notNull(),
    /** What the answer means, by lib/attempts/answers or, where nobody said, by a trigger and coarsely; null for a success. */
    kind: answerKindEnum('kind'),
  },
  (t) => [
    index('attempts_delivery').on(t.deliveryId),
    index('attempts_run').on(t.runId, t.id),
    // By time, so that a period is found as quickly as the newest.
    index('attempts_mailing').on(t.mailingId, t.attemptedAt, t.id),
    index('attempts_owner').on(t.ownerId, t.attemptedAt, t.id),
    // Of what was not taken alone: letters that are sent cost these nothing.
    index('attempts_missed').on(t.id).where(sql`${t.kind} is not null`),
    index('attempts_missed_mailing').on(t.mailingId, t.attemptedAt, t.id).where(sql`${t.kind} is not null`),
    index('attempts_missed_owner').on(t.ownerId, t.attemptedAt, t.id).where(sql`${t.kind} is not null`),
    index('attempts_kind').on(t.ownerId, t.kind, t.attemptedAt, t.id).where(sql`${t.kind} is not null`),
    check('attempts_kind_unless_taken', sql`(${t.kind} is null) = (${t.status} = 'success')`),
  ],
);
