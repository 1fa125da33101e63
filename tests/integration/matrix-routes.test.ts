import '@/tests/support/request-scope';
import path from 'node:path';
import { NextRequest } from 'next/server';
import { describe, expect, it, vi } from 'vitest';
import { db } from '@/db/client';
import middleware from '@/middleware';
import { type Belongings, createBelongings, missingBelongings } from '@/tests/support/belongings';
import { createUser } from '@/tests/support/factories';
import { withRequest } from '@/tests/support/request-scope';
import { addressOf, appFiles, routeHandlers } from '@/tests/support/route-handlers';
import { createVisitors } from '@/tests/support/visitors';

// Words need Next's compiler, and are not what is asked about here.
vi.mock('next-intl/server', () => ({
  getTranslations: async () =>
    Object.assign((key: string) => key, { rich: (key: string) => key, has: () => true }),
  getLocale: async () => 'en',
}));

/*
 * Every page and every route × method that there is, opened by everybody about everything: once through the middleware, and once
 * with the middleware left out. The list is read from the files: a route without a row fails.
 */

const who = ['anonymous', 'blocked', 'user', 'manager', 'admin'] as const;
type Who = (typeof who)[number];
const whose = ['own', 'another', 'missing'] as const;
type Whose = (typeof whose)[number];
type Outcome = 'open' | 'missing' | 'login';
type Rule = (by: Exclude<Who, 'anonymous' | 'blocked'>, of: Whose) => Outcome;

const open = (isOpen: boolean): Outcome => (isOpen ? 'open' : 'missing');
const rules = {
  signedIn: () => 'open',
  read: (by, of) => open(of === 'own' || (of === 'another' && by !== 'user')),
  change: (by, of) => open(of === 'own' || (of === 'another' && by === 'admin')),
  staff: (by) => open(by !== 'user'),
  /** About a user: oneself, another, or nobody. */
  person: (by, of) => open(by !== 'user' && of !== 'missing'),
  /** About an article: all managers write together. */
  article: (by, of) => open(by !== 'user' && of !== 'missing'),
} satisfies Record<string, Rule>;

type Params = (of: Belongings) => Record<string, number>;
type Row =
  | { rule: keyof typeof rules; params?: Params }
  /** For everybody, or closed by a secret, a signature or a rule of its own; tested where it belongs. */
  | { rule: 'public' };

const id =
  (thing: keyof Belongings): Params =>
  (of) => ({ id: of[thing] });

const pages: Record<string, Row> = {
  '/dashboard': { rule: 'signedIn' },
  '/clients': { rule: 'signedIn' },
  '/clients/new': { rule: 'signedIn' },
  '/clients/delete': { rule: 'signedIn' },
  '/clients/[id]': { rule: 'read', params: id('client') },
  '/clients/[id]/edit': { rule: 'change', params: id('client') },
  '/messages': { rule: 'signedIn' },
  '/messages/new': { rule: 'signedIn' },
  '/messages/[id]': { rule: 'read', params: id('message') },
  '/messages/[id]/edit': { rule: 'change', params: id('message') },
  '/mailings': { rule: 'signedIn' },
  '/mailings/new': { rule: 'signedIn' },
  '/mailings/[id]': { rule: 'read', params: id('mailing') },
  '/mailings/[id]/edit': { rule: 'change', params: id('mailing') },
  '/mailings/[id]/runs/[runId]': {
    rule: 'read',
    params: (of) => ({ id: of.mailing, runId: of.run }),
  },
  '/attempts': { rule: 'signedIn' },
  '/attempts/[id]': { rule: 'read', params: id('attempt') },
  '/reports': { rule: 'signedIn' },
  '/settings': { rule: 'signedIn' },
  '/settings/delete': { rule: 'signedIn' },

  '/manage': { rule: 'staff' },
  '/manage/users': { rule: 'staff' },
  '/manage/users/[id]': { rule: 'person', params: id('person') },
  '/manage/mailings': { rule: 'staff' },
  '/manage/messages': { rule: 'staff' },
  '/manage/clients': { rule: 'staff' },
  '/manage/attempts': { rule: 'staff' },
  '/manage/reports': { rule: 'staff' },
  '/manage/posts': { rule: 'staff' },
  '/manage/posts/[id]': { rule: 'article', params: id('draft') },
  '/manage/posts/[id]/preview': { rule: 'article', params: id('draft') },
  '/manage/audit': { rule: 'staff' },

  '/': { rule: 'public' },
  '/[...rest]': { rule: 'public' },
  '/not-found': { rule: 'public' },
  '/blog': { rule: 'public' },
  '/blog/[slug]': { rule: 'public' },
  '/blog/page/[n]': { rule: 'public' },
  '/forgot-password': { rule: 'public' },
  '/login': { rule: 'public' },
  '/register': { rule: 'public' },
  '/reset-password': { rule: 'public' },
  '/verify-email': { rule: 'public' },
  '/unsubscribe/[token]': { rule: 'public' },
  '/outbox': { rule: 'public' },
  '/outbox/[id]': { rule: 'public' },
};

