import { createHash } from 'node:crypto';
import { and, desc, eq, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { letters } from '@/db/schema';
import { decodeCursor, likePattern, pageSize, toPage } from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { own } from '@/lib/policy/scopes';
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

/** Who looks into the outbox: the signed-in user, if any, and whether the request comes from this very machine. */
export type OutboxViewer = { actor: Actor | null; isLoopback: boolean };

/** One's own letters; on the machine itself also those of the system, such as confirmations. */
function visible({ actor, isLoopback }: OutboxViewer): SQL {
  const conditions = [
    ...(actor ? [own(actor, letters.ownerId)] : []),
    ...(isLoopback ? [isNull(letters.ownerId)] : []),
  ];
  return or(...conditions) ?? sql`false`;
}

/** A page of the letters that were kept, newest first; `search` is looked for in the address. */
export async function listLetters(
  viewer: OutboxViewer,
  input: { search?: string | undefined; after?: string | undefined },
  on: Db = db,
) {
  const pattern = likePattern(input.search);
  const [after] = decodeCursor(input.after) ?? [];
  const rows = await on
    .select({
      id: letters.id,
      ownerId: letters.ownerId,
      isTest: letters.isTest,
      toEmail: letters.toEmail,
      subject: letters.subject,
      createdAt: letters.createdAt,
    })
    .from(letters)
    .where(
      and(
        visible(viewer),
        pattern ? sql`lower(${letters.toEmail}) like ${pattern}` : undefined,
        typeof after === 'number' && Number.isSafeInteger(after) ? lt(letters.id, after) : undefined,
      ),
    )
    .orderBy(desc(letters.id))
    .limit(pageSize + 1);
  return toPage(rows, pageSize, (row) => [row.id]);
}

/** One kept letter, with its MIME; null when there is none that the viewer may read. */
export async function findLetter(viewer: OutboxViewer, id: number, on: Db = db) {
  const [row] = await on
    .select()
    .from(letters)
    .where(and(eq(letters.id, id), visible(viewer)));
  return row ?? null;
}
