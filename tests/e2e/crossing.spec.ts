import { randomUUID } from 'node:crypto';
import { expect, type Page, test } from '@playwright/test';
import { connect } from '@/db/client';
import {
  createAttempt,
  createClient,
  createDelivery,
  createMailing,
  createMessage,
  createRun,
  createUser,
} from '../support/factories';
import { catalogue } from '../support/newcomer';
import { png } from '../support/pictures';

/*
 * Two documents with two policies: public pages, which are kept, and the workspace, whose scripts carry a nonce. A page that is drawn into
 * a document lives under the policy of that document, so every step between them has to be a full load.
 */

const password = 'a sound password';

async function createPerson(name: string, roles: { isStaff?: boolean; isSuperuser?: boolean } = {}) {
  const { db, sql } = connect(process.env.E2E_DATABASE_URL ?? '', 1);
  try {
    const email = `${name}-${randomUUID().slice(0, 8)}@crossing.test`;
    const user = await createUser(db, { email, password, ...roles });
    const client = await createClient(db, user, { fullName: 'Grace Hopper' });
    const message = await createMessage(db, user, {
      subject: 'News',
      body: '<h1 style="color:#123456">Hello</h1><p><img src="https://pictures.example/a.png" alt=""></p>',
    });
    const mailing = await createMailing(db, user, { messageId: message.id, status: 'completed' });
    const run = await createRun(db, mailing, { status: 'partly_done' });
    const delivery = await createDelivery(db, run, client, { status: 'failed' });
    const attempt = await createAttempt(db, run, delivery, { status: 'failure' });
    return { email, user, client, message, mailing, run, attempt };
  } finally {
    await sql.end();
  }
}

/** What the browser had to say against a page: violations of its policy, and anything that broke. */
function listen(page: Page): string[] {
  const said: string[] = [];
  page.on('console', (message) => {
    const text = message.text();
    // What is asked for on purpose is not there, and no picture of another site is. A letter's frame runs no script, also none of
    // those with which this test looks into it.
    const expected = /Failed to load resource|^Blocked script execution in 'about:srcdoc'/;
    if (message.type() === 'error' && !expected.test(text)) said.push(`${page.url()}: ${text}`);
  });
  page.on('pageerror', (error) => said.push(`${page.url()}: ${error.message}`));
  return said;
}

/** The document that is shown was loaded for this very address, under the policy that it should have. */
async function expectDocument(page: Page, kind: 'public' | 'workspace', address: RegExp | string) {
  await expect(page).toHaveURL(address);
  await page.waitForLoadState();
  const loaded = () =>
    page.evaluate(() => performance.getEntriesByType('navigation').map(({ name }) => name.split('#')[0]));
  await expect.poll(loaded).toEqual([page.url().split('#')[0]]);
  const policy = documents.get(page)?.get(page.url().split('#')[0] ?? '') ?? '';
  expect(policy.includes('strict-dynamic'), `${page.url()} is a ${kind} page`).toBe(kind === 'workspace');
}

/** The policies of the documents that each page has been sent, by address. */
const documents = new WeakMap<Page, Map<string, string>>();

function note(page: Page) {
  const policies = new Map<string, string>();
  documents.set(page, policies);
  page.on('response', (response) => {
    if (response.request().resourceType() === 'document')
      policies.set(response.url(), response.headers()['content-security-policy'] ?? '');
  });
}

async function signIn(page: Page, email: string) {
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page.getByRole('main').locator('button[type=submit]').click();
}

test('every step between pages to read, forms of accounts and the workspace is a full load, and within the last two none is', async ({
  page,
}) => {
  const say = catalogue('en');
  const { email } = await createPerson('walker');
  const said = listen(page);
  note(page);
  const isSame = () => page.evaluate(() => document.documentElement.dataset.kept === 'yes');
  const keep = () =>
    page.evaluate(() => {
      document.documentElement.dataset.kept = 'yes';
    });

  await page.goto('/');
  await page
    .getByRole('banner')
    .getByRole('link', { name: say('layout.account.signIn') })
    .click();
  await expectDocument(page, 'public', '/login');
  await keep();
  await page.getByRole('link', { name: say('account.login.register') }).click();
  await expect(page).toHaveURL('/register');
  expect(await isSame()).toBe(true);
  await page
    .getByRole('banner')
    .getByRole('link', { name: say('layout.account.signIn') })
    .click();
  await expect(page).toHaveURL('/login');
  expect(await isSame()).toBe(true);
  await signIn(page, email);
  await expectDocument(page, 'workspace', '/dashboard');

  await keep();
  await page
    .getByRole('link', { name: say('layout.nav.clients') })
    .first()
    .click();
  await expect(page).toHaveURL('/clients');
  expect(await isSame()).toBe(true);
  // Back over the border, and forth again.
  await page.goto('/blog');
  await expectDocument(page, 'public', '/blog');
  await page.getByRole('link', { name: say('layout.account.open') }).click();
  await expectDocument(page, 'workspace', '/dashboard');
  await page.goBack();
  await expectDocument(page, 'public', '/blog');
  await page.goForward();
  await expectDocument(page, 'workspace', '/dashboard');

  // To a thing that is not there, and from its page to one that is.
  await page.goto('/clients/999999999');
  await expectDocument(page, 'public', '/clients/999999999');
  await page.getByRole('link', { name: say('layout.account.open') }).click();
  await expectDocument(page, 'workspace', '/dashboard');

  await page
    .getByRole('link', { name: say('layout.language.ru') })
    .first()
    .click();
  await expectDocument(page, 'workspace', '/ru/dashboard');
  await page
    .getByRole('button', { name: catalogue('ru')('layout.account.signOut') })
    .first()
    .click();
  await expectDocument(page, 'public', '/ru/login?notice=signed_out');

  // Signed out elsewhere: a step within the workspace leads out of it.
  await signIn(page, email);
  await expectDocument(page, 'workspace', /\/dashboard$/);
  await page.context().clearCookies();
  await page.locator('a[href$="/mailings"]:visible').first().click();
  await expectDocument(page, 'public', /\/login\?next=/);
  expect(said).toEqual([]);
});

