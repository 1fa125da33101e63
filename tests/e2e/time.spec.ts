import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@playwright/test';
import { lettersTo } from '../support/letters';
import { catalogue, writeMessage } from '../support/newcomer';
import { serverSettings } from '../support/own-server';
import { arrive } from '../support/session';

// Moves the clock for everybody in the database, so it runs after all others have ended.

test('a weekly mailing comes once a week at its hour, also across the change of the clocks', async ({
  page,
}) => {
  const id = `weekly${Date.now().toString(36)}`;
  const say = catalogue('en');
  await arrive(page.context(), `owner-${id}@people.test`, { name: 'Weekly Writer' });
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

  const engine = fork('tests/support/pass-at.ts', { execArgv: ['--import', 'tsx'], env: serverSettings() });
  const ended = once(engine, 'exit');
  const passAt = async (instant: string) => {
    engine.send(instant);
    const [counts] = await Promise.race([once(engine, 'message'), ended]);
    expect(counts, 'what the engine says of its pass').toEqual(expect.any(Object));
  };
  const reader = `reader-${id}@clients.test`;
  const arrived = async () => (await lettersTo(reader)).length;
  await passAt('2027-03-20T07:59:59Z');
  expect(await arrived()).toBe(0);
  await passAt('2027-03-20T08:00:00Z');
  expect(await arrived()).toBe(1);
  await passAt('2027-03-27T07:59:59Z');
  expect(await arrived()).toBe(1);
  await passAt('2027-03-27T08:00:00Z');
  await passAt('2027-03-27T08:00:01Z');
  expect(await arrived()).toBe(2);
  // Summer time: nine in Berlin is seven in Greenwich.
  await passAt('2027-04-03T07:00:00Z');
  expect(await arrived()).toBe(3);
  engine.disconnect();
  expect(await ended).toEqual([0, null]);
  await page.reload();
  await expect(page.getByRole('main')).toContainText('3 Apr 2027, 09:00');
  await expect(page.getByRole('main')).toContainText('10 Apr 2027, 09:00');
});
