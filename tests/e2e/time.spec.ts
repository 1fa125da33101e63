import { execFileSync } from 'node:child_process';
import { expect, test } from '@playwright/test';
import { lettersTo } from '../support/letters';
import { catalogue, register, writeMessage } from '../support/newcomer';

// Moves the clock for everybody in the database, so it runs after all others have ended.

test('a weekly mailing comes once a week at its hour, also across the change of the clocks', async ({
  page,
}) => {
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
