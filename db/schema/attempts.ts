import { index, pgEnum, pgTable, smallint, text } from 'drizzle-orm/pg-core';
import { attemptStatuses } from '../enums';
import { id, instant, ref } from './columns';
import { deliveries } from './deliveries';

export const attemptStatusEnum = pgEnum('attempt_status', attemptStatuses);

/**
 * One try to hand one delivery to the mail server. Born `unknown` before the hand-over and settled once by the answer;
 * never edited after that.
 */
export const attempts = pgTable(
  'attempts',
  {
    id: id(),
    deliveryId: ref('delivery_id')
      .notNull()
      .references(() => deliveries.id, { onDelete: 'cascade' }),
    runId: ref('run_id').notNull(),
    mailingId: ref('mailing_id').notNull(),
    ownerId: ref('owner_id').notNull(),
    batchId: ref('batch_id').notNull(),
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
  },
  (t) => [
    index('attempts_delivery').on(t.deliveryId),
    index('attempts_run').on(t.runId, t.id),
    index('attempts_mailing').on(t.mailingId, t.id),
    index('attempts_owner').on(t.ownerId, t.id),
  ],
);
