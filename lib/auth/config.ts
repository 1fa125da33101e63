import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { and, desc, eq, isNotNull, isNull, ne, type SQL, sql } from 'drizzle-orm';
import NextAuth, { type NextAuthConfig } from 'next-auth';
import { decode } from 'next-auth/jwt';
import Credentials from 'next-auth/providers/credentials';
import { type Db, db } from '@/db/client';
import { sessions, users } from '@/db/schema';
import { cookieName, cookieOptions, isSecure } from '@/lib/auth/cookies';
import { addressOf, isLoopback, networkOf } from '@/lib/auth/network';
import { newSecret, secretHash } from '@/lib/auth/tokens';
import { authSecret } from '@/lib/env';
import { done, type Result, refuse } from '@/lib/errors';
import { log } from '@/lib/log';
import type { Actor } from '@/lib/policy/rules';
import { checkSignIn } from '@/lib/users/mutations';
import { actorOf, type UserRow } from '@/lib/users/queries';

declare module 'next-auth' {
  interface User {
    secret?: string;
  }
  interface Session {
    actor?: Actor;
    /** The database could not be asked: nobody is let in, and nobody is signed out either. */
    unknown?: true;
  }
}
declare module '@auth/core/jwt' {
  interface JWT {
    /** The secret of the session row; with the user's id (`sub`) all that the cookie carries. */
    secret?: string;
  }
}

/** A session ends this long after sign-in whatever happens, and earlier when nobody came for {@link idleSeconds}. */
export const lifeSeconds = 30 * 24 * 3600;
const idleSeconds = 7 * 24 * 3600;
/** How stale `lastSeenAt` may get: a write a page view would be too many. */
const seenSeconds = 300;

/** Opens a session and returns its secret, which only the cookie knows; the row keeps its hash. `network` is empty when unknown. */
export async function startSession(
  userId: number,
  { userAgent = '', network = '' }: { userAgent?: string; network?: string } = {},
  on: Db = db,
): Promise<string> {
  const secret = newSecret();
  await on.insert(sessions).values({
    tokenHash: secretHash(secret),
    userId,
    userAgent: userAgent.slice(0, 300),
    network,
    expiresAt: sql`now() + make_interval(secs => ${lifeSeconds})`,
  });
  // Dead rows are swept by whoever signs in; the index on the user keeps it cheap.
  await on.delete(sessions).where(and(eq(sessions.userId, userId), sql`${sessions.expiresAt} < now()`));
  return secret;
}

/** Sessions that are neither over nor idled out, as a condition. */
function livingSession(): SQL {
  return sql`(${sessions.expiresAt} > now() and ${sessions.lastSeenAt} > now() - make_interval(secs => ${idleSeconds}))`;
}

/** One signed-in browser of a user, as its owner sees it. `lastSeenAt` may lag by {@link seenSeconds}. */
export type OpenSession = {
  id: number;
  userAgent: string;
  /** Empty: not known. */
  network: string;
  lastSeenAt: Date;
  createdAt: Date;
  /** It is the one that asks. */
  isThis: boolean;
};

/** More browsers than anybody keeps; bounds the list. */
const listedMax = 100;

/** The actor's living sessions, this one first, then those seen last. `secret` is this one's. */
export async function listSessions(actor: Actor, secret: string | null, on: Db = db): Promise<OpenSession[]> {
  const isThis = sql<boolean>`${sessions.tokenHash} = ${secret ? secretHash(secret) : ''}`;
  const { id, userAgent, network, lastSeenAt, createdAt } = sessions;
  return on
    .select({ id, userAgent, network, lastSeenAt, createdAt, isThis })
    .from(sessions)
    .where(and(eq(sessions.userId, actor.id), livingSession()))
    .orderBy(desc(isThis), desc(sessions.lastSeenAt), desc(sessions.id))
    .limit(listedMax);
}

/** Ends one of the actor's sessions, on whatever device. Code `not_found`: it has ended, or is nobody's or somebody else's. */
export async function endSessionOf(
  actor: Actor,
  input: { sessionId: number },
  on: Db = db,
): Promise<Result<{ ended: number }>> {
  const ended = await on
    .delete(sessions)
    .where(and(eq(sessions.userId, actor.id), eq(sessions.id, input.sessionId)))
    .returning({ id: sessions.id });
  return ended.length > 0 ? done({ ended: ended.length }) : refuse('not_found');
}

/** Ends the actor's sessions but the one of `secret`; all of them when it is null. */
export async function endOtherSessions(
  actor: Actor,
  secret: string | null,
  on: Db = db,
): Promise<Result<{ ended: number }>> {
  const ended = await on
    .delete(sessions)
    .where(
      and(eq(sessions.userId, actor.id), secret ? ne(sessions.tokenHash, secretHash(secret)) : sql`true`),
    )
    .returning({ id: sessions.id });
  return done({ ended: ended.length });
}

/** Ends a session; its cookie is worthless from now on, wherever it was copied to. */
export async function endSession(secret: string, on: Db = db): Promise<void> {
  await on.delete(sessions).where(eq(sessions.tokenHash, secretHash(secret)));
}