/** `asked`: what may stand behind the address; each is tried. */
const routes: Record<string, Row & { asked?: (of: Belongings) => string[] }> = {
  'GET /api/audit': { rule: 'staff' },
  'GET /api/mailings/[id]/attempts': {
    rule: 'read',
    params: id('mailing'),
    asked: (of) => ['', `?run=${of.run}`],
  },
  'GET /api/reports': { rule: 'signedIn' },
  'GET /api/reports/all': { rule: 'staff', asked: () => ['', '?table=senders', '?table=attention'] },
  'GET /api/runs/progress': {
    rule: 'read',
    asked: (of) => [`?mailing=${of.mailing}`, `?mailing=${of.mailing}&run=${of.run}`],
  },
  'GET /api/auth/[...nextauth]': { rule: 'public' },
  'POST /api/auth/[...nextauth]': { rule: 'public' },
  'GET /api/cron/send-due': { rule: 'public' },
  'GET /api/health': { rule: 'public' },
  'GET /api/unsubscribe/[token]': { rule: 'public' },
  'POST /api/unsubscribe/[token]': { rule: 'public' },
  'POST /api/posts/[id]/view': { rule: 'public' },
  'POST /api/uploads': { rule: 'public' },
  'GET /api/uploads/[name]': { rule: 'public' },
  'POST /api/webhooks/resend': { rule: 'public' },
  'GET /blog/[slug]/picture.png': { rule: 'public' },
  'GET /blog/feed.xml': { rule: 'public' },
  'GET /blog/picture.png': { rule: 'public' },
};

const app = path.join(import.meta.dirname, '../../app');
const pageFiles = new Map(appFiles('page.tsx').map((file) => [addressOf(file), file]));
const handlers = await routeHandlers();

const { people, cookies } = await createVisitors('routes.example');

const another = await createUser(db, { email: 'another@routes.example' });
const ofAnother = await createBelongings(another, false);
const own = new Map<Who, Belongings>([['anonymous', ofAnother]]);
for (const [by, person] of Object.entries(people) as [keyof typeof people, { id: number }][])
  own.set(by, await createBelongings(person, true));

const thingsOf = (by: Who, of: Whose): Belongings =>
  of === 'missing' ? missingBelongings : of === 'own' ? (own.get(by) ?? ofAnother) : ofAnother;

const expected = (by: Who, of: Whose, rule: keyof typeof rules): Outcome =>
  by === 'anonymous' || by === 'blocked' ? 'login' : rules[rule](by, of);

const fill = (address: string, params: Record<string, number>) =>
  address.replace(/\[(\w+)\]/g, (_, name: string) => String(params[name]));

/** What comes of running a page: it opens, or it leads away by the error that Next makes of it. */
async function outcomeOf(run: () => Promise<unknown>): Promise<Outcome> {
  try {
    await run();
    return 'open';
  } catch (error) {
    const digest = error instanceof Error && 'digest' in error ? String(error.digest) : '';
    if (digest.startsWith('NEXT_HTTP_ERROR_FALLBACK;404')) return 'missing';
    if (/^NEXT_REDIRECT;.*;\/login/.test(digest)) return 'login';
    if (digest.startsWith('NEXT_REDIRECT')) return 'open';
    throw error;
  }
}

const privatePages = Object.entries(pages).flatMap(([address, row]) =>
  row.rule === 'public' ? [] : [{ address, rule: row.rule, params: row.params ?? (() => ({})) }],
);

