import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Browser, expect, type Page, test } from '@playwright/test';
import { parse } from 'csv-parse/sync';
import { sanitizeBody } from '../../lib/sending/compose/sanitize';
import { appPages, filledIn } from '../support/app-pages';
import { payloadFamilies, payloads } from '../support/hostile-payloads';
import { catalogue } from '../support/newcomer';
import { type OwnServer, serverSettings, startOwnServer } from '../support/own-server';
import { carrySession } from '../support/session';
import { type Answer, ask, signInAt } from '../support/visit';
import { look, watchForRunning } from '../support/watch-for-running';

/*
 * Whatever people and mail servers write is shown, never run: every payload is put wherever text is stored, and every page of the app is
 * opened as its owner, as a manager and as an admin. The policy of the pages is switched off for it, so that it hides no mistake.
 */

const run = promisify(execFile);
const tag = Date.now().toString(36);
type Role = 'owner' | 'manager' | 'admin';
const roles: Role[] = ['owner', 'manager', 'admin'];

let base = '';
let seeded: {
  people: Record<Role, string>;
  password: string;
  mailing: number;
  deletedArticle: number;
  things: Record<string, string | number>;
};
let server: OwnServer | undefined;

// One worker: all of it looks at the same rows.
test.describe.configure({ mode: 'default' });

test.beforeAll(async () => {
  // Only a server that keeps letters has an outbox to look at; and nobody else is to stumble over these texts.
  server = await startOwnServer({ database: true, env: { EMAIL_TRANSPORT: 'outbox', CACHE: 'off' } });
  base = server.base;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'tests/support/hostile-texts.ts', tag], {
    env: { ...serverSettings(), DATABASE_URL: server.databaseUrl },
  });
  seeded = JSON.parse(stdout) as typeof seeded;
  // What another server of this build has kept of its articles is not what is to be looked at.
  for (const path of ['/blog', '/ru/blog'])
    await expect.poll(async () => (await ask(base, path)).body).toContain(`${seeded.things.slug}"`);
});

test.afterAll(() => server?.end());

/** A page that shows a text as markup: what all pages would be if they got it wrong. */
function control(page: Page, path: string, html: string) {
  return page
    .context()
    .route(`${base}${path}`, (route) =>
      route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }),
    );
}

const attribute = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

