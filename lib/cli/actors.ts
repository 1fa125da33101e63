import type { Actor } from '@/lib/policy/rules';
import type { UserRow } from '@/lib/users/queries';
import { CommandFailed } from './output';

/** Whoever runs commands on this machine may read everything; what is changed is changed as its owner. */
export const commandLine: Actor = {
  id: 0,
  email: 'command line',
  name: 'command line',
  isStaff: true,
  isSuperuser: true,
  timeZone: 'UTC',
  locale: 'en',
};

/** The account of an address; fails in plain words when there is none. */
export async function getUser(email: string): Promise<UserRow> {
  const { findUserByEmail } = await import('@/lib/users/queries');
  const user = await findUserByEmail(email);
  if (!user) throw new CommandFailed(`There is no user ${email}.`);
  return user;
}

/** The owner named by `--owner`, as the one who acts. */
export async function getOwner(email: string): Promise<Actor> {
  const { actorOf } = await import('@/lib/users/queries');
  return actorOf(await getUser(email));
}