describe('the matrix of pages', () => {
  it('has a row for every page that there is, and no row for one that is gone', () => {
    expect([...pageFiles.keys()].sort()).toEqual(Object.keys(pages).sort());
  });

  it.each(privatePages)(
    '$address opens by the rules and for nobody else, with nothing before it',
    async ({ address, rule, params }) => {
      const module: {
        default: (props: object) => Promise<unknown>;
        generateMetadata?: (props: object) => Promise<unknown>;
      } = await import(path.join(app, pageFiles.get(address) ?? ''));
      for (const by of who)
        for (const of of whose) {
          const cell = `${by} × ${of}`;
          const props = () => ({
            params: Promise.resolve({
              locale: 'en',
              ...Object.fromEntries(
                Object.entries(params(thingsOf(by, of))).map(([name, value]) => [name, String(value)]),
              ),
            }),
            searchParams: Promise.resolve({}),
          });
          const headers = { cookie: cookies[by], 'x-mailroom-path': '/dashboard' };
          const outcome = await withRequest(headers, () => outcomeOf(() => module.default(props())));
          expect(outcome, cell).toBe(expected(by, of, rule));
          // The title of a page that does not open names nothing of what is on it.
          if (outcome !== 'open' && module.generateMetadata) {
            const { generateMetadata } = module;
            const told = await withRequest(headers, () =>
              generateMetadata(props()).catch((error: unknown) => {
                if (error instanceof Error && 'digest' in error) return null;
                throw error;
              }),
            );
            expect(JSON.stringify(told), cell).not.toMatch(/Grace|Mailing \d|News \d|example/);
          }
        }
    },
  );

  it.each(privatePages)(
    '$address opens in the middleware to the same people, in whatever guise it is asked for',
    async ({ address, rule, params }) => {
      const guises: { of: (address: string) => string; headers?: Record<string, string> }[] = [
        { of: (plain) => plain },
        { of: (plain) => `/ru${plain}` },
        { of: (plain) => `/en${plain}` },
        { of: (plain) => `${plain}/` },
        { of: (plain) => `${plain}?_rsc=1`, headers: { rsc: '1' } },
        { of: (plain) => plain, headers: { 'x-middleware-subrequest': 'middleware:middleware:middleware' } },
        { of: (plain) => plain, headers: { 'next-router-prefetch': '1', rsc: '1' } },
      ];
      for (const by of who)
        for (const of of whose)
          for (const [at, guise] of guises.entries()) {
            const url = guise.of(fill(address, params(thingsOf(by, of))));
            const headers = { cookie: cookies[by], ...guise.headers };
            const response = await withRequest(headers, () =>
              middleware(new NextRequest(new URL(url, 'http://localhost:3000'), { headers })),
            );
            const location = response.headers.get('location') ?? '';
            const outcome: Outcome = /\/login\?/.test(location)
              ? 'login'
              : /\/not-found\/?$/.test(response.headers.get('x-middleware-rewrite') ?? '')
                ? 'missing'
                : 'open';
            // Of users and articles there is no ownership by address: the page asks for itself.
            const wanted =
              (rule === 'person' || rule === 'article') && of === 'missing'
                ? expected(by, 'own', rule)
                : expected(by, of, rule);
            expect(outcome, `${by} × ${of}, guise ${at}: ${url}`).toBe(wanted);
            expect(response.status).toBe(wanted === 'login' ? 303 : wanted === 'missing' ? 404 : 200);
          }
    },
  );
});

describe('the matrix of routes', () => {
  it('has a row for every route and method that there is, and no row for one that is gone', () => {
    expect([...handlers.keys()].sort()).toEqual(Object.keys(routes).sort());
  });

  const closed = Object.entries(routes).flatMap(([route, row]) =>
    row.rule === 'public' ? [] : [{ route, rule: row.rule, params: row.params, asked: row.asked }],
  );
  it.each(closed)(
    '$route answers by the rules, and 404 to everybody else',
    async ({ route, rule, params, asked }) => {
      const [method = '', address = ''] = route.split(' ');
      const handler = handlers.get(route);
      if (!handler) throw new Error(`there is no ${route}`);
      for (const by of who)
        for (const of of whose) {
          const things = thingsOf(by, of);
          const named = params?.(things) ?? {};
          for (const query of asked?.(things) ?? ['']) {
            const url = `http://localhost:3000${fill(address, named)}${query}`;
            const headers = { cookie: cookies[by] };
            const response = await withRequest(headers, () =>
              handler(new Request(url, { method, headers }), {
                params: Promise.resolve(
                  Object.fromEntries(Object.entries(named).map(([name, value]) => [name, String(value)])),
                ),
              }),
            );
            const wanted = expected(by, of, rule);
            expect(response.status, `${by} × ${of} ${query}`).toBe(wanted === 'open' ? 200 : 404);
            const text = await response.text();
            if (wanted !== 'open') expect(text).toBe('');
          }
        }
    },
  );

  it('exports no run under a mailing that it is not of, and nothing for what is no run', async () => {
    const handler = handlers.get('GET /api/mailings/[id]/attempts');
    const headers = { cookie: cookies.user };
    const mine = thingsOf('user', 'own');
    for (const run of [ofAnother.run, missingBelongings.run, '', 'x', '1e400', '-1', "1' or 1=1"]) {
      const response = await withRequest(headers, async () =>
        handler?.(new Request(`http://localhost:3000/api/mailings/1/attempts?run=${run}`, { headers }), {
          params: Promise.resolve({ id: String(mine.mailing) }),
        }),
      );
      expect(response?.status, String(run)).toBe(404);
    }
  });
});
