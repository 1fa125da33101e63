import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import postgres from 'postgres';
import { connect } from '@/db/client';
import { createUser } from '../support/factories';
import { type OwnServer, startOwnServer } from '../support/own-server';
import { carrySession } from '../support/session';
import { ask } from '../support/visit';

/*
 * What public pages cost and count, on a server of its own, so that nobody else reads its articles. One after the other: the first test
 * takes the database away for a moment, while the pages are young.
 */
test.describe.configure({ mode: 'serial' });

const articles = Array.from({ length: 8 }, (_, n) => `article-${n + 1}`);
/** Octets of what runs in a page, unpacked, all of it in the page. React and the router of Next 16.4 would be 117,000 packed. */
const scriptsMax = 4000;
const member = { email: 'member@home.test', password: 'a long and honest passphrase' };
let server: OwnServer;

test.beforeAll(async () => {
  server = await startOwnServer({ database: true });
  const sql = postgres(server.databaseUrl, { max: 1, onnotice: () => {} });
  await sql`insert into posts (title, slug, summary, body, status, published_at)
    select initcap(replace(slug, '-', ' ')), slug, 'What it is about.', '<p>Words.</p>', 'published', now() - interval '1 day'
    from unnest(${articles}::text[]) as slug`;
  await sql`insert into totals (name, shard, value) values ('mailings', 0, 12345)
    on conflict (name, shard) do update set value = excluded.value`;
  await sql.end();
  const own = connect(server.databaseUrl, 1);
  await createUser(own.db, member);
  await own.sql.end();
  // Pages were built without a database; the next visits make them anew.
  await expect
    .poll(async () => (await ask(server.base, '/')).body, { timeout: 30_000 })
    .toMatch(/12,345[\s\S]*Article \d/);
});
test.afterAll(() => server.end());

/** What a page complains of: errors of its scripts, of its policy, of the network. */
function complaints(page: Page): string[] {
  const said: string[] = [];
  page.on('pageerror', (error) => said.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') said.push(message.text());
  });
  return said;
}

/** Notes what moves while a page loads; answers how to ask by how much. */
async function watchShifts(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        document.documentElement.dataset.shift = String(
          Number(document.documentElement.dataset.shift ?? 0) + ('value' in entry ? Number(entry.value) : 0),
        );
    }).observe({ type: 'layout-shift', buffered: true });
  });
  return async () => Number((await page.locator('html').getAttribute('data-shift')) ?? 0);
}

const newReader = (context: BrowserContext) => context.newPage();
const titles = (page: Page) =>
  page.getByRole('region', { name: 'From the blog' }).getByRole('heading', { level: 3 });

test('home and an article that were made answer a hundred visits, and the database hears of none', async () => {
  const paths = ['/', '/ru', '/blog/article-1'];
  for (const path of paths) expect((await ask(server.base, path)).status).toBe(200);
  const url = new URL(server.databaseUrl);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const sql = postgres(url.href, { max: 1, onnotice: () => {} });
  await sql`alter database ${sql(name)} allow_connections false`;
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
  try {
    for (let visit = 0; visit < 100; visit += 1) {
      const answer = await ask(server.base, paths[visit % paths.length] ?? '/');
      expect(answer.status).toBe(200);
      expect(answer.body).toContain(['12,345', '12\u00a0345', 'Article 1'][visit % paths.length]);
      expect(answer.headers['x-nextjs-cache']).toBe('HIT');
    }
  } finally {
    await sql`alter database ${sql(name)} allow_connections true`;
    await sql.end();
  }
});

