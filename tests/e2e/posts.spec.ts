import { spawnSync } from 'node:child_process';
import { type Browser, expect, type Page, test } from '@playwright/test';
import sharp from 'sharp';
import { expectNoBarrier } from '../support/barriers';
import { catalogue } from '../support/newcomer';
import { serverSettings } from '../support/own-server';
import { arrive } from '../support/session';

/*
 * The whole way of an article, with a reader beside it: a second browser that is not signed in looks at the public pages after each
 * step.
 */

const say = catalogue('en');
const id = Date.now().toString(36);
const password = 'a long and honest passphrase';

/** A manager, made as the first ones are: by the command line. */
function createManager(email: string, name: string) {
  const made = spawnSync(
    'npx',
    [
      'tsx',
      'lib/cli/main.ts',
      'user',
      'create',
      '--email',
      email,
      '--password',
      password,
      '--name',
      name,
      '--staff',
    ],
    {
      env: serverSettings(),
      encoding: 'utf8',
    },
  );
  if (made.status !== 0) throw new Error(made.stderr);
}

async function signIn(page: Page, email: string) {
  await page.goto('/login?next=/manage/posts');
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page
    .getByRole('main')
    .getByRole('button', { name: say('account.login.submit') })
    .click();
  await expect(page).toHaveURL(/^[^?]*\/manage\/posts/);
}

/** The editor of a new draft, alive. */
async function begin(page: Page) {
  await page.goto('/manage/posts');
  await page.getByRole('button', { name: say('posts.add') }).click();
  await expect(page).toHaveURL(/\/manage\/posts\/\d+/);
  await expect(page.locator('#post [contenteditable=true]')).toBeVisible();
}

const savedLine = (page: Page) => page.locator('[data-saving=saved]');

/** A picture of one colour. */
const plain = (background: string) =>
  sharp({ create: { width: 900, height: 500, channels: 3, background } })
    .jpeg()
    .toBuffer();

/** Pastes a file into the text of the article, as a browser does. */
async function paste(page: Page, { name, type, bytes }: { name: string; type: string; bytes: Buffer }) {
  await page.locator('#post [contenteditable=true]').evaluate(
    (editor, file) => {
      const data = new DataTransfer();
      const octets = Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0));
      data.items.add(new File([octets], file.name, { type: file.type }));
      editor.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    },
    { name, type, base64: bytes.toString('base64') },
  );
}

/** Puts the picture that was chosen into the text, with words for those who do not see it. */
async function insertPicture(page: Page, words: string) {
  await page.getByLabel(say('uploads.alt')).fill(words);
  await page.getByRole('button', { name: say('uploads.insert') }).click();
  await expect(page.locator('#post [contenteditable=true]').getByRole('img', { name: words })).toBeVisible();
}

async function reader(browser: Browser): Promise<Page> {
  return (await browser.newContext({ storageState: { cookies: [], origins: [] } })).newPage();
}

