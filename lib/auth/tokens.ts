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
  input: { userId: number; kind: TokenKind; lifeSeconds: number; newEmail?: string },
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
      newEmail: input.newEmail ?? null,
      expiresAt: sql`now() + make_interval(secs => ${input.lifeSeconds})`,
    });
  });
  return secret;
}

/** Kills this user's links of one kind; of every kind when none is named. */
export async function dropTokens(userId: number, kind: TokenKind | null, on: Db = db): Promise<void> {
  await on.delete(tokens).where(and(eq(tokens.userId, userId), kind ? eq(tokens.kind, kind) : sql`true`));
}

function living(secret: string, kind: TokenKind) {
  return and(
    eq(tokens.tokenHash, secretHash(secret)),
    eq(tokens.kind, kind),
    isNull(tokens.usedAt),
    gt(tokens.expiresAt, sql`now()`),
  );
}

/**
 * Uses a link up, inside the transaction that does what it stands for: of any number of parallel uses one gets the user, who is
 * locked, the others null. First the user is locked, then the link, in the order of {@link issueToken}, so that a new letter asked
 * for at this moment waits and is not a deadlock.
 */
export async function spendToken(
  secret: string,
  kind: TokenKind,
  tx: Db,
): Promise<{ user: typeof users.$inferSelect; newEmail: string | null } | null> {
  const [found] = await tx.select({ userId: tokens.userId }).from(tokens).where(living(secret, kind));
  if (!found) return null;
  const [user] = await tx.select().from(users).where(eq(users.id, found.userId)).for('update');
  const [spent] = await tx
    .update(tokens)
    .set({ usedAt: sql`now()` })
    .where(living(secret, kind))
    .returning({ newEmail: tokens.newEmail });
  return user && spent ? { user, newEmail: spent.newEmail } : null;
}

/** Whose link it is, while it works. Looking changes nothing. */
export async function findTokenUser(
  secret: string,
  kind: TokenKind,
  on: Db = db,
): Promise<typeof users.$inferSelect | null> {
  const [row] = await on
    .select({ user: users })
    .from(tokens)
    .innerJoin(users, eq(users.id, tokens.userId))
    .where(living(secret, kind));
  return row?.user ?? null;
}

/** The change of address that waits for its link to be opened; null when none does. */
export async function findPendingMove(
  userId: number,
  on: Db = db,
): Promise<{ email: string; expiresAt: Date } | null> {
  const [row] = await on
    .select({ email: tokens.newEmail, expiresAt: tokens.expiresAt })
    .from(tokens)
    .where(
      and(
        eq(tokens.userId, userId),
        eq(tokens.kind, 'change_email'),
        isNull(tokens.usedAt),
        gt(tokens.expiresAt, sql`now()`),
      ),
    );
  return row?.email ? { email: row.email, expiresAt: row.expiresAt } : null;
}

/** Would the link work? Looking changes nothing. */
export async function isTokenAlive(secret: string, kind: TokenKind, on: Db = db): Promise<boolean> {
  const rows = await on.select({ userId: tokens.userId }).from(tokens).where(living(secret, kind));
  return rows.length > 0;
}