test('a reader is counted once, however often they reload, and gets no cookie', async ({ browser }) => {
  const context = await browser.newContext({ baseURL: server.base });
  const page = await newReader(context);
  const said = complaints(page);
  const counted = () =>
    page.waitForResponse((answer) => /\/api\/posts\/\d+\/view$/.test(new URL(answer.url()).pathname));
  for (let visit = 0; visit < 2; visit += 1) {
    const answer = counted();
    await (visit === 0 ? page.goto('/blog/article-1') : page.reload());
    expect(await (await answer).json()).toEqual({ views: 1 });
    await expect(page.getByText('read 1 time', { exact: true })).toBeVisible();
  }
  expect(await context.cookies()).toEqual([]);
  expect(said).toEqual([]);
  await context.close();
});

test('home shows three articles, others at another visit, and nothing moves while it loads', async ({
  browser,
}) => {
  const context = await browser.newContext({
    baseURL: server.base,
    viewport: { width: 390, height: 844 },
  });
  const page = await newReader(context);
  const said = complaints(page);
  const shift = await watchShifts(page);
  const seen = new Set<string>();
  // Of eight articles three are 56 choices: the same one at each of ten visits is out of the question.
  for (let visit = 0; visit < 10 && seen.size < 2; visit += 1) {
    await page.goto('/');
    await expect(page.getByRole('link', { name: 'Sign in' }).first()).toBeVisible();
    const shown = await titles(page).allTextContents();
    expect(shown).toHaveLength(3);
    seen.add(shown.join());
    expect(await shift()).toBe(0);
  }
  expect(seen.size).toBeGreaterThan(1);
  // Who comes from another page of ours finds three as well.
  await page.getByRole('link', { name: 'All articles' }).click();
  await expect(page).toHaveURL(/\/blog$/);
  await page.getByRole('link', { name: 'Mailroom' }).first().click();
  await expect(titles(page)).toHaveCount(3);
  expect(said).toEqual([]);
  await context.close();
});

test('on a narrow phone the header is one line, for strangers and members, and nothing moves when the browser learns who they are', async ({
  browser,
}) => {
  for (const { path, signIn, workspace } of [
    { path: '/', signIn: 'Sign in', workspace: 'Workspace' },
    { path: '/ru', signIn: 'Войти', workspace: 'Рассылки' },
  ])
    for (const isMember of [false, true]) {
      const context = await browser.newContext({
        baseURL: server.base,
        viewport: { width: 360, height: 740 },
        isMobile: true,
      });
      if (isMember) await carrySession(context, server.base, member.email, member.password);
      const page = await newReader(context);
      const shift = await watchShifts(page);
      const told = page.waitForResponse('**/api/auth/session');
      await page.goto(path);
      await (await told).finished();
      const header = page.getByRole('banner');
      await expect(header.getByRole('link', { name: isMember ? workspace : signIn })).toBeVisible();
      await expect(header.getByRole('link', { name: isMember ? signIn : workspace })).toHaveCount(0);
      const boxes = await header
        .locator('a:visible')
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON() as DOMRect));
      expect(boxes).toHaveLength(5);
      // One line: each ends below where every other begins.
      expect(Math.min(...boxes.map(({ bottom }) => bottom)), path).toBeGreaterThan(
        Math.max(...boxes.map(({ top }) => top)),
      );
      expect(await shift(), `${path} ${isMember ? 'as a member' : 'as a stranger'}`).toBe(0);
      await context.close();
    }
});

