import { readFileSync } from 'node:fs';
import { type Browser, expect, type Page, test } from '@playwright/test';
import { parse } from 'csv-parse/sync';
import { connect } from '../../db/client';
import { expectNoBarrier } from '../support/barriers';
import { createAttempt, createClients, createDelivery, createMailing, createRun } from '../support/factories';
import { catalogue } from '../support/newcomer';
import { arrive } from '../support/session';

/* A report as its reader has it: with a script and without, as a file, on paper, and for managers of all users. */

const id = Date.now().toString(36);

async function signIn(
  browser: Browser,
  options: { scripts: boolean; locale: 'en' | 'ru' },
  roles: { isStaff?: boolean } = {},
  timeZone = 'Europe/Moscow',
): Promise<{ page: Page; email: string }> {
  const email = `reader-${options.locale}-${options.scripts}-${Boolean(roles.isStaff)}-${timeZone.replace('/', '-')}-${id}@reports.test`;
  const context = await browser.newContext({ javaScriptEnabled: options.scripts });
  const user = await arrive(context, email, { timeZone, ...roles });
  const { sql, db } = connect(process.env.E2E_DATABASE_URL ?? '', 2);
  try {
    const mailing = await createMailing(db, user, { name: 'Spring news', status: 'completed' });
    const openedAt = new Date('2026-03-30T09:00:00Z');
    const run = await createRun(db, mailing, { openedAt, status: 'partly_done' });
    for (const [at, person] of (await createClients(db, user, 3)).entries()) {
      const isRefused = at === 0;
      const delivery = await createDelivery(db, run, person, {
        status: isRefused ? 'failed' : 'sent',
        reason: isRefused ? 'refused' : null,
        kind: isRefused ? 'address_unknown' : null,
      });
      await createAttempt(
        db,
        run,
        delivery,
        isRefused
          ? { status: 'failure', code: 550, response: '550 5.1.1 no such user', kind: 'address_unknown' }
          : {},
      );
    }
  } finally {
    await sql.end();
  }
  return { page: await context.newPage(), email };
}

for (const [scripts, locale] of [
  [true, 'en'],
  [false, 'ru'],
] as const) {
  const say = catalogue(locale);
  const prefix = locale === 'ru' ? '/ru' : '';

  test(`a period is chosen, wrong days are named and kept, and each table comes as a file (${scripts ? 'with scripts' : 'without'}, ${locale})`, async ({
    browser,
  }) => {
    const { page } = await signIn(browser, { scripts, locale });
    await page.goto(`${prefix}/reports`);
    const show = page.getByRole('button', { name: say('reports.period.submit') });
    await page.locator('[name=from]').fill('2026-04-02');
    await page.locator('[name=to]').fill('2026-03-01');
    await show.click();
    await expect(page.locator('[name=to]')).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByText(say('errors.to_before_from'))).toBeVisible();
    await expect(page.locator('[name=to]')).toHaveValue('2026-03-01');
    await page.locator('[name=from]').fill('2026-03-01');
    await page.locator('[name=to]').fill('2026-04-02');
    await show.click();
    await expect(page).toHaveURL(/from=2026-03-01/);
    const mailings = page.getByRole('region', { name: say('reports.period.lists.mailings') });
    await expect(mailings.getByRole('link', { name: 'Spring news', exact: true })).toBeVisible();
    await expect(mailings.getByRole('row').nth(1)).toContainText(locale === 'ru' ? '33,3' : '33.3');
    await page.getByText(say('reports.rate.asTable')).first().click();
    await expect(page.locator('figure').first().getByRole('table')).toBeVisible();

    const coming = page.waitForEvent('download');
    await page
      .getByRole('link', {
        name: say('reports.period.csvOf').replace('{table}', say('reports.period.lists.mailings')),
      })
      .click();
    const file = await coming;
    expect(file.suggestedFilename()).toBe('report-mailings-2026-03-01-2026-04-02.csv');
    const rows: Record<string, string>[] = parse(readFileSync(await file.path()), {
      bom: true,
      columns: true,
    });
    expect(rows).toMatchObject([{ mailing: 'Spring news', letters_sent: '2', attempts_failed: '1' }]);
  });
}

