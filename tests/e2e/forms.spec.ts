import { expect, test } from '@playwright/test';
import { connect } from '../../db/client';
import { catalogue } from '../support/newcomer';
import { arrive } from '../support/session';

/* What a form says when it is sent with mistakes: all of them, each beside its field and once, and the reader is taken to the first. */

for (const locale of ['en', 'ru'] as const) {
  const say = catalogue(locale);
  const prefix = locale === 'ru' ? '/ru' : '';

  test(`an empty new mailing names every mistake at once, beside its field, with a script and without (${locale})`, async ({
    page,
    browser,
  }) => {
    await arrive(page.context(), `forms.${locale}@walk.test`, { locale });
    const plain = await browser.newContext({
      javaScriptEnabled: false,
      storageState: await page.context().storageState(),
    });
    for (const tab of [page, await plain.newPage()]) {
      await tab.goto(`${prefix}/mailings/new`);
      const scripted = tab === page;
      if (scripted) await expect(tab.locator('form [contenteditable=true]')).toBeVisible();
      await tab.getByRole('button', { name: say('mailings.form.create') }).click();
      for (const name of ['name', 'newSubject', 'newBody'])
        await expect(tab.locator(`[name=${name}]`)).toHaveAttribute('aria-invalid', 'true');
      // Said once each: three fields that are empty, and nobody to write to.
      await expect(tab.getByText(say('errors.required'), { exact: true })).toHaveCount(3);
      await expect(tab.getByText(say('mailings.errors.no_clients'), { exact: true })).toHaveCount(1);
      await expect(tab.locator('[name=name]')).toBeFocused();

      await tab.locator('[name=name]').fill('Autumn');
      await tab.locator('[value=all]').check();
      await tab.getByRole('button', { name: say('mailings.form.create') }).click();
      await expect(tab.getByText(say('errors.required'), { exact: true })).toHaveCount(2);
      await expect(tab.locator('[name=newSubject]')).toBeFocused();
      await expect(tab.locator('[name=name]')).toHaveValue('Autumn');
      if (!scripted)
        await expect(tab.getByText(say('mailings.errors.no_clients'), { exact: true })).toHaveCount(1);
    }
    await plain.close();
  });
}

test('who registers after a mistake still gets the time zone of the browser', async ({ page }) => {
  const email = 'zone@walk.test';
  await page.goto('/register');
  await page.locator('input[name=name]').fill('Zone');
  await page.locator('input[name=email]').fill('no address');
  await page.locator('input[name=password]').fill('a long and honest passphrase');
  const submit = page.getByRole('button', { name: catalogue('en')('account.register.submit') });
  await submit.click();
  await expect(page.locator('input[name=email]')).toHaveAttribute('aria-invalid', 'true');
  await page.locator('input[name=email]').fill(email);
  await submit.click();
  await expect(page).toHaveURL(/verify-email/);
  const { sql } = connect(process.env.E2E_DATABASE_URL ?? '', 1);
  const found = await sql`select time_zone from users where email = ${email}`;
  await sql.end();
  expect(found).toEqual([{ time_zone: 'Europe/Moscow' }]);
});

test('on a phone the choices of a list are folded away, say how many are in use, and open by themselves where one is wrong', async ({
  browser,
}) => {
  // Nothing of it needs a script.
  const context = await browser.newContext({
    javaScriptEnabled: false,
    viewport: { width: 390, height: 844 },
  });
  await arrive(context, 'phone@walk.test', { isStaff: true });
  const page = await context.newPage();
  const who = page.locator('input[name=who]');
  const handle = page.locator('summary', { hasText: 'Filters' });

  await page.goto('/manage/audit?who=nobody');
  await expect(handle).toHaveText('Filters (1)');
  await expect(who).toBeHidden();
  await handle.click();
  await who.fill('somebody');
  await page.locator('input[name=whom]').fill('someone');
  await page.getByRole('search').getByRole('button').click();
  await expect(page).toHaveURL(/who=somebody&whom=someone/);
  await expect(handle).toHaveText('Filters (2)');
  await expect(who).toBeHidden();
  await page.goto('/manage/audit?from=never');
  await expect(page.locator('input[name=from]')).toBeVisible();

  // A wide screen has room for them, and no handle.
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto('/manage/audit?who=nobody');
  await expect(who).toBeVisible();
  await expect(handle).toBeHidden();
  await context.close();
});