test('a page that the back button brings back as it was shows who is signed in now', async ({
  playwright,
  launchOptions,
}) => {
  // Playwright has browsers forget pages that were left.
  const browser = await playwright.chromium.launch({
    ...launchOptions,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  const context = await browser.newContext({ baseURL: server.base });
  await carrySession(context, server.base, member.email, member.password);
  const page = await newReader(context);
  const header = page.getByRole('banner');
  await page.goto('/blog');
  await expect(header.getByRole('link', { name: 'Open workspace' })).toBeVisible();
  await page.evaluate(() => {
    document.documentElement.dataset.same = 'yes';
  });
  await page.goto('/blog/article-1');
  await context.clearCookies();
  // `goBack` waits for a load that does not come.
  await page.evaluate(() => history.back());
  await expect(header.getByRole('link', { name: 'Sign in' })).toBeVisible();
  await expect(header.getByRole('link', { name: 'Open workspace' })).toHaveCount(0);
  // It was the very page.
  await expect(page).toHaveURL('/blog');
  await expect(page.locator('html')).toHaveAttribute('data-same', 'yes');
  await browser.close();
});

test('a page that is only read loads no script: a few lines in it do what moves', async ({ browser }) => {
  for (const path of ['/', '/ru', '/blog', '/ru/blog/article-2', '/blog/article-2?from=a-letter']) {
    const context = await browser.newContext({ baseURL: server.base });
    const page = await newReader(context);
    const said = complaints(page);
    const loaded: string[] = [];
    page.on('request', (request) => {
      if (request.resourceType() === 'script') loaded.push(request.url());
    });
    await page.goto(path, { waitUntil: 'networkidle' });
    expect(loaded, path).toEqual([]);
    const inPage = await page
      .locator('script')
      .evaluateAll((all) =>
        all.filter((one) => /^(module)?$/.test(one.getAttribute('type') ?? '')).map((one) => one.innerHTML),
      );
    expect(Buffer.byteLength(inPage.join('')), path).toBeLessThan(scriptsMax);
    expect(said, path).toEqual([]);
    await context.close();
  }
});

test('whoever makes a page first and whoever comes after get the same', async () => {
  for (const headers of [{}, { 'accept-encoding': 'gzip, deflate, br' }] as Record<string, string>[]) {
    const visit = () => ask(server.base, '/ru/blog/article-5', { headers });
    const answers = [await visit(), await visit(), await visit()];
    for (const answer of answers) {
      expect(answer.headers.vary).toMatch(/accept-encoding/i);
      expect(answer.headers['content-encoding']).toBe('accept-encoding' in headers ? 'gzip' : undefined);
      expect(answer.body).toBe(answers[0]?.body);
    }
  }
});

test('on a page without React a theme is chosen and kept, the language changes with the query, and a link is fetched ahead', async ({
  browser,
}) => {
  const context = await browser.newContext({ baseURL: server.base });
  const page = await newReader(context);
  const said = complaints(page);
  await page.goto('/blog/article-3?from=letter');
  const theme = (name: string) => page.getByRole('button', { name, exact: true }).first();
  await expect(theme('As the system')).toHaveAttribute('aria-pressed', 'true');
  await theme('Dark').click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(theme('Dark')).toHaveAttribute('aria-pressed', 'true');
  await expect(theme('As the system')).toHaveAttribute('aria-pressed', 'false');
  await page.getByRole('link', { name: 'Русский' }).click();
  await expect(page).toHaveURL('/ru/blog/article-3?from=letter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(page.getByRole('button', { name: 'Тёмная', exact: true }).first()).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  await page.getByRole('button', { name: 'Как в системе', exact: true }).first().click();
  await expect(page.locator('html')).not.toHaveAttribute('data-theme');
  expect(await page.evaluate(() => localStorage.getItem('theme'))).toBeNull();

  const ahead = page.waitForRequest(
    (request) => request.headers()['sec-purpose']?.startsWith('prefetch') ?? false,
  );
  await page.getByRole('main').getByRole('link').first().hover();
  expect(new URL((await ahead).url()).pathname).toBe('/ru/blog');
  expect(said).toEqual([]);
  await context.close();
});

test('home says all that it has to say without JavaScript, in both languages', async ({ browser }) => {
  const context = await browser.newContext({ baseURL: server.base, javaScriptEnabled: false });
  const page = await newReader(context);
  for (const [path, number] of [
    ['/', '12,345'],
    ['/ru', '12 345'],
  ] as const) {
    await page.goto(path);
    await expect(page.getByText(number)).toBeVisible();
    // Four things that it does well, and three articles.
    await expect(page.getByRole('main').getByRole('heading', { level: 3 })).toHaveCount(7);
  }
  await context.close();
});
