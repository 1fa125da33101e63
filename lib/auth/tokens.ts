import { createHash, randomBytes } from 'node:crypto';
import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import type { TokenKind } from '@/db/enums';
import { tokens, users } from '@/db/schema';

/** 256 random bits, safe in addresses and cookies. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** How a secret is kept: a plain SHA-256 is enough for 256 random bits (OWASP ASVS 6.5.2). */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Makes the one living link of its kind for this user; earlier ones die. Returns the secret, which is kept nowhere. */
export async function issueToken(
  input: { userId: number; kind: TokenKind; lifeSeconds: number },
  on: Db = db,
): Promise<string> {
  const secret = newSecret();
  await on.transaction(async (tx) => {
    // The user's row makes two letters asked for at once wait for each other, so that only one link lives.
    await tx.select({ id: users.id }).from(users).where(eq(users.id, input.userId)).for('update');
    await tx.delete(tokens).where(and(eq(tokens.userId, input.userId), eq(tokens.kind, input.kind)));
    await tx.insert(tokens).values({
      tokenHash: secretHash(secret),
      userId: input.userId,
      kind: input.kind,
      expiresAt: sql`now() + make_interval(secs => ${input.lifeSeconds})`,
    });
  });
  return secret;
}

/** Kills this user's links of one kind. */
export async function dropTokens(userId: number, kind: TokenKind, on: Db = db): Promise<void> {
  await on.delete(tokens).where(and(eq(tokens.userId, userId), eq(tokens.kind, kind)));
}

function living(secret: string, kind: TokenKind) {
  return and(
    eq(tokens.tokenHash, secretHash(secret)),
    eq(tokens.kind, kind),
    isNull(tokens.usedAt),
    gt(tokens.expiresAt, sql`now()`),
  );
}

/** Uses a link up. One statement: of any number of parallel uses one gets the user's id, the others null. */
export async function useToken(secret: string, kind: TokenKind, on: Db = db): Promise<number | null> {
  const [row] = await on
    .update(tokens)
    .set({ usedAt: sql`now()` })
    .where(living(secret, kind))
    .returning({ userId: tokens.userId });
  return row?.userId ?? null;
}

/** Would the link work? Looking changes nothing. */
export async function isTokenAlive(secret: string, kind: TokenKind, on: Db = db): Promise<boolean> {
  const rows = await on.select({ userId: tokens.userId }).from(tokens).where(living(secret, kind));
  return rows.length > 0;
}