/** Whose session this is, read anew: null when it ended, idled out, or its user is blocked or not confirmed. */
export async function findSessionUser(userId: number, secret: string, on: Db = db): Promise<UserRow | null> {
  const tokenHash = secretHash(secret);
  const [row] = await on
    .select({
      user: users,
      stale: sql<boolean>`${sessions.lastSeenAt} < now() - make_interval(secs => ${seenSeconds})`,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(
      and(
        eq(sessions.tokenHash, tokenHash),
        eq(sessions.userId, userId),
        livingSession(),
        isNotNull(users.confirmedAt),
        isNull(users.blockedAt),
      ),
    );
  if (row?.stale)
    await on.update(sessions).set({ lastSeenAt: sql`now()` }).where(eq(sessions.tokenHash, tokenHash));
  return row?.user ?? null;
}

/** What a cookie says, by its digest: it says the same until it is over, and to open it costs more than all that is asked for. */
const opened = new Map<string, { userId: number; secret: string; untilMs: number }>();
const openedMax = 1000;

async function openCookie(sealed: string, name: string) {
  const digest = createHash('sha256').update(sealed).digest('base64');
  const known = opened.get(digest);
  if (known && known.untilMs > Date.now()) return known;
  opened.delete(digest);
  const token = await decode({ token: sealed, secret: authSecret(), salt: name }).catch(() => null);
  if (!token?.sub || !token.secret || !token.exp) return null;
  const found = { userId: Number(token.sub), secret: token.secret, untilMs: token.exp * 1000 };
  if (opened.size >= openedMax) opened.clear();
  opened.set(digest, found);
  return found;
}

/**
 * Whose session the cookies of a request carry, for who answers without Next: by the same rules as `auth()`, the session and its user read
 * from the database each time. Null for nobody.
 */
export async function findCookieActor(cookies: string | undefined, on: Db = db): Promise<Actor | null> {
  const name = cookieName('session');
  const sealed = cookies
    ?.split(';')
    .map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(`${name}=`))
    ?.slice(name.length + 1);
  const session = sealed ? await openCookie(sealed, name) : null;
  const user = session && (await findSessionUser(session.userId, session.secret, on));
  return user && actorOf(user);
}

/** Carries what `authorize` found out to the action that asked: next-auth itself passes only a class name through. */
export const signInAnswer = new AsyncLocalStorage<{ result?: Result<UserRow> }>();

/** Actors found by `callbacks.jwt`, handed to `callbacks.session` beside the token, so that the cookie never carries them. */
const actors = new WeakMap<object, Actor>();
const unread = new WeakSet<object>();

/** A wrong password, a cookie that is old or made up, a post from elsewhere: answers, not surprises. */
const everyday = new Set(['CredentialsSignin', 'JWTSessionError', 'MissingCSRF']);

function config(): NextAuthConfig {
  return {
    secret: authSecret(),
    trustHost: true,
    basePath: '/api/auth',
    pages: { signIn: '/login', signOut: '/login', error: '/login' },
    session: { strategy: 'jwt', maxAge: lifeSeconds },
    useSecureCookies: isSecure(),
    cookies: {
      sessionToken: { name: cookieName('session'), options: cookieOptions() },
      csrfToken: { name: cookieName('csrf'), options: cookieOptions() },
      callbackUrl: { name: cookieName('callback'), options: cookieOptions() },
    },
    providers: [
      Credentials({
        credentials: { email: {}, password: {} },
        async authorize(typed, { headers }) {
          const result = await checkSignIn(
            { email: String(typed.email ?? ''), password: String(typed.password ?? '') },
            { network: networkOf(headers), loopback: isLoopback(headers) },
          );
          const answer = signInAnswer.getStore();
          if (answer) answer.result = result;
          if (!result.ok) return null;
          const secret = await startSession(result.data.id, {
            userAgent: headers.get('user-agent') ?? '',
            network: addressOf(headers) ? networkOf(headers) : '',
          });
          return { id: String(result.data.id), secret };
        },
      }),
    ],
    callbacks: {
      async jwt({ token, user }) {
        if (user) return user.id && user.secret ? { sub: user.id, secret: user.secret } : null;
        if (!token.sub || !token.secret) return null;
        try {
          const row = await findSessionUser(Number(token.sub), token.secret);
          if (!row) return null;
          actors.set(token, actorOf(row));
        } catch (error) {
          // The database is away: that is no reason to sign anybody out, and none to let anybody in.
          log.surprise('session_not_read', error);
          unread.add(token);
        }
        return token;
      },
      session({ session, token }) {
        const actor = actors.get(token);
        const { expires } = session;
        return { expires, ...(actor ? { actor } : {}), ...(unread.has(token) ? { unknown: true } : {}) };
      },
    },
    events: {
      async signOut(message) {
        if ('token' in message && message.token?.secret) await endSession(message.token.secret);
      },
    },
    logger: {
      error(error) {
        if ('type' in error && everyday.has(String(error.type))) return;
        log.surprise('auth_failed', error);
      },
      warn() {},
      debug() {},
    },
  };
}

/** Built at first use, so that importing it needs no secret: a build has none. */
export const { handlers, auth, signIn, signOut } = NextAuth(() => config());
