import { and, type Column, eq, ne, not, type SQL, sql } from 'drizzle-orm';
import { type Actor, canManage } from './rules';

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

/** Every row for managers and admins, none for others: what the managers' desk shows and stops. */
export function managed(actor: Actor): SQL {
  return canManage(actor) ? sql`true` : sql`false`;
}

/** Users whom the actor may block, or unblock: `canBlock` as a condition. `null` is the command line, which blocks no admin. */
export function blockable(
  actor: Actor | null,
  user: { id: Column; isStaff: Column; isSuperuser: Column },
): SQL {
  if (actor && !canManage(actor)) return sql`false`;
  return sql`(${and(
    not(eq(user.isSuperuser, true)),
    actor && !actor.isSuperuser ? not(eq(user.isStaff, true)) : undefined,
    actor ? ne(user.id, actor.id) : undefined,
  )})`;
}
