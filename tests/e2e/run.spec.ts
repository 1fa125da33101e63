import { type Browser, expect, type Page, test } from '@playwright/test';
import { expectNoBarrier } from '../support/barriers';
import { catalogue, writeMessage } from '../support/newcomer';
import { arrive } from '../support/session';

/* What people see of a run while it is under way: sent for real, by the worker, to a mail server that takes its time. */

// In order: each run keeps the one worker busy for a while.
test.describe.configure({ mode: 'default' });

const id = Date.now().toString(36);

/** A newcomer with a mailing to so many slow mailboxes, and to some among them that do not exist; ends on the page of the mailing. */
async function sendSlowly(page: Page, locale: 'en' | 'ru', who: string, letters: number, refused = 1) {
  const say = catalogue(locale);
  await arrive(page.context(), `${who}-${id}@people.test`, { name: 'Vera Ivanova', locale });
  await page.goto(`${locale === 'ru' ? '/ru' : ''}/mailings/new`);
  await page.locator('[name=name]').fill('Slow news');
  await writeMessage(page, 'News', 'It takes its time.');
  await page.locator('input[name=audience][value=chosen]').check();
  const every = Math.ceil(letters / refused);
  const lines = Array.from({ length: letters }, (_, nth) => [
    `slow-${who}-${nth}-${id}@clients.test`,
    ...((nth + 1) % every === 0 || nth + 1 === letters ? [`nobody-${who}-${nth}-${id}@clients.test`] : []),
  ]);
  await page.locator('textarea[name=newClients]').fill(lines.flat().join('\n'));
  await page.getByRole('button', { name: say('mailings.form.create') }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+/);
}

/** From the page of the mailing to that of its run under way. */
async function openRun(page: Page, name: string) {
  await page.getByRole('link', { name }).click();
  // Both pages have the same buttons.
  await expect(page).toHaveURL(/\/runs\/\d+/);
}

/** The number of letters sent that the page shows. */
async function sentOn(page: Page, all: number): Promise<number> {
  const text = await page
    .getByText(new RegExp(`^\\d+ (of|из) ${all}`))
    .first()
    .textContent();
  return Number.parseInt(text ?? '', 10);
}

/** The same person in another window. */
async function another(browser: Browser, page: Page, options: { javaScriptEnabled: boolean }) {
  const context = await browser.newContext({ ...options, storageState: await page.context().storageState() });
  return context.newPage();
}

test('the numbers of a run move by themselves, and at its end the page says so without having been loaded anew', async ({
  page,
}) => {
  const say = catalogue('en');
  await sendSlowly(page, 'en', 'moves', 100);
  await openRun(page, say('mailings.live.openRun'));
  await page.evaluate(() => {
    document.documentElement.dataset.loaded = 'once';
  });

  const seen = new Set<number>();
  await expect
    .poll(
      async () => {
        seen.add(await sentOn(page, 101));
        return Math.max(...seen);
      },
      { timeout: 60_000, intervals: [200] },
    )
    .toBe(100);
  expect([...seen].some((count) => count > 0 && count < 100)).toBe(true);

  await expect(page.getByText(say('mailings.runStatus.partly_done'), { exact: true }).first()).toBeVisible({
    timeout: 60_000,
  });
  // What only a run that is over offers.
  await expect(page.getByRole('button', { name: 'Send to 1 client' })).toBeVisible();
  await expect(page.getByText(say('mailings.live.follows'))).toHaveCount(0);
  expect(await page.evaluate(() => document.documentElement.dataset.loaded)).toBe('once');
});

test('the way to the letters that failed tells as many as the numbers above it, at every moment of a run', async ({
  page,
}) => {
  const say = catalogue('en');
  await sendSlowly(page, 'en', 'misses', 120, 20);
  // The page is not made anew while it is looked at: what moves, moves by the small answers alone.
  await page.route(/\/runs\/\d+/, async (route) => {
    if (!route.request().headers().rsc || route.request().headers()['next-router-prefetch'])
      await route.continue();
  });
  await page.goto(
    (await page.getByRole('link', { name: say('mailings.live.openRun') }).getAttribute('href')) ?? '',
  );
  const seen = new Set<string>();
  const numbers = async () => {
    const text = (await page.locator('main').textContent()) ?? '';
    return [/Look at (\d+) failed/, /Failed\s*(\d+)/].map((number) => number.exec(text)?.[1] ?? '0');
  };
  await expect
    .poll(
      async () => {
        const [link, above] = await numbers();
        expect(link).toBe(above);
        seen.add(link ?? '');
        return Number(link);
      },
      { timeout: 60_000, intervals: [200] },
    )
    .toBe(20);
  expect(seen.size).toBeGreaterThan(2);
});

