import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { eq } from 'drizzle-orm';
import { connect, type Db } from '@/db/client';
import { users } from '@/db/schema';
import {
  createAttempt,
  createClient,
  createDelivery,
  createMailing,
  createMessage,
  createRun,
  createUser,
} from '../support/factories';
import { type Answer, ask, type Question, signInAt } from '../support/visit';

/*
 * Every private page that there is, asked for in every way that has ever led past a gate, by everybody who has no business there. What is
 * looked for in the answers is a text that stands in all of the owner's things.
 */

const password = 'a sound password';
const app = path.join(process.cwd(), 'app');

/** Addresses of the workspace as the folders say them: `/mailings/[id]/runs/[runId]`. */
const addresses = readdirSync(path.join(app, '[locale]/(workspace)'), { recursive: true, encoding: 'utf8' })
  .filter((file) => path.basename(file) === 'page.tsx')
  .map((file) => path.dirname(file).split(path.sep))
  .map((parts) => `/${parts.filter((part) => !part.startsWith('(')).join('/')}`)
  .filter((address) => !address.startsWith('/outbox'))
  .sort();

type Things = Record<'client' | 'message' | 'mailing' | 'run' | 'attempt' | 'person', number>;

const singular: Record<string, keyof Things> = {
  clients: 'client',
  messages: 'message',
  mailings: 'mailing',
  attempts: 'attempt',
};

/** A page about something that is nobody's gets the number of a person: what it shows concerns only managers anyway. */
const fill = (address: string, of: Things) =>
  address
    .replace('[runId]', String(of.run))
    .replace(/\[\w+\]/, String(of[singular[address.split('/')[1] ?? ''] ?? 'person']));

const nowhere = 999_999_999;
const missing: Things = {
  client: nowhere,
  message: nowhere,
  mailing: nowhere,
  run: nowhere,
  attempt: nowhere,
  person: nowhere,
};

async function createThings(db: Db, owner: { id: number }, probe: string): Promise<Things> {
  const client = await createClient(db, owner, { fullName: `Client ${probe}` });
  const message = await createMessage(db, owner, {
    subject: `Subject ${probe}`,
    body: `<p>Body ${probe}</p>`,
  });
  const mailing = await createMailing(db, owner, { name: `Mailing ${probe}`, messageId: message.id });
  const run = await createRun(db, mailing);
  const delivery = await createDelivery(db, run, client);
  const attempt = await createAttempt(db, run, delivery, { status: 'failure', response: `550 ${probe}` });
  return {
    client: client.id,
    message: message.id,
    mailing: mailing.id,
    run: run.id,
    attempt: attempt.id,
    person: owner.id,
  };
}

const build = readFileSync(path.join(process.cwd(), '.next/BUILD_ID'), 'utf8').trim();
const rsc = { rsc: '1' };
const tree = (leaf: string) =>
  encodeURIComponent(
    JSON.stringify(['', { children: [['locale', 'en', 'd', null], { children: [leaf, {}] }] }]),
  );

type Guise = { of?: (plain: string) => string; question?: Question; opens: boolean };

