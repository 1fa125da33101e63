import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { lettersTo, linkIn, waitForLetter } from '../support/letters';

/*
 * The promise of the product, walked by a newcomer: register, open the confirmation letter, add clients, write a message, schedule a
 * mailing; the letters leave through a real SMTP server, and every attempt stands on the page with the server's answer.
 */
type Words = Record<string, string | object>;

/** What the interface says, from its own catalogue: `say('mailings.form.create')`. */
function catalogue(locale: 'en' | 'ru') {
  const words = JSON.parse(
    readFileSync(path.join(process.cwd(), `lib/i18n/${locale}.json`), 'utf8'),
  ) as Words;
  return (key: string): string => {
    let found: unknown = words;
    for (const part of key.split('.')) found = (found as Words)[part];
    if (typeof found !== 'string') throw new Error(`the catalogue has no ${key}`);
    return found;
  };
}

const password = 'a long and honest passphrase';

async function register(page: Page, locale: 'en' | 'ru', email: string, name: string) {
  const say = catalogue(locale);
  const prefix = locale === 'ru' ? '/ru' : '';
  await page.goto(`${prefix}/register`);
  await page.locator('input[name=name]').fill(name);
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page.getByRole('button', { name: say('account.register.submit') }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(say('account.check.title'));

  const letter = await waitForLetter(email);
  expect(letter.subject).toBe(say('account.letters.confirm.subject'));
  await page.goto(linkIn(letter, 'verify-email'));
  const confirm = page.getByRole('button', { name: say('account.verify.submit') });
  // The page presses the button itself where scripts run.
  await confirm.click({ timeout: 2000 }).catch(() => {});
  await expect(page).toHaveURL(/\/login|\/dashboard/);
  if (page.url().includes('/login')) {
    await page.locator('input[name=email]').fill(email);
    await page.locator('input[name=password]').fill(password);
    await page
      .getByRole('main')
      .getByRole('button', { name: say('account.login.submit') })
      .click();
  }
  await expect(page).toHaveURL(new RegExp(`${prefix}/dashboard`));
}

async function writeMessage(page: Page, subject: string, text: string) {
  await page.locator('[name=newSubject]').fill(subject);
  const editor = page.locator('form [contenteditable=true]');
  await editor.click();
  await page.keyboard.type(text);
}

for (const locale of ['en', 'ru'] as const) {
  const say = catalogue(locale);
  const prefix = locale === 'ru' ? '/ru' : '';
  const id = `${locale}${Date.now().toString(36)}`;

  test(`a newcomer's first letters leave at once, and each answer of the mail server is shown (${locale})`, async ({
    page,
  }) => {
    test.setTimeout(120_000);
    const owner = `owner-${id}@people.test`;
    await register(page, locale, owner, locale === 'ru' ? 'Вера Иванова' : 'Vera Ivanova');

    await page.goto(`${prefix}/mailings/new`);
    await page.locator('[name=name]').fill('First news');
    await writeMessage(
      page,
      'News for {{ client.full_name | default: "friend" }}',
      'Hello {{ client.full_name | default: "friend" }}, it begins.',
    );
    const chosen = page.locator('input[name=audience][value=chosen]');
    await chosen.check();
    await page
      .locator('textarea[name=newClients]')
      .fill(
        `Анна Петрова <anna-${id}@clients.test>\nbusy-${id}@clients.test\nGone Person <nobody-${id}@clients.test>`,
      );
    await page.getByRole('button', { name: say('mailings.form.create') }).click();
    await expect(page).toHaveURL(/\/mailings\/\d+/);

    const letter = await waitForLetter(`anna-${id}@clients.test`);
    expect(letter.subject).toBe('News for Анна Петрова');
    expect(letter.text).toContain('Hello Анна Петрова, it begins.');
    expect(letter.html).toContain('Hello Анна Петрова, it begins.');
    expect(letter.from).toEqual({
      name: locale === 'ru' ? 'Вера Иванова' : 'Vera Ivanova',
      address: 'mailroom@sender.test',
    });
    expect(letter.replyTo?.[0]?.address).toBe(owner);
    const header = (name: string) => letter.headers.find((one) => one.key === name)?.value;
    expect(header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    // Refused for now, tried again by itself.
    expect((await waitForLetter(`busy-${id}@clients.test`)).subject).toBe('News for friend');

    const mailingUrl = page.url().split('?')[0] ?? '';
    await expect
      .poll(
        async () => {
          await page.goto(mailingUrl);
          return page.getByRole('main').innerText();
        },
        { timeout: 30_000 },
      )
      .toContain('550 5.1.1 User unknown');
    await expect(page.getByRole('main')).toContainText('451 4.7.1 Greylisted, come back later');
    await expect(page.getByRole('main')).toContainText('250 2.0.0 Ok: queued as E2E');
    expect(await lettersTo(`anna-${id}@clients.test`)).toHaveLength(1);
    expect(await lettersTo(`nobody-${id}@clients.test`)).toHaveLength(0);

    // Opening the link changes nothing; pressing the button does, and the next run leaves that client out.
    const unsubscribe = linkIn(letter, '/unsubscribe/');
    await page.goto(unsubscribe);
    await page.goto(mailingUrl);
    await page.goto(unsubscribe);
    await page.getByRole('main').getByRole('button').first().click();
    await expect(page.getByRole('main')).toContainText(say('unsubscribe.doneTitle'));
    await page.goto(mailingUrl);
    await page.getByRole('button', { name: say('mailings.actions.sendNow') }).click();
    await page
      .getByRole('dialog')
      .or(page.getByRole('alertdialog'))
      .getByRole('button', { name: say('mailings.actions.sendNow') })
      .click();
    await waitForLetter(`busy-${id}@clients.test`, { atLeast: 2 });
    expect(await lettersTo(`anna-${id}@clients.test`)).toHaveLength(1);
  });
}

test('a weekly mailing comes once a week at its hour, also across the change of the clocks', async ({
  page,
}) => {
  test.setTimeout(120_000);
  const id = `weekly${Date.now().toString(36)}`;
  const say = catalogue('en');
  await register(page, 'en', `owner-${id}@people.test`, 'Weekly Writer');
  await page.goto('/mailings/new');
  await page.locator('[name=name]').fill('Weekly digest');
  await writeMessage(page, 'The week', 'What happened this week.');
  await page.locator('input[name=audience][value=chosen]').check();
  await page.locator('textarea[name=newClients]').fill(`reader-${id}@clients.test`);
  await page.locator('input[name=starts][value=later]').check();
  // The clocks of Berlin go forward on 28 March 2027.
  await page.locator('input[name=startsAt]').fill('2027-03-20T09:00');
  await page.locator('select[name=zone]').selectOption('Europe/Berlin');
  await page.locator('select[name=periodicity]').selectOption('weekly');
  await page.getByRole('button', { name: say('mailings.form.create') }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+/);
  await expect(page.getByRole('main')).toContainText('20 Mar 2027, 09:00');

  const passAt = (instant: string) =>
    execFileSync(process.execPath, ['--import', 'tsx', 'tests/support/pass-at.ts', instant], {
      env: { ...process.env, ...JSON.parse(process.env.E2E_SETTINGS ?? '{}') },
      encoding: 'utf8',
    });
  const reader = `reader-${id}@clients.test`;
  const arrived = async () => (await lettersTo(reader)).length;
  passAt('2027-03-20T07:59:59Z');
  expect(await arrived()).toBe(0);
  passAt('2027-03-20T08:00:00Z');
  expect(await arrived()).toBe(1);
  passAt('2027-03-27T07:59:59Z');
  expect(await arrived()).toBe(1);
  passAt('2027-03-27T08:00:00Z');
  passAt('2027-03-27T08:00:01Z');
  expect(await arrived()).toBe(2);
  // Summer time: nine in Berlin is seven in Greenwich.
  passAt('2027-04-03T07:00:00Z');
  expect(await arrived()).toBe(3);
  await page.reload();
  await expect(page.getByRole('main')).toContainText('3 Apr 2027, 09:00');
  await expect(page.getByRole('main')).toContainText('10 Apr 2027, 09:00');
});