test('an article goes its whole way, and readers see each step at once and nothing before it', async ({
  page,
  browser,
}) => {
  const email = `editor-${id}@people.test`;
  createManager(email, 'Edna Writer');
  await signIn(page, email);
  const public_ = await reader(browser);
  const title = `Проба пера ${id}`;
  const slug = `proba-pera-${id}`;
  const seesInList = async (text: string) => {
    await public_.goto('/blog');
    return public_.getByRole('main').getByText(text).count();
  };
  const statusOf = async (path: string) => (await public_.goto(path))?.status();

  // A draft saves itself, and gets an address of its title.
  await begin(page);
  const editUrl = page.url();
  await page.locator('#post [name=title]').fill(title);
  const body = page.locator('#post [contenteditable=true]');
  await body.click();
  await page.keyboard.type('Words that come first.');
  await expect(savedLine(page)).toBeVisible();
  await expect(page.locator('#post [name=slug]')).toHaveAttribute('placeholder', slug);
  expect(await statusOf(`/blog/${slug}`)).toBe(404);
  expect(await seesInList(title)).toBe(0);

  // A picture from the disk.
  const picture = await plain('#b53a1d');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: say('uploads.button'), exact: true }).click();
  await (await chooser).setFiles({ name: 'stamp.jpg', mimeType: 'image/jpeg', buffer: picture });
  await insertPicture(page, 'A red stamp');
  await expect(savedLine(page)).toBeVisible();

  // Another one from the clipboard.
  await paste(page, { name: 'blue.jpg', type: 'image/jpeg', bytes: await plain('#1d3ab5') });
  await insertPicture(page, 'A blue stamp');
  await expect(savedLine(page)).toBeVisible();
  expect(await statusOf(`/blog/${slug}`)).toBe(404);

  // What was saved is there when the page is opened anew, and the preview shows it to managers only.
  await page.reload();
  await expect(page.locator('#post [name=title]')).toHaveValue(title);
  await expect(body.getByRole('img', { name: 'A red stamp' })).toBeVisible();
  const preview = `${new URL(editUrl).pathname}/preview`;
  await page.goto(preview);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
  for (const name of ['A red stamp', 'A blue stamp'])
    await expect(page.getByRole('img', { name })).toBeVisible();
  await public_.goto(preview);
  await expect(public_).toHaveURL(/\/login/);
  expect((await page.request.get(preview)).headers()['cache-control']).toMatch(/no-store|private/);

  // Published, it is there for everybody at once.
  await page.goto(editUrl);
  await page.getByRole('button', { name: say('posts.publish.submit'), exact: true }).click();
  await expect(page.getByRole('button', { name: say('posts.edit.update') })).toBeVisible();
  expect(await statusOf(`/blog/${slug}`)).toBe(200);
  await expect(public_.getByRole('main')).toContainText('Words that come first.');
  for (const name of ['A red stamp', 'A blue stamp']) {
    const shown = public_.getByRole('img', { name });
    await shown.scrollIntoViewIfNeeded();
    await expect.poll(() => shown.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBeGreaterThan(0);
  }
  expect(await seesInList(title)).toBe(1);
  expect(await statusOf(`/ru/blog/${slug}`)).toBe(200);

  // What is typed into a published article is not for readers until its writer says so.
  await expect(body).toBeVisible();
  await body.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' And a second thought.');
  await expect(page.locator('[data-saving=unsaved]')).toBeVisible();
  await public_.goto(`/blog/${slug}`);
  await expect(public_.getByRole('main')).not.toContainText('And a second thought.');
  const asked = page.waitForEvent('dialog');
  const leaving = page
    .getByRole('link', { name: say('layout.nav.clients') })
    .first()
    .click();
  const dialog = await asked;
  expect(dialog.message()).toBe(say('posts.edit.leave'));
  await dialog.dismiss();
  await leaving;
  expect(page.url()).toBe(editUrl);
  await page.getByRole('button', { name: say('posts.edit.update') }).click();
  await expect(savedLine(page)).toBeVisible();
  await public_.goto(`/blog/${slug}`);
  await expect(public_.getByRole('main')).toContainText('And a second thought.');

  // Under a new address the old one leads there.
  await page.locator('#post [name=slug]').fill(`moved-${id}`);
  await page.getByRole('button', { name: say('posts.edit.update') }).click();
  await expect(savedLine(page)).toBeVisible();
  await public_.goto(`/blog/${slug}`);
  await expect(public_).toHaveURL(new RegExp(`/blog/moved-${id}$`));
  expect(await seesInList(title)).toBe(1);

  // Taken back, it is gone for readers; deleted and undone, it is a draft again.
  await page.getByRole('button', { name: say('posts.unpublish.confirm'), exact: true }).click();
  await page
    .getByRole('alertdialog')
    .getByRole('button', { name: say('posts.unpublish.confirm'), exact: true })
    .click();
  await expect(page.getByRole('button', { name: say('posts.publish.submit'), exact: true })).toBeVisible();
  expect(await statusOf(`/blog/moved-${id}`)).toBe(404);
  expect(await statusOf(`/blog/${slug}`)).toBe(404);
  expect(await seesInList(title)).toBe(0);

  // At a date to come it waits.
  await page.getByRole('radio', { name: say('posts.publish.at') }).check();
  await page.getByLabel(say('posts.publish.date')).fill('2099-01-01T10:00');
  await page.getByRole('button', { name: say('posts.publish.submit'), exact: true }).click();
  await expect(page.getByRole('button', { name: say('posts.unpublish.unschedule') })).toBeVisible();
  expect(await statusOf(`/blog/moved-${id}`)).toBe(404);
  expect(await seesInList(title)).toBe(0);
  await page.getByText(say('posts.publish.titleAgain')).click();
  await page.getByRole('radio', { name: say('posts.publish.now') }).check();
  await page.getByRole('button', { name: say('posts.publish.move') }).click();
  await expect(page.getByRole('link', { name: say('posts.edit.open') })).toBeVisible();
  expect(await statusOf(`/blog/moved-${id}`)).toBe(200);
  expect(await seesInList(title)).toBe(1);

  await page.getByRole('button', { name: say('posts.delete') }).click();
  await expect(page).toHaveURL(/\/manage\/posts\?deleted=\d+/);
  expect(await statusOf(`/blog/moved-${id}`)).toBe(404);
  expect(await seesInList(title)).toBe(0);
  await page.getByRole('button', { name: say('posts.undo') }).click();
  await expect(page).toHaveURL(/\/manage\/posts\/\d+/);
  expect(await statusOf(`/blog/moved-${id}`)).toBe(200);
  expect(await seesInList(title)).toBe(1);
  await public_.context().close();
});

