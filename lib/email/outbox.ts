import { createHash } from 'node:crypto';
import { db } from '@/db/client';
import { letters } from '@/db/schema';
import type { Transport } from './letter';
import { buildMime } from './mime';

/** Characters of the raw letter that are kept for reading. */
const rawMax = 1_000_000;

/** Keeps letters in the database instead of sending them, to be read at `/outbox`. Takes every address, also `.example`. */
export function outboxTransport(name: string): Transport {
  return {
    kind: 'outbox',
    name,
    repeatsSafely: false,
    batchMax: 100,
    ready: async () => null,
    async send(batch, { signal } = {}) {
      if (batch.length === 0) return [];
      if (signal?.aborted) return batch.map(() => ({ outcome: 'untried' }));
      const ids = await db
        .insert(letters)
        .values(
          batch.map((letter) => ({
            ownerId: letter.ownerId,
            deliveryId: letter.deliveryId,
            isTest: letter.isTest ?? false,
            toEmail: letter.to.address,
            subject: letter.subject,
            html: letter.html,
            text: letter.text,
            raw: Buffer.from(buildMime(letter), 'latin1').toString('utf8').slice(0, rawMax),
          })),
        )
        .returning({ id: letters.id });
      return batch.map((_, index) => ({
        outcome: 'accepted',
        code: 250,
        response: `kept in the outbox as letter ${ids[index]?.id ?? ''}`,
        stage: 'outbox',
      }));
    },
    digest(batch) {
      const hash = createHash('sha256');
      for (const letter of batch) hash.update(buildMime(letter), 'latin1').update('\n');
      return hash.digest('hex');
    },
    close: async () => {},
  };
}
