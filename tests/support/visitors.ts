import { eq } from 'drizzle-orm';
import { db } from '@/db/client';
import { users } from '@/db/schema';
import { createUser } from './factories';
import { signIn } from './sign-in';

export type Visitor = 'anonymous' | 'blocked' | 'user' | 'manager' | 'admin';

/** One of each kind that knocks at doors, signed in; the blocked one was blocked afterwards. Import `request-scope` before this. */
export async function createVisitors(domain: string) {
  const password = 'a sound password';
  const make = (name: string, roles = {}) =>
    createUser(db, { email: `${name}@${domain}`, password, ...roles });
  const people = {
    blocked: await make('blocked'),
    user: await make('user'),
    manager: await make('manager', { isStaff: true }),
    admin: await make('admin', { isStaff: true, isSuperuser: true }),
  };
  const cookies: Record<Visitor, string> = {
    anonymous: '',
    blocked: await signIn(people.blocked.email, password),
    user: await signIn(people.user.email, password),
    manager: await signIn(people.manager.email, password),
    admin: await signIn(people.admin.email, password),
  };
  await db
    .update(users)
    .set({ blockedAt: new Date(), blockedReason: 'spam' })
    .where(eq(users.id, people.blocked.id));
  return { people, cookies };
}
