import { expect, test } from '@playwright/test';
import { catalogue, register } from '../support/newcomer';

/* What a form says when it is sent with mistakes: all of them, each beside its field and once, and the reader is taken to the first. */

for (const locale of ['en', 'ru'] as const) {
  const say = catalogue(locale);
  const prefix = locale === 'ru' ? '/ru' : '';

  test(`an empty new mailing names every mistake at once, beside its field, with a script and without (${locale})`, async ({
    page,
    browser,
  }) => {
    await register(page, locale, `forms.${locale}@walk.test`, 'Forms');
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
