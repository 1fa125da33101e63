import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { waitForLetter } from '../support/letters';
import { catalogue, writeMessage } from '../support/newcomer';
import { arrive } from '../support/session';

/* What a person reads of a run that went partly well, and what the pages say to addresses that make no sense. */

const id = Date.now().toString(36);
const say = catalogue('en');

/** A newcomer with a mailing that three got and two did not; ends on the page of the mailing when its run is over. */
async function sendPartly(
  page: Page,
  who: string,
  names = ['one', 'two', 'three', 'nobody-a', 'nobody-b'],
): Promise<string> {
  await arrive(page.context(), `ledger-${who}-${id}@people.test`, { name: 'Vera Ivanova' });
  await page.goto('/mailings/new');
  await page.locator('[name=name]').fill('Winter letter');
  await writeMessage(page, 'News', 'It is winter.');
  await page.locator('input[name=audience][value=chosen]').check();
  const lines = names.map((name) => `${name}-${who}-${id}@clients.test`);
  await page.locator('textarea[name=newClients]').fill(lines.join('\n'));
  await page.getByRole('button', { name: say('mailings.form.create') }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+/);
  await expect(page.getByText(say('mailings.runStatus.partly_done'), { exact: true }).first()).toBeVisible({
    timeout: 60_000,
  });
  return new URL(page.url()).pathname;
}

const primary = (page: Page) => page.locator('main .bg-accent:is(a, button):visible');

