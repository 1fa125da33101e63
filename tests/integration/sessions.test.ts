import { eq, sql } from 'drizzle-orm';
import { NextRequest } from 'next/server';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { sessions, users } from '@/db/schema';
import {
  endOtherSessions,
  endSessionOf,
  findSessionUser,
  handlers,
  listSessions,
  startSession,
} from '@/lib/auth/config';
import { peerHeader } from '@/lib/auth/network';
import { blockUser, changePassword, unblockUser } from '@/lib/users/mutations';
import { asActor, createUser } from '@/tests/support/factories';

const password = 'a sound password';
const at = 'http://localhost:3000/api/auth';
type Cookies = Record<string, string>;

async function call(
  method: 'GET' | 'POST',
  path: string,
  jar: Cookies,
  body?: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const request = new NextRequest(`${at}/${path}`, {
    method,
    headers: {
      cookie: Object.entries(jar)
        .map(([name, value]) => `${name}=${value}`)
        .join('; '),
      'content-type': 'application/x-www-form-urlencoded',
      host: 'localhost:3000',
      ...headers,
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
async function browser(email: string, typed = password, headers: Record<string, string> = {}) {
  const jar: Cookies = {};
  const { response } = await call('GET', 'csrf', jar);
  const { csrfToken } = (await response.json()) as { csrfToken: string };
  const { set } = await call(
    'POST',
    'callback/credentials',
    jar,
    { email, password: typed, csrfToken },
    headers,
  );
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
    const secret = await startSession(user.id);
    await db.update(users).set({ blockedAt: sql`now()`, blockedReason: 'spam' }).where(eq(users.id, user.id));
    expect(await findSessionUser(user.id, secret)).toBeNull();
  });

  it('stays in the browser that changed the password, and ends in all others', async () => {
    const user = await createUser(db, { email: 'change@sessions.example', password });
    const here = await startSession(user.id);
    const { jar } = await browser(user.email);
    await changePassword(asActor(user), { oldPassword: password, password: 'another sound one' }, here);
    expect(await findSessionUser(user.id, here)).not.toBeNull();
    expect(await seenAs(jar)).toBeNull();
  });

  it('tells the roles of this moment, not those of sign-in', async () => {
    const user = await createUser(db, { email: 'roles@sessions.example', isStaff: true });
    const secret = await startSession(user.id);
    await db.update(users).set({ isStaff: false }).where(eq(users.id, user.id));
    expect((await findSessionUser(user.id, secret))?.isStaff).toBe(false);
  });

  it('ends a week after the last visit and a month after sign-in', async () => {
    const user = await createUser(db, { email: 'idle@sessions.example' });
    const secret = await startSession(user.id);
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
    const secret = await startSession(ada.id);
    expect(await findSessionUser(grace.id, secret)).toBeNull();
    expect(await seenAs({ 'mailroom.session': 'made up' })).toBeNull();
  });
});

describe('the list of one’s sessions', () => {
  const names = async (user: Awaited<ReturnType<typeof createUser>>, secret: string | null) =>
    (await listSessions(asActor(user), secret)).map(({ userAgent }) => userAgent);

  it('shows this browser first and marked, then those seen last, with device and network', async () => {
    const user = await createUser(db, { email: 'list@sessions.example', password });
    await startSession(user.id, { userAgent: 'phone', network: '192.0.2.7' });
    const here = await startSession(user.id, { userAgent: 'here' });
    await startSession(user.id, { userAgent: 'tablet' });
    await db
      .update(sessions)
      .set({ lastSeenAt: sql`now() - interval '2 days'` })
      .where(eq(sessions.userAgent, 'phone'));
    const listed = await listSessions(asActor(user), here);
    expect(listed.map(({ userAgent, network, isThis }) => [userAgent, network, isThis])).toEqual([
      ['here', '', true],
      ['tablet', '', false],
      ['phone', '192.0.2.7', false],
    ]);
    expect(JSON.stringify(listed)).not.toMatch(/[0-9a-f]{64}/);
  });

  it('names the network that signed in, which no header of the visitor can change', async () => {
    const user = await createUser(db, { email: 'network@sessions.example', password });
    await browser(user.email, password, {
      [peerHeader()]: '198.51.100.9',
      'x-forwarded-for': '203.0.113.1',
      'user-agent': 'a browser',
    });
    const [session] = await listSessions(asActor(user), null);
    expect(session).toMatchObject({ userAgent: 'a browser', network: '198.51.100.9', isThis: false });
  });

  it('leaves out what has ended by itself', async () => {
    const user = await createUser(db);
    await startSession(user.id, { userAgent: 'idle' });
    await startSession(user.id, { userAgent: 'over' });
    await startSession(user.id, { userAgent: 'alive' });
    await db
      .update(sessions)
      .set({ lastSeenAt: sql`now() - interval '8 days'` })
      .where(eq(sessions.userAgent, 'idle'));
    await db
      .update(sessions)
      .set({ expiresAt: sql`now() - interval '1 second'` })
      .where(eq(sessions.userAgent, 'over'));
    expect(await names(user, null)).toEqual(['alive']);
  });

  it('ends one of them there, at once, and no other', async () => {
    const user = await createUser(db, { email: 'there@sessions.example', password });
    const here = await startSession(user.id, { userAgent: 'here' });
    const { jar } = await browser(user.email, password, { 'user-agent': 'there' });
    const there = (await listSessions(asActor(user), here)).find(({ userAgent }) => userAgent === 'there');
    expect((await endSessionOf(asActor(user), { sessionId: there?.id ?? 0 })).ok).toBe(true);
    expect(await seenAs(jar)).toBeNull();
    expect(await names(user, here)).toEqual(['here']);
    expect(await endSessionOf(asActor(user), { sessionId: there?.id ?? 0 })).toEqual({
      ok: false,
      error: { code: 'not_found' },
    });
  });

  it('ends nobody else’s, not even for an admin', async () => {
    const [owner, admin] = [await createUser(db), await createUser(db, { isStaff: true, isSuperuser: true })];
    await startSession(owner.id, { userAgent: 'kept' });
    const [session] = await listSessions(asActor(owner), null);
    expect((await endSessionOf(asActor(admin), { sessionId: session?.id ?? 0 })).ok).toBe(false);
    await endOtherSessions(asActor(admin), null);
    expect(await names(owner, null)).toEqual(['kept']);
  });

  it('ends everywhere else, and here stays', async () => {
    const user = await createUser(db);
    const here = await startSession(user.id, { userAgent: 'here' });
    const there = await startSession(user.id, { userAgent: 'there' });
    expect(await endOtherSessions(asActor(user), here)).toEqual({ ok: true, data: { ended: 1 } });
    expect(await findSessionUser(user.id, here)).not.toBeNull();
    expect(await findSessionUser(user.id, there)).toBeNull();
  });
});