for (const [name, roles] of Object.entries({
  user: {},
  manager: { isStaff: true },
  admin: { isStaff: true, isSuperuser: true },
}))
  test(`no page breaks its own policy, as a ${name} sees it`, async ({ page }) => {
    const own = await createPerson(name, roles);
    const said = listen(page);
    note(page);
    await page.goto('/login');
    await signIn(page, own.email);
    await expectDocument(page, 'workspace', '/dashboard');
    const seen = new Set<string>();
    const next = [
      `/clients/${own.client.id}/edit`,
      `/messages/${own.message.id}`,
      `/messages/${own.message.id}/edit`,
      `/mailings/${own.mailing.id}`,
      `/mailings/${own.mailing.id}/runs/${own.run.id}`,
      `/attempts/${own.attempt.id}`,
      '/clients/new',
      '/mailings/new',
      '/outbox',
      '/dashboard',
      ...(name === 'user' ? [] : ['/manage/users']),
    ];
    for (let at = next.shift(); at !== undefined; at = next.shift()) {
      const kind = at.replace(/\?.*/, '').replace(/\d+/g, '#');
      // Lists and empty forms of their own they see as any user does.
      const isTheirs = name === 'user' || kind.startsWith('/manage') || kind.includes('#');
      if (seen.has(kind) || kind.startsWith('/ru') || !isTheirs) continue;
      seen.add(kind);
      await page.goto(at);
      for (const href of await page
        .locator('a[href^="/"]')
        .evaluateAll((all) => all.map((a) => a.getAttribute('href'))))
        if (href && !href.startsWith('/api/') && !/[#?]/.test(href)) next.push(href);
    }
    expect(said).toEqual([]);
    expect(seen.size).toBeGreaterThanOrEqual(name === 'user' ? 20 : 14);
  });

test('letters are written, looked at and illustrated without the page breaking its policy, in both themes', async ({
  page,
}) => {
  const say = catalogue('en');
  const own = await createPerson('writer');
  const said = listen(page);
  note(page);
  await page.goto('/login?next=/messages/new');
  await signIn(page, own.email);
  await expectDocument(page, 'workspace', '/messages/new');
  await page.locator('[name=subject]').fill('A letter');
  const editor = page.locator('form [contenteditable=true]');
  await editor.click();
  await page.keyboard.type('Two  spaces stay, and a picture comes.');
  await expect(editor).toHaveCSS('white-space', 'break-spaces');

  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: say('uploads.button') }).click();
  await (await chooser).setFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from(png) });
  const dialog = page.getByRole('dialog');
  // Shown from memory before it is stored, and loaded from the store afterwards.
  const isLoaded = (picture: HTMLImageElement) => picture.complete && picture.naturalWidth > 0;
  await expect.poll(() => dialog.locator('img').evaluate(isLoaded)).toBe(true);
  await dialog.getByText(say('uploads.decorative')).click();
  await dialog.getByRole('button', { name: say('uploads.insert') }).click();
  await expect.poll(() => editor.locator('img').first().evaluate(isLoaded)).toBe(true);
  await page.getByRole('button', { name: say('messages.preview.open') }).click();
  const letter = page.frameLocator('iframe[sandbox=""]');
  await expect(letter.locator('img')).toHaveCSS('max-width', '100%');
  await page.locator('form button[type=submit]').last().click();
  await expect(page).toHaveURL(/\/messages\/\d+\?notice/);

  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto(`/messages/${own.message.id}`);
    const frame = page.locator('iframe');
    await expect(frame).toHaveAttribute('sandbox', '');
    await expect(frame).toHaveCSS('background-color', 'rgb(255, 255, 255)');
    const heading = page.frameLocator('iframe').locator('h1');
    await expect(heading).toHaveCSS('color', 'rgb(18, 52, 86)');
    await expect(page.frameLocator('iframe').locator('img')).toHaveCSS('max-width', '100%');
  }
  await page
    .getByRole('button', { name: say('layout.theme.dark') })
    .first()
    .click();
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(said).toEqual([]);
});
