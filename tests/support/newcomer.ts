import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, type Page } from '@playwright/test';
import { linkIn, waitForLetter } from './letters';

type Words = Record<string, string | object>;

/** What the interface says, from its own catalogue: `say('mailings.form.create')`. */
export function catalogue(locale: 'en' | 'ru') {
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

/** Registers, opens the confirmation letter, and ends signed in on the dashboard. */
export async function register(page: Page, locale: 'en' | 'ru', email: string, name: string) {
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

/** Writes subject and text in place, in the form of a mailing. */
export async function writeMessage(page: Page, subject: string, text: string) {
  await page.locator('[name=newSubject]').fill(subject);
  const editor = page.locator('form [contenteditable=true]');
  await editor.click();
  await page.keyboard.type(text);
}