test('what is no picture, or one too many, is refused with its reason; what was written stays, and the next one is taken', async ({
  page,
}) => {
  await arrive(page.context(), `pictures-${id}@people.test`, { name: 'Pia Picture', isStaff: true });
  await begin(page);
  const body = page.locator('#post [contenteditable=true]');
  await body.click();
  await page.keyboard.type('Words before a picture.');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  const jpeg = await plain('#b53a1d');
  const huge = await sharp({ create: { width: 10_000, height: 5000, channels: 3, background: '#fff' } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  const refused: [string, string, Buffer, string][] = [
    ['drawing.png', 'image/png', svg, say('uploads.errors.not_an_image')],
    ['half.jpg', 'image/jpeg', jpeg.subarray(0, jpeg.length / 2), say('uploads.errors.broken_image')],
    ['heavy.jpg', 'image/jpeg', Buffer.concat([jpeg, Buffer.alloc(6_000_000)]), 'at most 5 MB'],
    ['fifty.png', 'image/png', huge, 'at most 40 megapixels'],
  ];
  for (const [name, type, bytes, reason] of refused) {
    await paste(page, { name, type, bytes });
    const told = page.getByRole('dialog').getByRole('alert');
    await expect(told, name).toContainText(reason);
    await expect(told).toContainText(name);
    await page
      .getByRole('dialog')
      .getByRole('button', { name: say('ui.cancel') })
      .click();
    await expect(body).toHaveText('Words before a picture.');
    await expect(body.getByRole('img')).toHaveCount(0);
  }
  await paste(page, { name: 'good.jpg', type: 'image/jpeg', bytes: jpeg });
  await insertPicture(page, 'A good one');

  // What is pasted as HTML keeps its words and loses what runs; without a title it is not published, and says so.
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData(
      'text/html',
      '<p>Pasted <b>words</b><script>document.title = "run"</script><img src="x" onerror="document.title = \'run\'"></p>',
    );
    document
      .querySelector('#post [contenteditable=true]')
      ?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await expect(body).toContainText('Pasted words');
  await expect(savedLine(page)).toBeVisible();
  await page.getByRole('button', { name: say('posts.publish.submit'), exact: true }).click();
  await expect(page.getByText(say('posts.publish.lacks.title'))).toBeVisible();
  await page.reload();
  await expect(body).toContainText('Pasted words');
  expect(await body.innerHTML()).not.toMatch(/<script|onerror/);
  expect(await page.title()).not.toBe('run');
});

test('an article open in two windows: the second is told, sees what the first wrote, and loses nothing', async ({
  page,
  browser,
}) => {
  await arrive(page.context(), `twice-${id}@people.test`, { name: 'Tina Twice', isStaff: true });
  await begin(page);
  await page.locator('#post [name=title]').fill('From the first window');
  await expect(savedLine(page)).toBeVisible();

  const second = await (
    await browser.newContext({ storageState: await page.context().storageState() })
  ).newPage();
  await second.goto(page.url());
  await expect(second.locator('#post [contenteditable=true]')).toBeVisible();
  await page.locator('#post [name=title]').fill('Changed in the first window');
  await page.locator('#post [name=summary]').fill('A summary');
  await expect(savedLine(page)).toBeVisible();

  await second.locator('#post [name=title]').fill('Typed in the second window');
  const told = second.getByRole('alert').filter({ hasText: say('posts.changed.title') });
  await expect(told).toBeVisible();
  await expect(told).toContainText('Tina Twice');
  await told.getByText(say('posts.changed.theirs')).click();
  await expect(told).toContainText('Changed in the first window');
  await expect(second.locator('#post [name=title]')).toHaveValue('Typed in the second window');

  // Theirs, and back again.
  await told.getByRole('button', { name: say('posts.changed.take') }).click();
  await expect(second.locator('#post [name=title]')).toHaveValue('Changed in the first window');
  await second.getByRole('button', { name: say('posts.changed.bringBack') }).click();
  await expect(second.locator('#post [name=title]')).toHaveValue('Typed in the second window');
  await expect(savedLine(second)).toBeVisible();
  await page.reload();
  await expect(page.locator('#post [name=title]')).toHaveValue('Typed in the second window');
  await second.context().close();
});

test('what is typed when the session ends is there after signing in again, until it is saved or thrown away', async ({
  page,
}) => {
  const email = `ended-${id}@people.test`;
  await arrive(page.context(), email, { name: 'Enid Ended', isStaff: true });
  await begin(page);
  const editUrl = page.url();
  const heading = page.locator('#post [name=title]');
  const body = page.locator('#post [contenteditable=true]');
  await heading.fill(`Ended ${id}`);
  await body.click();
  await page.keyboard.type('Published words.');
  await expect(savedLine(page)).toBeVisible();
  await page.getByRole('button', { name: say('posts.publish.submit'), exact: true }).click();
  await expect(page.getByRole('button', { name: say('posts.edit.update') })).toBeVisible();

  const kept = () =>
    page.evaluate(() => Object.keys(localStorage).filter((key) => /unsaved/.test(key)).length);
  const comeBack = async () => {
    await signIn(page, email);
    await page.goto(editUrl);
    await expect(body).toBeVisible();
  };
  const offer = page.getByRole('status').filter({ hasText: say('posts.unsaved.restore') });

  // The session ends, and the button that saves leads to signing in, without a question.
  await body.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' And words of an hour.');
  await page.context().clearCookies();
  await page.getByRole('button', { name: say('posts.edit.update') }).click();
  await expect(page).toHaveURL(/\/login/);
  await comeBack();
  await expect(body).not.toContainText('And words of an hour.');
  await offer.getByRole('button', { name: say('posts.unsaved.restore') }).click();
  await expect(body).toContainText('Published words. And words of an hour.');
  await page.getByRole('button', { name: say('posts.edit.update') }).click();
  await expect(savedLine(page)).toBeVisible();
  expect(await kept()).toBe(0);

  // Thrown away it is gone, and who signs out leaves nothing behind.
  await heading.fill('Never to be seen');
  await expect.poll(kept).toBe(1);
  page.on('dialog', (dialog) => dialog.accept());
  await page.reload();
  await offer.getByRole('button', { name: say('posts.unsaved.drop') }).click();
  await expect(offer).toBeHidden();
  expect(await kept()).toBe(0);
  await expect(heading).toHaveValue(`Ended ${id}`);
  await heading.fill('Left behind');
  await expect.poll(kept).toBe(1);
  await page
    .getByRole('button', { name: say('layout.account.signOut') })
    .first()
    .click();
  await expect(page).toHaveURL(/\/login/);
  expect(await kept()).toBe(0);
});

test('an article is written, published and deleted without JavaScript', async ({ browser }) => {
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await arrive(page.context(), `plain-${id}@people.test`, { name: 'Paul Plain', isStaff: true });
  await page.goto('/manage/posts');
  await page.getByRole('button', { name: say('posts.add') }).click();
  await expect(page).toHaveURL(/\/manage\/posts\/\d+/);
  const url = page.url();
  await page.locator('#post [name=title]').fill(`Plain ${id}`);
  await page.locator('#post [name=body]').fill('<p>Plain words<script>alert(1)</script></p>');
  await page.getByRole('button', { name: say('posts.edit.save') }).click();
  await expect(page.locator('#post [name=body]')).toHaveValue('<p>Plain words</p>');
  await page.locator('#post [name=slug]').fill('漢字');
  await page.locator('#post [name=title]').fill(`Plainer ${id}`);
  await page.getByRole('button', { name: say('posts.edit.save') }).click();
  await expect(page.locator('#post')).toContainText(say('posts.errors.slug_wrong'));
  await expect(page.locator('#post [name=title]')).toHaveValue(`Plainer ${id}`);
  await page.locator('#post [name=slug]').fill('');
  await page.getByRole('button', { name: say('posts.edit.save') }).click();
  await page.getByRole('button', { name: say('posts.publish.submit'), exact: true }).click();
  await expect(page.getByRole('button', { name: say('posts.edit.update') })).toBeVisible();
  await page.goto(`/blog/plainer-${id}`);
  await expect(page.getByRole('main')).toContainText('Plain words');
  await page.goto(url);
  await page.getByRole('button', { name: say('posts.delete') }).click();
  await page.getByRole('button', { name: say('posts.undo') }).click();
  expect((await page.goto(`/blog/plainer-${id}`))?.status()).toBe(200);
  await page.context().close();
});

test('the pages where articles are written have no barrier that axe knows of, in light and in dark', async ({
  page,
}) => {
  await arrive(page.context(), `axe-${id}@people.test`, { name: 'Axel Axe', isStaff: true });
  await begin(page);
  const path = new URL(page.url()).pathname;
  for (const place of ['/manage/posts', path, `/ru${path}`, `${path}/preview`, '/dashboard']) {
    await page.goto(place);
    if (place.endsWith(path)) await expect(page.locator('#post [contenteditable=true]')).toBeVisible();
    await expectNoBarrier(page);
  }
});
