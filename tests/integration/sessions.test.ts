import { eq, sql } from 'drizzle-orm';
import { NextRequest } from 'next/server';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { sessions, users } from '@/db/schema';
import { findSessionUser, handlers, startSession } from '@/lib/auth/config';
import { blockUser, changePassword, unblockUser } from '@/lib/users/mutations';
import { asActor, createUser } from '@/tests/support/factories';

const password = 'a sound password';
const at = 'http://localhost:3000/api/auth';
type Cookies = Record<string, string>;

async function call(method: 'GET' | 'POST', path: string, jar: Cookies, body?: Record<string, string>) {
  const request = new NextRequest(`${at}/${path}`, {
    method,
    headers: {
      cookie: Object.entries(jar)
        .map(([name, value]) => `${name}=${value}`)
        .join('; '),
      'content-type': 'application/x-www-form-urlencoded',
      host: 'localhost:3000',
    },
    ...(body ? { body: new URLSearchParams(body).toString() } : {}),
  });
  const response = await handlers[method](request);
  const set = response.headers.getSetCookie();
  for (const line of set) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value) jar[name] = value;
    else delete jar[name];
  }
  return { response, set };
}

/** A browser that has signed in, by the very route that next-auth offers. */
async function browser(email: string, typed = password) {
  const jar: Cookies = {};
  const { response } = await call('GET', 'csrf', jar);
  const { csrfToken } = (await response.json()) as { csrfToken: string };
  const { set } = await call('POST', 'callback/credentials', jar, { email, password: typed, csrfToken });
  return { jar, csrfToken, set };
}

/** Who the site takes this browser for; null for nobody. Leaves the jar alone, as a thief's copy would. */
async function seenAs(jar: Cookies): Promise<string | null> {
  const { response } = await call('GET', 'session', { ...jar });
  const session = (await response.json()) as { actor?: { email: string } } | null;
  return session?.actor?.email ?? null;
}

describe('a session', () => {
  it('begins with the right password, in a cookie that no script reads', async () => {
    const user = await createUser(db, { email: 'begins@sessions.example', password });
    const { jar, set } = await browser(user.email);
    expect(await seenAs(jar)).toBe(user.email);
    const cookie = set.find((line) => line.startsWith('mailroom.session='));
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).toMatch(/SameSite=Lax/i);
    expect(cookie).toMatch(/Path=\//i);
  });

  it('does not begin with a wrong one, nor without the form’s own token', async () => {
    const user = await createUser(db, { email: 'wrong@sessions.example', password });
    expect(await seenAs((await browser(user.email, 'not the one')).jar)).toBeNull();
    const jar: Cookies = {};
    await call('POST', 'callback/credentials', jar, { email: user.email, password });
    expect(await seenAs(jar)).toBeNull();
  });

  it('ends with signing out, also for a copy of its cookie', async () => {
    const user = await createUser(db, { email: 'out@sessions.example', password });
    const { jar, csrfToken } = await browser(user.email);
    const stolen = { ...jar };
    await call('POST', 'signout', jar, { csrfToken });
    expect(jar['mailroom.session']).toBeUndefined();
    expect(await seenAs(stolen)).toBeNull();
  });

  it('ends the moment its user is blocked, and does not come back when the block is lifted', async () => {
    const user = await createUser(db, { email: 'blocked@sessions.example', password });
    const { jar } = await browser(user.email);
    await blockUser(null, { userId: user.id, reason: 'spam' });
    expect(await seenAs(jar)).toBeNull();
    await unblockUser(null, { userId: user.id });
    expect(await seenAs(jar)).toBeNull();
  });

  it('is refused while its user is blocked even if its row were still there', async () => {
    const user = await createUser(db, { email: 'row@sessions.example', password });
    const secret = await startSession(user.id, '');
    await db.update(users).set({ blockedAt: sql`now()`, blockedReason: 'spam' }).where(eq(users.id, user.id));
    expect(await findSessionUser(user.id, secret)).toBeNull();
  });

  it('stays in the browser that changed the password, and ends in all others', async () => {
    const user = await createUser(db, { email: 'change@sessions.example', password });
    const here = await startSession(user.id, '');
    const { jar } = await browser(user.email);
    await changePassword(asActor(user), { oldPassword: password, password: 'another sound one' }, here);
    expect(await findSessionUser(user.id, here)).not.toBeNull();
    expect(await seenAs(jar)).toBeNull();
  });

  it('tells the roles of this moment, not those of sign-in', async () => {
    const user = await createUser(db, { email: 'roles@sessions.example', isStaff: true });
    const secret = await startSession(user.id, '');
    await db.update(users).set({ isStaff: false }).where(eq(users.id, user.id));
    expect((await findSessionUser(user.id, secret))?.isStaff).toBe(false);
  });

  it('ends a week after the last visit and a month after sign-in', async () => {
    const user = await createUser(db, { email: 'idle@sessions.example' });
    const secret = await startSession(user.id, '');
    await db
      .update(sessions)
      .set({ lastSeenAt: sql`now() - interval '6 days'` })
      .where(eq(sessions.userId, user.id));
    expect(await findSessionUser(user.id, secret)).not.toBeNull();
    const [seen] = await db.select().from(sessions).where(eq(sessions.userId, user.id));
    expect(Date.now() - (seen?.lastSeenAt.getTime() ?? 0)).toBeLessThan(60_000);
    await db
      .update(sessions)
      .set({ lastSeenAt: sql`now() - interval '8 days'` })
      .where(eq(sessions.userId, user.id));
    expect(await findSessionUser(user.id, secret)).toBeNull();
    await db
      .update(sessions)
      .set({ lastSeenAt: sql`now()`, expiresAt: sql`now() - interval '1 second'` })
      .where(eq(sessions.userId, user.id));
    expect(await findSessionUser(user.id, secret)).toBeNull();
  });

  it('belongs to its user only, and a made-up cookie to nobody', async () => {
    const [ada, grace] = [await createUser(db), await createUser(db)];
    const secret = await startSession(ada.id, '');
    expect(await findSessionUser(grace.id, secret)).toBeNull();
    expect(await seenAs({ 'mailroom.session': 'made up' })).toBeNull();
  });
});
