import type { BrowserContext } from '@playwright/test';
import { connect } from '@/db/client';
import { createUser, type UserRow } from './factories';
import { signInAt } from './visit';

const password = 'a long and honest passphrase';

/** Has a browser carry the session of somebody who signed in beside it: for tests of what comes after signing in. */
export async function carrySession(context: BrowserContext, base: string, email: string, word = password) {
  const cookies = (await signInAt(base, email, word)).split('; ').map((pair) => {
    const at = pair.indexOf('=');
    return { name: pair.slice(0, at), value: pair.slice(at + 1), url: base };
  });
  await context.addCookies(cookies);
}

/** Somebody new on the server of all browser tests, whom this browser is signed in as from now on. */
export async function arrive(
  context: BrowserContext,
  email: string,
  values: Partial<Pick<UserRow, 'name' | 'locale' | 'timeZone' | 'isStaff' | 'isSuperuser'>> = {},
): Promise<UserRow> {
  const { db, sql } = connect(process.env.E2E_DATABASE_URL ?? '', 1);
  const user = await createUser(db, { email, password, timeZone: 'Europe/Moscow', ...values });
  await sql.end();
  await carrySession(context, `http://localhost:${process.env.E2E_PORT}`, email);
  return user;
}
