import { type Column, eq, type SQL, sql } from 'drizzle-orm';
import type { Actor } from './rules';

/** Rows the actor may read, as a condition for the same statement. Always a condition, never undefined. */
export function readable(actor: Actor, ownerId: Column): SQL {
  return actor.isStaff || actor.isSuperuser ? sql`true` : eq(ownerId, actor.id);
}

/** Rows the actor may change, delete or send, as a condition for the same statement. */
export function changeable(actor: Actor, ownerId: Column): SQL {
  return actor.isSuperuser ? sql`true` : eq(ownerId, actor.id);
}

/** The actor's own rows: what lists, pickers and dashboards of the workspace show. */
export function own(actor: Actor, ownerId: Column): SQL {
  return eq(ownerId, actor.id);
}
