import type { Db } from '@/db/client';
import type { MailingEventKind } from '@/db/enums';
import { type EventDetail, mailingEventRuns, mailingEvents } from '@/db/schema';
import type { Actor } from '@/lib/policy/rules';

export type NewEvent = {
  mailingId: number;
  kind: MailingEventKind;
  at: Date;
  /** The runs it concerns; none where it is the series alone. */
  runIds?: readonly number[];
  detail?: EventDetail;
  reason?: string;
};

/** Adds a line to the history of a mailing and of its runs, in the transaction that does what it tells. */
export async function recordEvent(actor: Actor, event: NewEvent, tx: Db): Promise<void> {
  const { runIds = [], ...line } = event;
  const [written] = await tx
    .insert(mailingEvents)
    .values({ ...line, actorId: actor.id, actorName: actor.name })
    .returning({ id: mailingEvents.id });
  if (!written) throw new Error('an insert returned no row');
  if (runIds.length > 0)
    await tx.insert(mailingEventRuns).values(runIds.map((runId) => ({ runId, eventId: written.id })));
}
