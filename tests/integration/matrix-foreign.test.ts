import '@/tests/support/request-scope';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { NextRequest } from 'next/server';
import { afterAll, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { handlers as auth } from '@/lib/auth/config';
import { unsubscribeToken } from '@/lib/sending/compose';
import { digestOfTables, rawConnection } from '@/tests/support/database';
import {
  createClient,
  createDelivery,
  createMailing,
  createPost,
  createRun,
  createUser,
} from '@/tests/support/factories';
import { withRequest } from '@/tests/support/request-scope';
import { routeHandlers } from '@/tests/support/route-handlers';
import { signIn } from '@/tests/support/sign-in';

/*
 * Every route handler that may change something, asked by a page of another site in the browser of somebody who is signed in. The list
 * is read from the files: a handler without a row fails.
 */

const webhookKey = randomBytes(24);
process.env.RESEND_WEBHOOK_SECRET = `whsec_${webhookKey.toString('base64')}`;
process.env.BLOB_READ_WRITE_TOKEN = 'vercel_blob_rw_store_secret';

const home = 'http://localhost:3000';
const password = 'a sound password';

/** A request that changes something, if it is let through; `params` are those of its address. */
type Asked = {
  path: string;
  params?: Record<string, string | string[]>;
  headers?: Record<string, string>;
  body: string;
};
type Row =
  /** Who asks is seen by the session, so another site may not ask. */
  | { opens: 'session'; ask: (cookie: string) => Promise<Asked> }
  /** Whoever shows it may ask from anywhere: `ask(false)` shows a wrong one. */
  | { opens: 'secret'; ask: (isRight: boolean) => Promise<Asked> };

async function letter(): Promise<number> {
  const owner = await createUser(db);
  const run = await createRun(db, await createMailing(db, owner));
  const { id } = await createDelivery(db, run, await createClient(db, owner));
  return id;
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };

const rows: Record<string, Row> = {
  'POST /api/auth/[...nextauth]': {
    opens: 'session',
    // Signing out, with next-auth's own token at hand.
    ask: async (cookie) => {
      const { value } = /mailroom\.csrf=(?<value>[^;%|]+)/.exec(cookie)?.groups ?? {};
      const params = { nextauth: ['signout'] };
      const body = new URLSearchParams({ csrfToken: value ?? '' }).toString();
      return { path: '/api/auth/signout', params, headers: form, body };
    },
  },
  'POST /api/posts/[id]/view': {
    // Nobody's session is asked for; where a reader's browser sends from is.
    opens: 'session',
    ask: async () => {
      const { id } = await createPost(db, {
        status: 'published',
        publishedAt: new Date('2026-01-01T00:00:00Z'),
      });
      const headers = { 'user-agent': 'Mozilla/5.0 Firefox/140.0' };
      return { path: `/api/posts/${id}/view`, params: { id: String(id) }, headers, body: 'x' };
    },
  },
  'POST /api/uploads': {
    opens: 'session',
    ask: async () => ({
      path: '/api/uploads',
      body: JSON.stringify({
        type: 'blob.generate-client-token',
        payload: {
          pathname: `uploads/${randomBytes(16).toString('hex')}.raw`,
          clientPayload: 'letter',
          multipart: false,
        },
      }),
    }),
  },
  'POST /api/unsubscribe/[token]': {
    opens: 'secret',
    ask: async (isRight) => {
      const right = unsubscribeToken(await letter());
      const token = isRight ? right : `${right.slice(0, -4)}AAAA`;
      return {
        path: `/api/unsubscribe/${token}`,
        params: { token },
        headers: form,
        body: 'List-Unsubscribe=One-Click',
      };
    },
  },
  'POST /api/webhooks/resend': {
    opens: 'secret',
    ask: async (isRight) => {
      const body = JSON.stringify({
        type: 'email.complained',
        data: { tags: { letter: unsubscribeToken(await letter()) } },
      });
      const id = `msg_${randomUUID()}`;
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = createHmac('sha256', isRight ? webhookKey : randomBytes(24))
        .update(`${id}.${timestamp}.${body}`)
        .digest('base64');
      const headers = { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': `v1,${signature}` };
      return { path: '/api/webhooks/resend', headers, body };
    },
  },
};

/** What a browser says of a request that another site's page made it send; old ones say less. */
const foreign: [string, Record<string, string>][] = [
  [
    'a form of another site',
    { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
  ],
  [
    'a script of a neighbour',
    { origin: 'http://localhost:4000', 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
  ],
  ['a form of another site in an old browser', { origin: 'https://elsewhere.example' }],
  ['a frame that is nobody’s', { origin: 'null' }],
  ['a browser that says nothing of where it comes from', {}],
];

const sql = rawConnection();
afterAll(() => sql.end());
const tables = (
  await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public'`
).map(({ name }) => name);

const handlers = await routeHandlers();
const changing = [...handlers.keys()].filter((route) => /^(POST|PUT|PATCH|DELETE) /.test(route));

/** Somebody who is signed in, with everything that a browser of theirs would send along. */
async function newVisitor(): Promise<string> {
  const email = `${randomUUID()}@foreign.test`;
  await createUser(db, { email, password, isStaff: true, isSuperuser: true });
  const cookie = await signIn(email, password);
  const token = await auth.GET(new NextRequest(`${home}/api/auth/csrf`, { headers: { cookie } }));
  await token.text();
  return [cookie, ...token.headers.getSetCookie().map((line) => line.split(';', 1)[0])].join('; ');
}

async function knock(route: string, asked: Asked, headers: Record<string, string>) {
  const handler = handlers.get(route);
  if (!handler) throw new Error(`there is no ${route}`);
  const before = await digestOfTables(sql, tables);
  const all = new Headers({ host: 'localhost:3000', ...asked.headers, ...headers });
  const [method = ''] = route.split(' ');
  const request = new NextRequest(`${home}${asked.path}`, { method, headers: all, body: asked.body });
  const context = { params: Promise.resolve(asked.params ?? {}) };
  const response = await withRequest(Object.fromEntries(all), () => handler(request, context));
  return { status: response.status, isChanged: (await digestOfTables(sql, tables)) !== before };
}

describe('what changes something by a route', () => {
  it('has a row for every handler that may, and no row for one that is gone', () => {
    expect(changing.sort()).toEqual(Object.keys(rows).sort());
    expect(tables.length).toBeGreaterThan(15);
  });

  const bySession = Object.entries(rows).flatMap(([route, row]) =>
    row.opens === 'session' ? [{ route, ask: row.ask }] : [],
  );
  it.each(bySession)(
    '$route does it for a page of ours, and is refused to every other site',
    async ({ route, ask }) => {
      const cookie = await newVisitor();
      for (const [who, headers] of foreign)
        expect(await knock(route, await ask(cookie), { cookie, ...headers }), who).toEqual({
          status: 403,
          isChanged: false,
        });
      for (const ours of [{ origin: home, 'sec-fetch-site': 'same-origin' }, { origin: home }]) {
        const own = await newVisitor();
        const answer = await knock(route, await ask(own), { cookie: own, ...ours });
        expect(answer.isChanged, `status ${answer.status}`).toBe(true);
      }
    },
  );

  const bySecret = Object.entries(rows).flatMap(([route, row]) =>
    row.opens === 'secret' ? [{ route, ask: row.ask }] : [],
  );
  it.each(bySecret)(
    '$route does it for whoever has the secret, wherever they ask from, and for nobody by a session',
    async ({ route, ask }) => {
      const cookie = await newVisitor();
      for (const [who, headers] of [...foreign, ['a page of ours', { origin: home }] as const]) {
        const wrong = await ask(false);
        expect((await knock(route, wrong, { cookie, ...headers })).isChanged, who).toBe(false);
        const right = await ask(true);
        expect((await knock(route, right, headers)).isChanged, who).toBe(true);
      }
    },
  );
});
