import { cookies, headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { cache } from 'react';
import { auth, endSession, signIn, signInAnswer, signOut } from '@/lib/auth/config';
import { cookieName, cookieOptions } from '@/lib/auth/cookies';
import { isLoopback, networkOf } from '@/lib/auth/network';
import { pathHeader, safeNext } from '@/lib/auth/route-rules';
import { env } from '@/lib/env';
import type { Result } from '@/lib/errors';
import { localizedPath, splitLocale } from '@/lib/i18n/paths';
import type { Actor } from '@/lib/policy/rules';
import type { UserRow } from '@/lib/users/queries';

/** One look at the session a request, however many components ask. */
const readSession = cache(async () => {
  const session = await auth();
  if (session?.unknown) throw new Error('the session could not be read');
  return session;
});

/** The signed-in user, re-read from the database; null when nobody is, or the user is blocked or not confirmed. */
export async function findActor(): Promise<Actor | null> {
  return (await readSession())?.actor ?? null;
}

/** The same, for actions and private pages: redirects to sign-in and back when nobody is signed in. */
export async function requireActor(): Promise<Actor> {
  const actor = await findActor();
  if (actor) return actor;
  const { DEFAULT_LOCALE } = env();
  const asked = safeNext((await headers()).get(pathHeader));
  const { locale, path } = splitLocale(asked ?? '/', DEFAULT_LOCALE);
  redirect(localizedPath(locale, asked ? loginPath(path) : '/login', DEFAULT_LOCALE));
}

/** Sign-in that leads back to `path` (without locale). */
export function loginPath(path: string): string {
  return `/login?${new URLSearchParams({ next: path })}`;
}

/** The secret of this request's session; null when there is none. */
export async function currentSecret(): Promise<string | null> {
  const session = await readSession();
  // On the server next-auth puts the token beside what the session callback returned; the public endpoint never has it.
  const token = session?.user as { secret?: string } | undefined;
  return token?.secret ?? null;
}

/**
 * Checks e-mail and password and puts the session cookie. A session that this browser had ends. Refuses with the codes of
 * `checkSignIn`.
 */
export async function openSession(input: { email: string; password: string }): Promise<Result<UserRow>> {
  const before = await currentSecret();
  const answer: { result?: Result<UserRow> } = {};
  try {
    await signInAnswer.run(answer, () =>
      signIn('credentials', { ...input, redirect: false, redirectTo: '/' }),
    );
  } catch (error) {
    if (!answer.result || answer.result.ok) throw error;
  }
  if (!answer.result) throw new Error('sign-in was not answered');
  if (answer.result.ok && before) await endSession(before);
  return answer.result;
}

/** Ends this browser's session, in the database too, and takes its cookie. */
export async function closeSession(): Promise<void> {
  await signOut({ redirect: false, redirectTo: '/' });
}

/** Where this request came from: what rate limits count, and whether it started on this very machine. */
export async function requestOrigin(): Promise<{ network: string; loopback: boolean }> {
  const list = await headers();
  return { network: networkOf(list), loopback: isLoopback(list) };
}

/** Remembers for "check your mail" which address was typed, for an hour and in this browser only. */
export async function rememberMailed(email: string): Promise<void> {
  (await cookies()).set(cookieName('mailed'), email, { ...cookieOptions(), maxAge: 3600 });
}

/** The address this browser last had a letter sent to. */
export async function findMailed(): Promise<string | undefined> {
  return (await cookies()).get(cookieName('mailed'))?.value;
}
