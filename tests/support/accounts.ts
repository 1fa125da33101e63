import { eq } from 'drizzle-orm';
import { db } from '@/db/client';
import { letters } from '@/db/schema';
import type { Result } from '@/lib/errors';

let count = 0;

/** An address that nothing in this test file has used yet. */
export function freshAddress(): string {
  count += 1;
  return `person${count}@fresh.example`;
}

/** A visitor from a network of its own, so that no limit of another test counts. */
export function elsewhere(): { network: string; loopback: boolean } {
  count += 1;
  return { network: `somewhere-${count}`, loopback: false };
}

/** What a mutation gave; fails the test with its codes when it refused. */
export function given<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.data;
}

/** The code of a refusal, of its first field where it has some; undefined for what was done. */
export function refusal(result: Result<unknown>): string | undefined {
  return result.ok ? undefined : (Object.values(result.error.fields ?? {})[0]?.code ?? result.error.code);
}

/** The letters of the system to an address, oldest first. */
export function outboxOf(email: string): Promise<(typeof letters.$inferSelect)[]> {
  return db.select().from(letters).where(eq(letters.toEmail, email)).orderBy(letters.id);
}

/** The secret in the newest link that was mailed to an address. */
export async function secretMailedTo(email: string): Promise<string> {
  const text = (await outboxOf(email)).at(-1)?.text ?? '';
  const secret = /[?&](?:token|change)=([\w-]+)/.exec(text)?.[1];
  if (!secret) throw new Error(`no link in the newest letter to ${email}: ${text}`);
  return secret;
}