test('who has come anew finds on the dashboard what is to be done, why, and finishes it there, one button at a time', async ({
  page,
}) => {
  await sendPartly(page, 'stranger');
  // Of a mailing whose last run is unfinished, finishing it is the next step, and the only one that stands out.
  await expect(primary(page)).toHaveText([say('mailings.run.next.finish')]);

  await page.goto('/dashboard');
  const attention = page.getByRole('region', { name: say('dashboard.attention') });
  await expect(attention).toContainText('2 clients did not get the letter');
  await expect(page.getByRole('region', { name: say('dashboard.last') })).toContainText('3 sent');
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await attention.getByRole('link', { name: `${say('dashboard.do.finish')}: Winter letter` }).click();

  await expect(page).toHaveURL(/\/runs\/\d+#finish$/);
  await expect(primary(page)).toHaveText(['Send to 2 clients']);
  await expect(page.locator('#finish')).toContainText(
    `${say('reports.answers.kinds.address_unknown.name')}: 2`,
  );
  await expect(page.locator('#finish')).toContainText(say('mailings.run.finishAllRefusedAgain'));
  await page.getByRole('link', { name: say('reports.answers.show.clients') }).click();
  await expect(page.locator('#clients tbody tr')).toHaveCount(2);
  await expect(page.locator('#clients tbody')).toContainText('5.1.1 User unknown');
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  // The client's own page says it in plain words too, and the attempt when it was, to the second.
  await page.locator('#clients tbody a').first().click();
  await expect(page).toHaveURL(/\/clients\/\d+/);
  await expect(page.locator('main tbody')).toContainText(say('reports.answers.kinds.address_unknown.name'));
  await page.locator('main tbody a[href*="/attempts/"]').click();
  await expect(page.locator('main dl time').first()).toContainText(/\d\d:\d\d:\d\d/);
});

for (const javaScriptEnabled of [true, false])
  test(`a run is finished for those alone whose answers are chosen, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async ({
    page,
    browser,
  }) => {
    const who = javaScriptEnabled ? 'chosen' : 'plain';
    await sendPartly(page, who, ['one', 'nobody-a', 'nobody-b', 'full-a']);
    await page.goto('/dashboard');
    await page.getByRole('link', { name: `${say('dashboard.do.finish')}: Winter letter` }).click();
    await expect(page).toHaveURL(/\/runs\/\d+#finish$/);
    const context = await browser.newContext({
      javaScriptEnabled,
      storageState: await page.context().storageState(),
    });
    const owner = await context.newPage();
    await owner.goto(page.url());
    const unknown = owner.locator('#finish input[value=address_unknown]');
    const full = owner.locator('#finish input[value=mailbox_full]');
    const send = owner.locator('#finish button[type=submit]');
    await expect(owner.locator('#finish')).toContainText(
      `${say('reports.answers.kinds.address_unknown.name')}: 2`,
    );
    // What the same letter to the same address would meet again is proposed to nobody.
    await expect(unknown).not.toBeChecked();
    await expect(full).toBeChecked();
    await expect(owner.locator('#finish')).toContainText(say('mailings.run.finishRefusedAgain'));
    await expect(send).toHaveText(javaScriptEnabled ? 'Send to 1 client' : say('mailings.run.finish'));
    await full.uncheck();
    await send.click();
    await expect(owner.getByText(say('mailings.errors.choose_kind'))).toHaveCount(1);
    await expect(unknown).not.toBeChecked();
    await full.check();
    if (javaScriptEnabled) {
      expect((await new AxeBuilder({ page: owner }).analyze()).violations).toEqual([]);
      await expect(send).toHaveText('Send to 1 client');
    }
    await send.click();
    await expect(owner).toHaveURL(/notice=mailings\.finished/);
    // Only who had been chosen got it, and is out of the choice now.
    await waitForLetter(`full-a-${who}-${id}@clients.test`);
    await expect
      .poll(async () => {
        await page.goto(owner.url());
        return page.locator('#finish').textContent();
      })
      .toContain('Failed: 2 clients');
    await expect(page.locator('#finish input[value=mailbox_full]')).toHaveCount(0);
    await context.close();
  });

test('an address that makes no sense says what is wrong beside the field, and loses nothing of what was typed', async ({
  page,
}) => {
  const mailing = await sendPartly(page, 'wrong');
  const long = 'x'.repeat(10_000);
  const wrongs: { asked: Record<string, string>; field: string; says: string; keeps?: string }[] = [
    { asked: { q: long }, field: 'q', says: 'At most 200 characters.', keeps: long },
    {
      asked: { q: 'kept', from: '2026-11-25', to: '2026-11-01' },
      field: 'to',
      says: say('errors.to_before_from'),
      keeps: '2026-11-01',
    },
    {
      asked: { q: 'kept', from: '2026-02-30' },
      field: 'from',
      says: say('errors.invalid_date'),
      keeps: '2026-02-30',
    },
    {
      asked: { q: 'kept', mailing: '999999999' },
      field: 'mailing',
      says: say('reports.attempts.noSuchMailing'),
    },
    { asked: { q: 'kept', mailing: "1' or 1=1" }, field: 'mailing', says: say('errors.invalid_value') },
    { asked: { q: 'kept', kind: 'nice' }, field: 'kind', says: say('errors.invalid_value') },
  ];
  for (const { asked, field, says, keeps } of wrongs) {
    await page.goto(`/attempts?${new URLSearchParams(asked)}`);
    const control = page.locator(`main [name=${field}]`);
    await expect(control).toHaveAttribute('aria-invalid', 'true');
    const described = (await control.getAttribute('aria-describedby')) ?? '';
    const error = page.locator(
      described
        .split(' ')
        .map((each) => `[id="${each}"]`)
        .join(', '),
    );
    await expect(error.filter({ hasText: says })).toBeVisible();
    if (keeps !== undefined) await expect(control).toHaveValue(keeps);
    await expect(page.locator('main [name=q]')).toHaveValue(asked.q ?? '');
    await expect(page.locator('main table')).toHaveCount(0);
  }

  await page.goto('/attempts?q=winter&after=tampered');
  await expect(page.getByText(say('ui.damagedPage'))).toBeVisible();
  await expect(page.locator('main [name=q]')).toHaveValue('winter');
  await expect(page.locator('main tbody tr')).toHaveCount(5);

  for (const list of ['/clients', '/clients?sort=name', '/messages', '/messages?sort=subject', '/mailings']) {
    await page.goto(`${list}${list.includes('?') ? '&' : '?'}after=tampered`);
    await expect(page.getByText(say('ui.damagedPage'))).toBeVisible();
    await expect(page.locator('main tbody tr').first()).toBeVisible();
  }

  await page.goto(mailing);
  await page.getByRole('link', { name: say('mailings.live.openRun') }).click();
  await expect(page).toHaveURL(/\/runs\/\d+/);
  const run = new URL(page.url()).pathname;
  await page.goto(`${run}?q=${long}&status=failed`);
  await expect(page.getByRole('alert').filter({ hasText: 'At most 200 characters.' })).toBeVisible();
  await expect(page.locator('#clients [name=status]')).toHaveValue('failed');
  await page.goto(`${run}?status=failed&after=tampered`);
  await expect(page.getByText(say('ui.damagedPage'))).toBeVisible();
  await expect(page.locator('#clients tbody tr')).toHaveCount(2);
});