test('what listens for texts that run hears each kind of them where a page does run them', async ({
  browser,
}) => {
  expect(payloads.length).toBeGreaterThanOrEqual(60);
  const context = await browser.newContext();
  const ran = await watchForRunning(context);
  const page = await context.newPage();
  const frame = (text: string) => `<iframe srcdoc="${attribute(text)}"></iframe>`;
  await control(page, '/control', `<!doctype html>${payloads.map(frame).join('')}`);
  await page.goto(`${base}/control`);
  await look(page);
  await expect.poll(() => new Set(ran).size, { timeout: 10_000 }).toBeGreaterThan(40);
  for (const kind of [/^fired\(/, /^alert\(/, /^console/, /^script /, /^stylesheet /, /^document /])
    expect(
      ran.some((one) => kind.test(one)),
      String(kind),
    ).toBe(true);

  // And what waits for somebody to act is seen in the page itself.
  await control(page, '/waiting', `<!doctype html><main>${payloadFamilies.address?.join('</a>')}</main>`);
  await page.goto(`${base}/waiting`);
  expect((await look(page)).acting.length).toBeGreaterThan(5);
  await context.close();
});

test('a body that was saved runs nothing even where it would be shown without a frame', async ({
  browser,
}) => {
  const context = await browser.newContext();
  const ran = await watchForRunning(context);
  const page = await context.newPage();
  const bodies = payloads.map((text) => sanitizeBody(`<p>${text}</p>`));
  const frame = (text: string) => `<iframe srcdoc="${attribute(text)}"></iframe>`;
  await control(page, '/saved', `<!doctype html>${bodies.map(frame).join('')}`);
  await page.goto(`${base}/saved`);
  await look(page);
  expect(ran).toEqual([]);
  const left = await page.evaluate(() =>
    [...document.querySelectorAll('iframe')].flatMap(({ contentDocument }) =>
      [
        ...(contentDocument?.querySelectorAll('script, style, svg, math, form, base, meta, object') ?? []),
      ].map((element) => element.outerHTML),
    ),
  );
  expect(left).toEqual([]);
  await context.close();
});

/** Everything that some page reads from its address, with a payload in it. */
const parameters =
  'q owner status role state sort action user who whom after view notice next token change sent tab page outcome all ids found reader from to mailing deleted size'.split(
    ' ',
  );
const polyglot = payloads.find((text) => text.includes('polyglot')) ?? '';

for (const role of roles)
  test(`no stored text runs on any page of the app (${role})`, async ({ browser }) => {
    const cookie = await signInAt(base, seeded.people[role], seeded.password);
    const prefix = role === 'admin' ? '/ru' : '';
    const things = { ...seeded.things, token: 'x', rest: 'no-such-page', n: 2 };
    const pages = appPages().map((page) => `${prefix}${filledIn(page, things)}`);
    expect(pages.length).toBeGreaterThan(35);
    const query = new URLSearchParams(parameters.map((name) => [name, polyglot]));
    // Everybody's pages read their parameters alike.
    const asking = appPages(/searchParams/).filter(
      (page) => role !== 'manager' && page.startsWith('/manage') === (role === 'admin'),
    );
    const paths = [...pages, ...asking.map((page) => `${prefix}${filledIn(page, things)}?${query}`)];
    if (role === 'owner')
      for (const page of appPages().filter((one) => /\[\w+\]/.test(one)))
        paths.push(page.replace(/\[\w+\]/g, encodeURIComponent(polyglot)));
    else
      for (const path of [
        `/manage/posts/${seeded.deletedArticle}`,
        `/manage/posts?status=deleted&deleted=${seeded.deletedArticle}`,
      ])
        paths.push(`${prefix}${path}`);

    // The pages as the server makes them; their own scripts, which only make them slow here, are left out. No policy comes along.
    const answers = new Map<string, Answer>();
    const fetched = async (path: string) => answers.set(path, await ask(base, path, { headers: { cookie } }));
    await Promise.all(paths.map(fetched));
    const further = [...answers.values()]
      .flatMap(({ body }) => [...body.matchAll(/href="([^"]+[?;]after=[^"]+)"/g)])
      .map(([, href = '']) => href.replaceAll('&amp;', '&'));
    await Promise.all([...new Set(further)].slice(0, 12).map(fetched));
    expect([...answers].filter(([, { status }]) => status >= 500).map(([path]) => path)).toEqual([]);
    // What pages to read run instead of Next has nothing of anybody in it.
    const own = [
      ...(answers.get(`${prefix}/blog`)?.body ?? '').matchAll(
        /<script type="(?:module|speculationrules)">([^<]*)<\/script>/g,
      ),
    ].map(([, text = '']) => text);
    expect(own).toHaveLength(2);
    expect(own.join()).not.toMatch(/fired|canary|hostile/);

    const context = await browser.newContext({ bypassCSP: true });
    const ran = await watchForRunning(context);
    let shown = '';
    await context.route(
      (url) => url.origin === base,
      (route) =>
        route.request().isNavigationRequest()
          ? route.fulfill({ contentType: 'text/html; charset=utf-8', body: shown })
          : route.abort(),
    );
    const page = await context.newPage();
    const found: string[] = [];
    const showing: string[] = [];
    const framed = new Map<string, string[]>();
    for (const [path, { body }] of answers) {
      shown = body.replace(/<script[^>]* src="\/_next\/[^>]*>/g, '<script>');
      await page.goto(`${base}${path}`, { waitUntil: 'domcontentloaded' });
      const { acting, frames } = await look(page, own);
      found.push(...acting.map((element) => `${path}: ${element}`));
      if (frames.length > 0) framed.set(path, frames);
      const text = await page.evaluate(() => document.querySelector('main')?.textContent ?? '');
      if (text.includes('fired(')) showing.push(path);
    }
    expect(ran).toEqual([]);
    expect(found).toEqual([]);
    // And the texts were there to be seen.
    expect(showing.length, showing.join(' ')).toBeGreaterThan(role === 'owner' ? 15 : 25);
    for (const kind of ['messages', 'outbox'])
      if (role === 'owner') expect(framed.get(`/${kind}/${seeded.things[kind]}`)).toHaveLength(1);
    await context.close();
  });

/** A page of somebody who is signed in, whose scripts run and which no policy protects. */
async function openAs(browser: Browser, role: Role) {
  const context = await browser.newContext({ bypassCSP: true });
  const ran = await watchForRunning(context);
  await carrySession(context, base, seeded.people[role], seeded.password);
  const page = await context.newPage();
  /** Opens it and waits until React has taken over what the server made. */
  const open = async (path: string) => {
    await page.goto(`${base}${path}`, { waitUntil: 'domcontentloaded' });
    await page.waitForFunction(() => {
      const element = document.querySelector('main');
      return element !== null && Object.keys(element).some((key) => key.startsWith('__reactFiber'));
    });
  };
  return { page, ran, open, close: () => context.close() };
}

const say = catalogue('en');

test('pages that come alive in the browser run nothing of what they were given', async ({ browser }) => {
  const { page, ran, open, close } = await openAs(browser, 'owner');
  const { mailings, messages, clients } = seeded.things;
  for (const path of [
    `/mailings/${mailings}/edit`,
    `/mailings/new?message=${messages}`,
    `/clients/${clients}/edit`,
    '/clients',
    '/settings',
  ]) {
    await open(path);
    expect((await look(page)).acting, path).toEqual([]);
  }
  expect(ran).toEqual([]);
  await close();
});

for (const { role, path, what } of [
  { role: 'owner', what: 'a letter', path: () => `/messages/${seeded.things.messages}/edit` },
  { role: 'admin', what: 'an article', path: () => `/manage/posts/${seeded.things.posts}` },
] as const)
  test(`the editor of ${what} runs nothing of a body that no saving has cleaned`, async ({ browser }) => {
    const { page, ran, open, close } = await openAs(browser, role);
    await open(path());
    // It would lose some of this, and asks first; whoever insists gets it all the same.
    await page.getByRole('button', { name: say('editor.visualAnyway') }).click();
    await expect(page.locator('form [contenteditable=true]')).toContainText('fired(');
    expect((await look(page)).acting).toEqual([]);
    if (role === 'owner') {
      await page.getByRole('button', { name: say('messages.preview.open') }).click();
      await expect(page.locator('iframe')).toHaveAttribute('sandbox', '');
      const { acting, frames } = await look(page);
      expect(acting).toEqual([]);
      expect(frames).toEqual(['sandbox=""']);
    }
    expect(ran).toEqual([]);
    await close();
  });

test('what a mail server answers is shown as it said it, on the run, on the attempt and in the export', async ({
  browser,
}) => {
  const { page, ran, open, close } = await openAs(browser, 'owner');
  const answer = `550 5.1.1 ${payloads[0]}`;
  await open(`/mailings/${seeded.mailing}`);
  await page.locator('a[href*="/runs/"]').first().click();
  await expect(page).toHaveURL(/\/runs\/\d+/);
  await page.getByRole('searchbox').fill('hostile-0-');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/q=hostile/);
  await expect(page.getByText(answer)).toBeVisible();
  await page.locator('main a[href*="/attempts/"]').click();
  await expect(page).toHaveURL(/\/attempts\/\d+/);
  await expect(page.getByText(answer)).toBeVisible();
  expect((await look(page)).acting).toEqual([]);
  expect(ran).toEqual([]);

  const file = await page.request.get(`${base}/api/mailings/${seeded.mailing}/attempts`);
  expect(file.headers()['content-disposition']).toContain('attachment');
  const lines = parse(await file.text(), { bom: true, columns: true }) as Record<string, string>[];
  expect(lines.map((line) => line.server_response)).toContain(answer);
  await close();
});