test('on every page plans stand on the clock of their mailing, and what has happened on the reader’s', async ({
  browser,
}) => {
  const { page, email } = await signIn(browser, { scripts: true, locale: 'en' }, {}, 'Asia/Yekaterinburg');
  const { sql, db } = connect(process.env.E2E_DATABASE_URL ?? '', 2);
  const places = { mailing: '', run: '', manual: '', attempt: '' };
  try {
    const [user] = await sql<{ id: number }[]>`select id::int from users where email = ${email}`;
    if (!user) throw new Error('nobody is there');
    const mailing = await createMailing(db, user, {
      name: 'Moscow news',
      zone: 'Europe/Moscow',
      periodicity: 'weekly',
      status: 'running',
      nextSlotAt: new Date('2099-06-01T06:00:00Z'),
    });
    const manual = await createRun(db, mailing, {
      openedAt: new Date('2026-05-01T06:00:00Z'),
      status: 'done',
    });
    const slotAt = new Date('2026-06-01T06:00:00Z');
    const openedAt = new Date('2026-06-01T06:00:20Z');
    const run = await createRun(db, mailing, { slotAt, openedAt, status: 'partly_done' });
    const [person] = await createClients(db, user, 1);
    if (!person) throw new Error('nobody to write to');
    const delivery = await createDelivery(db, run, person, { status: 'failed', kind: 'spam' });
    const failed = { status: 'failure', code: 550, attemptedAt: new Date('2026-06-01T06:02:00Z') } as const;
    const attempt = await createAttempt(db, run, delivery, failed);
    places.mailing = `/mailings/${mailing.id}`;
    places.run = `/mailings/${mailing.id}/runs/${run.id}`;
    places.manual = `/mailings/${mailing.id}/runs/${manual.id}`;
    places.attempt = `/attempts/${attempt.id}`;
  } finally {
    await sql.end();
  }
  const slot = '1 Jun 2026, 09:00 GMT+3';
  const next = '1 Jun 2099, 09:00 GMT+3 (11:00 GMT+5)';
  const opened = '1 Jun 2026, 11:00 GMT+5';
  const tried = '1 Jun 2026, 11:02 GMT+5';
  const byHand = '1 May 2026, 11:00 GMT+5';
  for (const [path, told] of [
    ['/dashboard', [slot, next]],
    ['/mailings', [next, opened]],
    [places.mailing, [slot, next, opened, tried, byHand]],
    [places.run, [slot, `${slot} (11:00 GMT+5)`, opened, tried]],
    [places.manual, [byHand]],
    [places.attempt, [tried, '1 Jun 2026, 11:02:00 GMT+5', slot]],
    ['/attempts', [tried]],
  ] as const) {
    await page.goto(path);
    for (const time of told) await expect(page.getByRole('main'), path).toContainText(time);
    // The clock of the mailing shows plans alone.
    const text = (await page.getByRole('main').textContent()) ?? '';
    expect(text, path).not.toContain('09:02');
    expect(text, path).not.toContain('1 May 2026, 09:00');
  }
  await page.context().close();
});

test('managers have a report of all users, and nobody else has; no barrier that axe knows of stands in either', async ({
  browser,
}) => {
  const manager = await signIn(browser, { scripts: true, locale: 'ru' }, { isStaff: true });
  const user = await signIn(browser, { scripts: true, locale: 'ru' });
  const period = 'from=2026-03-01&to=2026-04-02';
  expect((await user.page.goto(`/ru/manage/reports?${period}`))?.status()).toBe(404);
  expect((await user.page.request.get('/api/reports/all?table=senders')).status()).toBe(404);

  await manager.page.goto(`/ru/manage/reports?${period}&owner=${user.email}`);
  await expect(manager.page.getByRole('heading', { level: 2, name: user.email })).toBeVisible();
  for (const [page, path] of [
    [manager.page, `/ru/manage/reports?${period}`],
    [user.page, `/ru/reports?${period}`],
    [user.page, '/ru/reports?from=2026-02-30&zone=Mars&mailing=7'],
  ] as const) {
    await page.goto(path);
    await expectNoBarrier(page, path);
  }
});

test('on paper a report is its numbers, charts and tables, without what one would click', async ({
  browser,
}) => {
  const { page } = await signIn(browser, { scripts: true, locale: 'en' }, { isStaff: true });
  await page.goto('/reports?from=2026-03-01&to=2026-04-02');
  await page.emulateMedia({ media: 'print' });
  await expect(page.getByRole('navigation')).toHaveCount(0);
  await expect(page.locator('[name=from]')).toBeHidden();
  // What stands behind the charts is unfolded.
  await expect(page.locator('figure').first().getByRole('table')).toBeVisible();
  await expect(page.getByRole('heading', { name: /Mar .*2 Apr 2026/ })).toBeVisible();
});
