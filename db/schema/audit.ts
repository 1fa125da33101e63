import { sql } from 'drizzle-orm';
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
    /** How the target was called when it was done: an address, a name or a subject; empty when nobody could tell. */
    targetName: text('target_name').notNull().default(''),
    reason: text('reason').notNull().default(''),
    before: jsonb('before'),
    after: jsonb('after'),
    /** What substring search looks in. */
    search: text('search')
      .notNull()
      .generatedAlwaysAs(sql`lower(actor_email || ' ' || target_name || ' ' || reason)`),
    createdAt: createdAt(),
  },
  (t) => [
    index('audit_created').on(t.createdAt, t.id),
    index('audit_action').on(t.action, t.createdAt, t.id),
    index('audit_actor').on(t.actorId, t.id),
    index('audit_target').on(t.targetType, t.targetId),
    index('audit_search').using('gin', t.search.op('gin_trgm_ops')),
  ],
);
