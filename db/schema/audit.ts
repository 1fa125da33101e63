import { index, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { createdAt, id, ref } from './columns';

/** Who did what to whom, and why. Rows outlive the accounts they speak of, so there are no foreign keys. */
export const audit = pgTable(
  'audit',
  {
    id: id(),
    /** Null when the command line or the system acted. */
    actorId: ref('actor_id'),
    /** The actor's address at the time, or `command line`. */
    actorEmail: text('actor_email').notNull(),
    /** Verb and entity, for example `block_user`. */
    action: text('action').notNull(),
    targetType: text('target_type').notNull(),
    targetId: ref('target_id'),
    reason: text('reason').notNull().default(''),
    before: jsonb('before'),
    after: jsonb('after'),
    createdAt: createdAt(),
  },
  (t) => [index('audit_target').on(t.targetType, t.targetId), index('audit_actor').on(t.actorId, t.id)],
);
