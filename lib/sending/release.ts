import type { Db } from '@/db/client';
import { latestSlot, nextSlotAfter, slotsBetween } from '@/lib/recurrence/slots';
import * as ledger from './ledger';

const missedMax = 4000;

/**
 * When a disable or a block is lifted: slots that came meanwhile are noted as missed and not sent, an open run younger than 24
 * hours goes on, the rest of an older one is cancelled. Belongs into the transaction that lifts the hold.
 */
export async function releaseMailings(
  on: Db,
  which: { mailingId: number } | { ownerId: number },
  now: Date,
): Promise<void> {
  const dayAgo = new Date(now.getTime() - 24 * 3600_000);
  for (const mailing of await ledger.lockHeldMailings(on, which, now)) {
    await ledger.cancelQueued(on, mailing.id, 'held_too_long', now, dayAgo);
    const latest = latestSlot(mailing.schedule, now);
    if (!latest || latest.index < mailing.nextSlotIndex) continue;
    const missed = slotsBetween(mailing.schedule, mailing.nextSlotIndex, latest.index, missedMax);
    const slots = missed.map((slot) => slot.at);
    await ledger.insertMissedRuns(on, mailing.id, slots, now);
    await ledger.moveNextSlot(on, mailing, nextSlotAfter(mailing.schedule, now), true);
  }
}