/** `opens`: its owner gets to see it in this guise, so that the test would notice if somebody else did. */
const guises: Record<string, Guise> = {
  plain: { opens: true },
  'in Russian': { of: (plain) => `/ru${plain}`, opens: true },
  'with the locale that is left out': { of: (plain) => `/en${plain}`, opens: false },
  'as data for the router': { question: { headers: rsc }, opens: true },
  'as data, in Russian': { of: (plain) => `/ru${plain}?_rsc=1`, question: { headers: rsc }, opens: true },
  'as a prefetch': { question: { headers: { ...rsc, 'next-router-prefetch': '1' } }, opens: false },
  'as a prefetch of its shape': {
    question: {
      headers: { ...rsc, 'next-router-prefetch': '1', 'next-router-segment-prefetch': '/_tree' },
    },
    opens: false,
  },
  'as a prefetch of its page': {
    question: {
      headers: { ...rsc, 'next-router-prefetch': '1', 'next-router-segment-prefetch': '/__PAGE__' },
    },
    opens: false,
  },
  'as data without the layouts': {
    question: { headers: { ...rsc, 'next-router-state-tree': tree('(workspace)') } },
    opens: true,
  },
  'by the name of its data': { of: (plain) => `${plain}.rsc`, opens: false },
  'by the name of its data, as data': {
    of: (plain) => `${plain}.rsc`,
    question: { headers: rsc },
    opens: false,
  },
  'by the name of a segment': { of: (plain) => `${plain}.segments/_tree.segment.rsc`, opens: false },
  'by the name of its full segment': { of: (plain) => `${plain}.segments/_full.segment.rsc`, opens: false },
  'by the name of its prefetch': { of: (plain) => `${plain}.prefetch.rsc`, opens: false },
  'by the name of its page': { of: (plain) => `/en${plain}.html`, opens: false },
  'with a slash at the end': { of: (plain) => `${plain}/`, opens: false },
  'with two slashes': { of: (plain) => `/${plain}`, opens: false },
  'with two slashes inside': { of: (plain) => plain.replace(/\/(?=[^/]+$)/, '//'), opens: false },
  'with a dot': { of: (plain) => `/.${plain}`, opens: true },
  'around a corner': { of: (plain) => `/blog/..${plain}`, opens: true },
  'around a corner nobody sees': { of: (plain) => `/blog/%2e%2e${plain}`, opens: true },
  'with a backslash': { of: (plain) => plain.replace(/^\//, '/\\'), opens: false },
  'with slashes encoded': { of: (plain) => `/${plain.slice(1).replaceAll('/', '%2F')}`, opens: false },
  'with a letter encoded': {
    of: (plain) => `/%${plain.charCodeAt(1).toString(16)}${plain.slice(2)}`,
    opens: false,
  },
  'in capitals': { of: (plain) => plain.toUpperCase(), opens: false },
  'as data of the old router': { of: (plain) => `/_next/data/${build}${plain}.json`, opens: true },
  'as data of the old router, by header': { question: { headers: { 'x-nextjs-data': '1' } }, opens: true },
  'as if the middleware had asked': {
    question: { headers: { 'x-middleware-subrequest': Array(5).fill('middleware').join(':') } },
    opens: true,
  },
  'as if the middleware in src had asked': {
    question: { headers: { 'x-middleware-subrequest': Array(5).fill('src/middleware').join(':') } },
    opens: true,
  },
  'as if the old middleware had asked': {
    question: { headers: { 'x-middleware-subrequest': 'pages/_middleware' } },
    opens: true,
  },
  'as if the middleware had let it through': {
    question: {
      headers: { 'x-middleware-next': '1', 'x-middleware-rewrite': '/', 'x-mailroom-path': '/dashboard' },
    },
    opens: true,
  },
  'as if a proxy had found the page': {
    question: { headers: { 'x-matched-path': '/[locale]/dashboard', 'x-now-route-matches': '1' } },
    opens: true,
  },
  'as an action that there is not': {
    question: { method: 'POST', headers: { 'next-action': 'f'.repeat(42), 'content-type': 'text/plain' } },
    opens: false,
  },
  'as a form': {
    question: {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'a=1',
    },
    opens: true,
  },
  head: { question: { method: 'HEAD' }, opens: false },
};

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}

test('no disguise of a private address shows its content to anybody who may not see it', async ({
  baseURL,
}) => {
  const base = baseURL ?? '';
  const { db, sql } = connect(process.env.E2E_DATABASE_URL ?? '', 2);
  try {
    const id = randomUUID().slice(0, 8);
    const probe = `probe${id}`;
    const make = (name: string, roles = {}) =>
      createUser(db, { email: `${name}-${id}@guises.test`, password, name, ...roles });
    const [owner, another, manager, blocked] = [
      await make('owner', { name: `Owner ${probe}` }),
      await make('another'),
      await make('manager', { isStaff: true }),
      await make('blocked', { name: `Blocked ${probe}` }),
    ];
    const things = await createThings(db, owner, probe);
    const lost = await createThings(db, blocked, probe);
    const cookies = {
      owner: await signInAt(base, owner.email, password),
      another: await signInAt(base, another.email, password),
      manager: await signInAt(base, manager.email, password),
      blocked: await signInAt(base, blocked.email, password),
    };
    await db
      .update(users)
      .set({ blockedAt: new Date(), blockedReason: 'spam' })
      .where(eq(users.id, blocked.id));

    // Next has its router ask once more, under a name that caches keep apart; it is made of the headers, so once known it is sent at once.
    const keptApart = new Map<Guise, string>();
    const send = async (cookie: string, plain: string, guise: Guise): Promise<Answer> => {
      const { of, question = {} } = guise;
      const whole = {
        ...question,
        headers: { origin: base, ...question.headers, ...(cookie ? { cookie } : {}) },
      };
      const address = of ? of(plain) : plain;
      const known = keptApart.get(guise);
      if (known) return ask(base, `${address.split('?')[0]}?${known}`, whole);
      const answer = await ask(base, address, whole);
      const again = answer.status === 307 ? (answer.headers.location ?? '') : '';
      const [name] = /_rsc(=[^&]*)?/.exec(again) ?? [];
      if (!name) return answer;
      keptApart.set(guise, name);
      return ask(base, again, whole);
    };
    const showsIt = ({ body, headers }: Answer) => (body + JSON.stringify(headers)).includes(probe);

    // What is looked for can be found: by its owner, in every guise that leads there at all.
    const silent: string[] = [];
    await inParallel(Object.entries(guises), async ([name, guise]) => {
      const shown = showsIt(await send(cookies.owner, `/messages/${things.message}`, guise));
      if (shown !== guise.opens) silent.push(`${name}: ${shown ? 'shows' : 'hides'} it from its owner`);
    });
    expect(silent).toEqual([]);

    const strangers = [
      { who: 'anonymous', cookie: '', of: things },
      { who: 'another user', cookie: cookies.another, of: things },
      { who: 'a blocked user', cookie: cookies.blocked, of: lost },
    ];
    const attempts = addresses.flatMap((address, at) =>
      Object.entries(guises).flatMap(([name, guise], turn) => [
        // What leads nowhere even for its owner is tried by one of them at each address, and by each of them at some.
        ...strangers
          .filter((_, one) => guise.opens || one === (at + turn) % strangers.length)
          .map((stranger) => ({ ...stranger, address, name, guise })),
        ...(address.endsWith('/edit')
          ? [{ who: 'a manager', cookie: cookies.manager, address, name, guise, of: things }]
          : []),
      ]),
    );
    expect(addresses.length).toBeGreaterThan(20);
    const leaks: string[] = [];
    await inParallel(attempts, async ({ who, cookie, address, name, guise, of }) => {
      const answer = await send(cookie, fill(address, of), guise);
      if (showsIt(answer)) leaks.push(`${who}, ${address}, ${name}: shown, with status ${answer.status}`);
      if (answer.status !== 200 || !address.includes('[') || guise.question?.method === 'HEAD') return;
      // What answers 200 all the same is no page of ours, and says as much about a thing that there never was. (Managers may know of it:
      // what they may not open is the form to change it.)
      const { status } = who === 'a manager' ? answer : await send(cookie, fill(address, missing), guise);
      if (guise.opens || status !== 200)
        leaks.push(`${who}, ${address}, ${name}: 200, where nothing is ${status}`);
    });
    expect(leaks.sort()).toEqual([]);
  } finally {
    await sql.end();
  }
});
