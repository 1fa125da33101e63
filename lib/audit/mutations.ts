import { type Db, db } from '@/db/client';
import { audit } from '@/db/schema';
import type { Actor } from '@/lib/policy/rules';
import type { AuditAction } from './schema';

type Entry = {
  action: AuditAction;
  targetType: 'user' | 'mailing' | 'client' | 'message' | 'post';
  targetId: number;
  reason?: string;
  before?: unknown;
  after?: unknown;
};

/** Writes who did what to whom, in the transaction that does it. `null` is the command line. */
export async function recordAudit(actor: Actor | null, entry: Entry, on: Db = db): Promise<void> {
  await on.insert(audit).values({
    actorId: actor?.id ?? null,
    actorEmail: actor?.email ?? 'command line',
    ...entry,
  });
}
