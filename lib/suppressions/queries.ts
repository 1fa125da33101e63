import { and, eq } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { deliveries, runs, suppressions } from '@/db/schema';
import { addressKey } from '@/lib/email/address';
import { readUnsubscribeToken, testToken } from '@/lib/sending/compose/token';

/** What the unsubscribe page tells: enough to know one's own letter by, not enough to learn an address from. */
export type UnsubscribeOffer =
  | { kind: 'letter'; maskedEmail: string; fromName: string; isUnsubscribed: boolean }
  | { kind: 'test' };

/** What a link in a letter offers. Null for a link we did not make, or whose letter is gone. Changes nothing. */
export async function findUnsubscribeOffer(token: string, on: Db = db): Promise<UnsubscribeOffer | null> {
  if (token === testToken) return { kind: 'test' };
  const letter = await findLetterOfToken(token, on);
  if (!letter) return null;
  const [suppressed] = await on
    .select({ id: suppressions.id })
    .from(suppressions)
    .where(
      and(eq(suppressions.ownerId, letter.ownerId), eq(suppressions.emailKey, addressKey(letter.email))),
    );
  const { fromName, email } = letter;
  return { kind: 'letter', fromName, maskedEmail: masked(email), isUnsubscribed: suppressed !== undefined };
}

/** Whose letter a token is of: the key in it is the permission. Null for a token we did not make. */
export async function findLetterOfToken(token: string, on: Db = db) {
  const deliveryId = readUnsubscribeToken(token);
  if (deliveryId === null) return null;
  const [letter] = await on
    .select({
      deliveryId: deliveries.id,
      email: deliveries.email,
      ownerId: runs.ownerId,
      fromName: runs.fromName,
    })
    .from(deliveries)
    .innerJoin(runs, eq(runs.id, deliveries.runId))
    .where(eq(deliveries.id, deliveryId));
  return letter ?? null;
}

function masked(email: string): string {
  const at = email.lastIndexOf('@');
  const [first = ''] = email;
  return `${first}•••${email.slice(at)}`;
}
