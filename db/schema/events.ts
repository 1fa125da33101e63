import { index, jsonb, pgEnum, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { type AnswerKind, type DeliveryStatus, mailingEventKinds, type RunStatus } from '../enums';
import { id, instant, ref } from './columns';
import { mailings } from './mailings';
import { runs } from './runs';

export const mailingEventKindEnum = pgEnum('mailing_event_kind', mailingEventKinds);

/** Numbers and codes of what was done; a page has the words. */
export type EventDetail = {
  /** Letters that were queued, queued again or cancelled by it. */
  letters?: number;
  /** Of a finish: what had become of those who get the letter now. */
  outcomes?: readonly DeliveryStatus[];
  /** Of a finish: only those who failed by such answers. */
  kinds?: readonly AnswerKind[];
  /** Of a finish: of the unknown ones only what became so in these ways. */
  unknownKinds?: readonly AnswerKind[];
  /** Of a finish: when the run had ended before it, in milliseconds since 1970, and how. */
  endedAtMs?: number;
  endedAs?: RunStatus;
  /** Of an edit: what is different since. */
  fields?: readonly ('name' | 'message' | 'clients' | 'schedule' | 'end')[];
};

/**
 * What people did with a mailing, as its owner reads it. What happens by itself is told by the rows of its runs. The actor is no
 * foreign key, as in the audit log: a line outlives the account, and writing one waits for nobody's account.
 */
export const mailingEvents = pgTable(
  'mailing_events',
  {
    id: id(),
    mailingId: ref('mailing_id')
      .notNull()
      .references(() => mailings.id, { onDelete: 'cascade' }),
    actorId: ref('actor_id').notNull(),
    /** The actor's name at the time. */
    actorName: text('actor_name').notNull(),
    kind: mailingEventKindEnum('kind').notNull(),
    detail: jsonb('detail').$type<EventDetail>().notNull().default({}),
    /** Why; empty where no reason is asked for. */
    reason: text('reason').notNull().default(''),
    at: instant('at').notNull(),
  },
  (t) => [index('mailing_events_mailing').on(t.mailingId, t.at, t.id)],
);

/** The runs that an event concerns: one, both that are open, or none where it is the series alone. */
export const mailingEventRuns = pgTable(
  'mailing_event_runs',
  {
    runId: ref('run_id')
      .notNull()
      .references(() => runs.id, { onDelete: 'cascade' }),
    eventId: ref('event_id')
      .notNull()
      .references(() => mailingEvents.id, { onDelete: 'cascade' }),
  },
  (t) => [primaryKey({ columns: [t.runId, t.eventId] }), index('mailing_event_runs_event').on(t.eventId)],
);
