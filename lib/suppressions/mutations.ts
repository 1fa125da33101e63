import { ne, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { suppressions } from '@/db/schema';
import { addressKey } from '@/lib/email/address';
import { done, type Result, refuse } from '@/lib/errors';
import { testToken } from '@/lib/sending/compose/token';
import { findLetterOfToken } from './queries';

/**
 * Never write to this address again, for the owner whose letter the token is of. Doing it twice is the same as once; an address
 * that was suppressed for another reason keeps it. Code: `not_found` for a token we did not make.
 */
export async function unsubscribeByToken(token: string, on: Db = db): Promise<Result<{ token: string }>> {
  if (token === testToken) return done({ token });
  const letter = await findLetterOfToken(token, on);
  if (!letter) return refuse('not_found');
  await on
    .insert(suppressions)
    .values({
      ownerId: letter.ownerId,
      emailKey: addressKey(letter.email),
      reason: 'unsubscribed',
      deliveryId: letter.deliveryId,
    })
    .onConflictDoNothing();
  return done({ token });
}

/**
 * Never write to this address again, for the owner whose letter came back for good or was called spam. In any order and any number
 * of times the same: a complaint outweighs every other reason, and a bounce none. Code: `not_found` for a token we did not make.
 */
export async function suppressByNews(
  { token, reason }: { token: string; reason: 'bounced' | 'complained' },
  on: Db = db,
): Promise<Result<{ ownerId: number; emailKey: string }>> {
  const letter = await findLetterOfToken(token, on);
  if (!letter) return refuse('not_found');
  const { ownerId, deliveryId } = letter;
  const emailKey = addressKey(letter.email);
  const insert = on.insert(suppressions).values({ ownerId, emailKey, reason, deliveryId });
  if (reason === 'bounced') await insert.onConflictDoNothing();
  else
    await insert.onConflictDoUpdate({
      target: [suppressions.ownerId, suppressions.emailKey],
      set: { reason, deliveryId, createdAt: sql`now()` },
      setWhere: ne(suppressions.reason, 'complained'),
    });
  return done({ ownerId, emailKey });
}