test('the dashboard follows the runs under way without asking for the page anew, and says when they are over', async ({
  page,
}) => {
  const say = catalogue('en');
  await sendSlowly(page, 'en', 'board', 300);
  await page.goto('/dashboard');
  await page.evaluate(() => {
    document.documentElement.dataset.loaded = 'once';
  });
  const seen = new Set<string>();
  const look = async () => {
    for (const text of await page.getByText(/^\d+ sent$/).allTextContents()) seen.add(text);
    return seen.size;
  };
  await expect.poll(look, { timeout: 30_000, intervals: [100] }).toBe(1);
  const pages: string[] = [];
  let answers = 0;
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/dashboard') pages.push(request.url());
  });
  page.on('response', (response) => {
    if (new URL(response.url()).pathname === '/api/runs/progress') answers += 1;
  });
  await expect.poll(look, { timeout: 30_000, intervals: [100] }).toBeGreaterThan(2);
  expect(pages).toEqual([]);
  expect(answers).toBeGreaterThan(0);

  await expect(page.getByText(say('dashboard.openEmpty'))).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('1 client did not get the letter')).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.dataset.loaded)).toBe('once');
});

test('a run can be held, let go on and stopped where it is watched', async ({ page }) => {
  const say = catalogue('ru');
  // More than can be on their way at once, so that a pause finds some that have not left.
  await sendSlowly(page, 'ru', 'held', 160);
  await openRun(page, say('mailings.live.openRun'));
  const press = async (name: string) => {
    await page.getByRole('button', { name }).first().click();
    await page.getByRole('alertdialog').getByRole('button', { name }).click();
  };
  await press(say('mailings.actions.pause'));
  await expect(page).toHaveURL(/\/mailings\/\d+\?notice/);
  await openRun(page, say('mailings.live.openRun'));
  await expect(page.getByText(say('mailings.hold.paused.title'), { exact: true }).first()).toBeVisible();
  await expect(page.getByText(say('mailings.live.still'))).toBeVisible();
  await expectNoBarrier(page);
  await press(say('mailings.actions.resume'));
  await expect(page).toHaveURL(/\/mailings\/\d+\?notice/);
  await openRun(page, say('mailings.live.openRun'));
  await expect(page.getByText(say('mailings.hold.paused.title'), { exact: true })).toHaveCount(0);
  const run = page.url();
  await press(say('mailings.actions.stop'));
  await expect(page).toHaveURL(/\/mailings\/\d+\?notice/);
  // Which the page of the mailing learns by itself as well.
  await expect(page.getByText(say('mailings.status.completed'), { exact: true }).first()).toBeVisible({
    timeout: 60_000,
  });
  await page.goto(run);
  const lines = page.getByRole('region', { name: say('mailings.history.title') }).getByRole('listitem');
  const [what, you] = ['mailings.history.what', say('mailings.history.who.you')];
  await expect(lines).toHaveText([
    /160|161/,
    new RegExp(`${say(`${what}.paused`)} · ${you}$`),
    new RegExp(`${say(`${what}.resumed`)} · ${you}$`),
    new RegExp(`${say(`${what}.stopped`)}: .+ · ${you}$`),
    new RegExp(`${say('mailings.history.who.itself')}$`),
  ]);
});

test('without JavaScript a run shows the numbers of its moment, a link for newer ones, and each mistake once', async ({
  page,
  browser,
}) => {
  const say = catalogue('en');
  await sendSlowly(page, 'en', 'plain', 100);
  const plain = await another(browser, page, { javaScriptEnabled: false });
  await plain.goto(page.url().split('?')[0] ?? '');
  await expect
    .poll(
      async () => {
        await plain.reload();
        return plain.getByRole('link', { name: say('mailings.live.openRun') }).count();
      },
      { timeout: 30_000 },
    )
    .toBe(1);
  await openRun(plain, say('mailings.live.openRun'));
  await expect(plain.getByText(say('mailings.live.moment'))).toBeVisible();
  const before = await sentOn(plain, 101);
  await expect
    .poll(
      async () => {
        await plain.getByRole('link', { name: say('mailings.live.refresh') }).click();
        return sentOn(plain, 101);
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThan(before);
  await expect
    .poll(
      async () => {
        await plain.reload();
        return plain.getByRole('button', { name: say('mailings.run.finish') }).count();
      },
      { timeout: 60_000 },
    )
    .toBe(1);
  await expect(plain.getByRole('link', { name: say('mailings.live.refresh') })).toHaveCount(0);

  await plain.locator('input[value=failed]').uncheck();
  await plain.getByRole('button', { name: say('mailings.run.finish') }).click();
  await expect(plain.getByText(say('mailings.errors.choose_outcome'))).toHaveCount(1);
  await expect(plain.locator('input[value=failed]')).not.toBeChecked();
  await plain.context().close();
});

test('whoever watches over the installation is told that it is well', async ({ request }) => {
  const response = await request.get('/api/health');
  expect(response.status()).toBe(200);
  expect(await response.json()).toMatchObject({
    ok: true,
    transport: { kind: 'smtp', waiting: null },
    worker: { alive: true },
  });
});
