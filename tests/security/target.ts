import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseDocument } from 'htmlparser2';
import { closeDatabase } from '@/db/client';
import { demoUsers, seedDemo } from '@/db/seed';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { ensurePostgres, freePort } from '../../scripts/postgres.mjs';
import { buildProduction } from '../../scripts/prepare.mjs';
import { endProcesses, mark, startServer, startWorker, waitForServer } from '../../scripts/processes.mjs';

/*
 * What the scanners of CONTRIBUTING are pointed at: the production build on a port of this machine, a database of its own with
 * demo data, letters kept in the outbox. Signs in as each demo user and writes, beside the cookies, every form of every page as
 * the request that a browser without JavaScript sends. Runs until Ctrl-C; everything lies in one temporary directory.
 */

/** Where the walk over the links begins; the first four are read without a session, since who has one is sent on. */
const entrances = ['/login', '/register', '/forgot-password', '/verify-email', '/dashboard', '/manage/users'];
/** Pages of one kind that are read: a mailing shows other forms when it runs than when it is over. */
const ofOneKind = 8;

type Element = ReturnType<typeof parseDocument>['children'][number];

const directory = mkdtempSync(path.join(tmpdir(), 'mailroom-scan-'));
const endings: (() => Promise<unknown>)[] = [];
try {
  await open();
} catch (error) {
  console.error(error);
  await close(1);
}

async function open() {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void close(0));
  const postgres = await ensurePostgres({ dataDir: directory });
  endings.push(() => postgres.stop());
  const port = Number(process.env.PORT || (await freePort()));
  const env: Record<string, string | undefined> = {
    ...process.env,
    PORT: String(port),
    DATABASE_URL: postgres.url,
    MAILROOM_DATA_DIR: directory,
    AUTH_SECRET: 'a secret of the scans, long enough to be taken',
    CRON_SECRET: 'a cron secret of the scans',
    EMAIL_TRANSPORT: 'outbox',
    RESEND_WEBHOOK_SECRET: 'whsec_c2NhbnMgc2NhbnMgc2NhbnMgc2NhbnMh',
  };
  await buildProduction(console.log, process.env);
  await migrateDatabase(postgres.url);
  process.env.DATABASE_URL = postgres.url;
  await seedDemo(new Date());
  await closeDatabase();
  const server = startServer({ port, env, logFile: path.join(directory, 'server.log') });
  const worker = startWorker({ env, logFile: path.join(directory, 'worker.log') });
  endings.push(() => endProcesses([mark(server), mark(worker)]));
  if (!(await waitForServer(port, () => server.exitCode !== null)))
    throw new Error('the server did not start');

  const url = `http://localhost:${port}`;
  console.log(`address    ${url}\ndatabase   ${postgres.url}\nfiles      ${directory}`);
  for (const { role, email, password } of demoUsers) {
    const cookie = await signIn(url, email, password);
    writeFileSync(path.join(directory, `${role}.cookie`), cookie);
    const count = await writeForms(url, cookie, path.join(directory, `${role}-forms`));
    console.log(`${role.padEnd(10)} ${cookie}   ${count} forms in ${role}-forms`);
  }
}

async function close(code: number) {
  for (const end of endings.reverse()) await end();
  rmSync(directory, { recursive: true, force: true });
  process.exit(code);
}

async function signIn(url: string, email: string, password: string): Promise<string> {
  const jar = new Map<string, string>();
  const call = async (where: string, init: RequestInit = {}) => {
    const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(`${url}/api/auth/${where}`, {
      ...init,
      redirect: 'manual',
      headers: { cookie },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    return answer;
  };
  const { csrfToken }: { csrfToken: string } = await (await call('csrf')).json();
  const body = new URLSearchParams({ email, password, csrfToken });
  await call('callback/credentials', { method: 'POST', body });
  const [session] = [...jar].filter(([name]) => name.endsWith('mailroom.session'));
  if (!session) throw new Error(`${email} could not sign in`);
  return session.join('=');
}

/** Walks over the links and writes each form once, whatever page shows it again; answers how many there are. */
async function writeForms(url: string, cookie: string, folder: string): Promise<number> {
  mkdirSync(folder);
  const forms = new Set<string>();
  const kinds = new Map<string, number>();
  const waiting = [...entrances];
  for (const page of waiting) {
    const isPublic = entrances.slice(0, 4).includes(page);
    const answer = await fetch(url + page, { headers: isPublic ? {} : { cookie }, redirect: 'manual' });
    if (answer.status !== 200) continue;
    const { children } = parseDocument(await answer.text());
    for (const { attribs } of elements(children, 'a')) {
      const link = attribs.href ?? '';
      const kind = link.replace(/[?#].*$/, '').replaceAll(/\d+/g, ':id');
      const count = kinds.get(kind) ?? 0;
      if (!/^\/(?!api|ru|_next)/.test(link) || waiting.includes(link) || count >= ofOneKind) continue;
      kinds.set(kind, count + 1);
      waiting.push(link);
    }
    for (const form of elements(children, 'form')) {
      const fields = fieldsOf(form);
      const own = fields.filter(([name]) => !name.startsWith('$ACTION') && name !== 'locale');
      // Buttons that only have to be pressed, such as signing out, leave a scanner nothing to fill in, and may end its session.
      if (own.length === fields.length || own.length === 0) continue;
      const action = fields
        .map(([name, value]) => `${name}${value}`.match(/[0-9a-f]{40,}/)?.[0] ?? '')
        .join('');
      const key = [action, ...new Set(own.map(([name]) => name))].join();
      if (forms.has(key)) continue;
      forms.add(key);
      const name = `${String(forms.size).padStart(2, '0')}${page.replaceAll(/[^a-z]+/g, '-')}.txt`;
      writeFileSync(path.join(folder, name), await rawRequest(url, page, isPublic ? '' : cookie, fields));
    }
  }
  return forms.size;
}

/** The elements of a name anywhere below; every one when none is named. */
function elements(nodes: Element[], name?: string): (Element & { attribs: Record<string, string> })[] {
  return nodes.flatMap((node) => {
    if (!('attribs' in node)) return [];
    return [...(!name || node.name === name ? [node] : []), ...elements(node.children, name)];
  });
}

/** What the browser would send, with something in each field that is empty; no button of several is pressed. */
function fieldsOf(form: Element & { attribs: Record<string, string> }): [name: string, value: string][] {
  const inside = 'children' in form ? elements(form.children) : [];
  return inside.flatMap((field): [string, string][] => {
    const { name, value, type = '', checked } = field.attribs;
    const tag = 'name' in field ? field.name : '';
    if (!name || tag === 'button' || (type === 'radio' && checked === undefined)) return [];
    if (tag === 'select') {
      const [first] = 'children' in field ? elements(field.children, 'option') : [];
      return [[name, first?.attribs.value ?? '']];
    }
    if (value || type === 'hidden') return [[name, value ?? '']];
    return [
      [name, type === 'email' ? 'scan@example.com' : type === 'password' ? 'blue-harbour-9-lamps' : 'scan'],
    ];
  });
}

async function rawRequest(
  url: string,
  page: string,
  cookie: string,
  fields: [string, string][],
): Promise<string> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  const request = new Request(url + page, { method: 'POST', body: form });
  const { host } = new URL(url);
  return [
    `POST ${page} HTTP/1.1`,
    `Host: ${host}`,
    `Origin: ${url}`,
    `Cookie: ${cookie}`,
    `Content-Type: ${request.headers.get('content-type')}`,
    '',
    await request.text(),
  ].join('\r\n');
}
