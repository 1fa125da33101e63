import { eq } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { users } from '@/db/schema';
import { addressKey, parseAddress } from '@/lib/email/address';
import type { Actor } from '@/lib/policy/rules';

export type UserRow = typeof users.$inferSelect;

/** The user as the one who acts. The row has to be fresh: roles and blocks change. */
export function actorOf(user: UserRow): Actor {
  const { id, email, name, isStaff, isSuperuser, timeZone, locale } = user;
  return { id, email, name, isStaff, isSuperuser, timeZone, locale };
}

/** The account of an address, in whatever case it is typed; null when there is none. For signing in and the command line. */
export async function findUserByEmail(email: string, on: Db = db): Promise<UserRow | null> {
  const address = parseAddress(email);
  if (!address) return null;
  const [row] = await on
    .select()
    .from(users)
    .where(eq(users.emailKey, addressKey(address)));
  return row ?? null;
}
