import { type Db, db } from '@/db/client';
import { audit } from '@/db/schema';
import type { Actor } from '@/lib/policy/rules';

type Entry = {
  /** Verb and entity, for example `block_user`. */
  action: string;
  targetType: string;
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
