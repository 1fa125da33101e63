import type { Actor } from '@/lib/policy/rules';

/** The signed-in user, re-read from the database; null when nobody is, or the user is blocked or not confirmed. */
export async function findActor(): Promise<Actor | null> {
  return null;
}

/** The same, for actions and private pages: redirects to sign-in and back when nobody is signed in. */
export async function requireActor(): Promise<Actor> {
  throw new Error('not built yet');
}
