import { sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { audit, clients, mailings, messages, posts, users } from '@/db/schema';
import type { Actor } from '@/lib/policy/rules';
import type { AuditAction } from './schema';

type Target = 'user' | 'mailing' | 'client' | 'message' | 'post';
type Entry = {
  action: AuditAction;
  targetType: Target;
  targetId: number;
  reason?: string;
  before?: object;
  after?: object;
};

/**
 * Writes who did what to whom, in the transaction that does it, with how the target is called at that moment. Of one that is gone by
 * then `before` tells it: by `name`, `email`, `subject` or `title`. `null` is the command line.
 */
export async function recordAudit(actor: Actor | null, entry: Entry, on: Db = db): Promise<void> {
  await on.insert(audit).values({
    actorId: actor?.id ?? null,
    actorEmail: actor?.email ?? 'command line',
    ...entry,
    targetName: sql`coalesce((${called(entry)}), ${calledBefore(entry.before) ?? (entry.targetId === actor?.id ? actor.email : '')})`,
  });
}

/** The same for a change of somebody's thing; the owner's own changes are nobody else's business, and not written down. */
export async function recordForeign(actor: Actor, ownerId: number, entry: Entry, tx: Db): Promise<void> {
  if (ownerId !== actor.id) await recordAudit(actor, entry, tx);
}

/** What the target is called now. */
function called({ targetType, targetId }: Pick<Entry, 'targetType' | 'targetId'>) {
  switch (targetType) {
    case 'user':
      return sql`select ${users.email} from ${users} where ${users.id} = ${targetId}`;
    case 'mailing':
      return sql`select ${mailings.name} from ${mailings} where ${mailings.id} = ${targetId}`;
    case 'client':
      return sql`select ${clients.email} from ${clients} where ${clients.id} = ${targetId}`;
    case 'message':
      return sql`select ${messages.subject} from ${messages} where ${messages.id} = ${targetId}`;
    case 'post':
      return sql`select coalesce(nullif(${posts.title}, ''), ${posts.slug}) from ${posts} where ${posts.id} = ${targetId}`;
  }
}

function calledBefore(before: object | undefined): string | undefined {
  const fields: Record<string, unknown> = { ...before };
  return ['name', 'email', 'subject', 'title']
    .map((field) => fields[field])
    .find((value) => typeof value === 'string');
}
