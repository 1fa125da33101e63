import { and, type Column, eq, type SQL } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { attempts, clients, mailings, messages, runs } from '@/db/schema';
import type { Actor, NamedThing } from './rules';
import { changeable, readable } from './scopes';

/**
 * Does the thing that an address names exist for this actor? The same scopes as everywhere, in one statement; false tells
 * nothing about why.
 */
export async function mayOpen(actor: Actor, asked: NamedThing, on: Db = db): Promise<boolean> {
  const scope: (actor: Actor, ownerId: Column) => SQL = asked.verb === 'change' ? changeable : readable;
  const [id = -1, inner = -1] = asked.ids;
  switch (asked.entity) {
    case 'client':
      return some(
        on
          .select({ id: clients.id })
          .from(clients)
          .where(and(eq(clients.id, id), scope(actor, clients.ownerId))),
      );
    case 'message':
      return some(
        on
          .select({ id: messages.id })
          .from(messages)
          .where(and(eq(messages.id, id), scope(actor, messages.ownerId))),
      );
    case 'mailing':
      return some(
        on
          .select({ id: mailings.id })
          .from(mailings)
          .where(and(eq(mailings.id, id), scope(actor, mailings.ownerId))),
      );
    case 'run':
      return some(
        on
          .select({ id: runs.id })
          .from(runs)
          .where(and(eq(runs.id, inner), eq(runs.mailingId, id), scope(actor, runs.ownerId))),
      );
    case 'attempt':
      return some(
        on
          .select({ id: attempts.id })
          .from(attempts)
          .where(and(eq(attempts.id, id), scope(actor, attempts.ownerId))),
      );
  }
}

async function some(rows: PromiseLike<unknown[]>): Promise<boolean> {
  return (await rows).length > 0;
}
