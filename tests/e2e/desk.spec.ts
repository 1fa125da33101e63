import { type Browser, expect, type Page, test } from '@playwright/test';
import { parse } from 'csv-parse/sync';
import { connect } from '../../db/client';
import {
  createClients,
  createDelivery,
  createMailing,
  createRun,
  createUser,
  type UserRow,
} from '../support/factories';
import { catalogue } from '../support/newcomer';
import { type OwnServer, startOwnServer } from '../support/own-server';
import { carrySession } from '../support/session';

/*
 * The managers' desk, walked by those it concerns: a manager stops a person and a mailing, and those concerned see who did it, why and
 * when; an admin raises and lowers people, but never the last admin.
 */

// One worker, on a database where nobody else is: who the last admin is depends on it.
test.describe.configure({ mode: 'default' });

const password = 'a long and honest passphrase';
let server: OwnServer;
let database: ReturnType<typeof connect>;

test.beforeAll(async () => {
  server = await startOwnServer({ database: true });
  database = connect(server.databaseUrl, 2);
});
test.afterAll(async () => {
  await database?.sql.end();
  await server?.end();
});

for (const locale of ['en', 'ru'] as const) {
  const say = catalogue(locale);
  const prefix = locale === 'ru' ? '/ru' : '';
  const reason =
    locale === 'ru' ? 'Письма тем, кто не подписывался' : 'Letters to people who never subscribed';

  /** Types address and password into the sign-in form as it stands. */
  const typeIn = async (page: Page, user: UserRow) => {
    await page.locator('input[name=email]').fill(user.email);
    await page.locator('input[name=password]').fill(password);
    await page.getByRole('button', { name: say('account.login.submit') }).click();
  };

  const signIn = async (browser: Browser, user: UserRow) => {
    const context = await browser.newContext({ baseURL: server.base });
    await carrySession(context, server.base, user.email, password);
    const page = await context.newPage();
    await page.goto(`${prefix}/dashboard`);
    return page;
  };

  const people = async (name: string) => {
    const make = (role: string, roles: Partial<UserRow>) =>
      createUser(database.db, {
        email: `${role}.${name}.${locale}@desk.test`,
        name: `${role} ${name}`,
        password,
        locale,
        timeZone: 'Europe/Moscow',
        ...roles,
      });
    return {
      owner: await make('owner', {}),
      manager: await make('manager', { isStaff: true }),
      admin: await make('admin', { isStaff: true, isSuperuser: true }),
    };
  };

  test(`a manager who has seen what it stops blocks a user, who is out at once everywhere and reads who, why and when (${locale})`, async ({
    browser,
  }) => {
    const { owner, manager } = await people('block');
    const clients = await createClients(database.db, owner, 2);
    const held = new Date('2026-01-05T10:00:00Z');
    const mailing = await createMailing(database.db, owner, { pausedAt: held, status: 'running' });
    const run = await createRun(database.db, mailing, { pausedAt: held });
    for (const client of clients) await createDelivery(database.db, run, client);
    const startsAt = new Date('2099-01-01T09:00:00Z');
    await createMailing(database.db, owner, { startsAt, periodicity: 'weekly' });

    const atWork = await signIn(browser, owner);
    const atHome = await signIn(browser, owner);
    const desk = await signIn(browser, manager);
    await desk.getByRole('link', { name: say('layout.nav.manage') }).click();
    await desk.getByRole('searchbox').fill(owner.email);
    await desk.keyboard.press('Enter');
    await expect(desk).toHaveURL(/q=/);
    await desk.getByRole('link', { name: owner.email }).click();
    await expect(desk.getByRole('heading', { level: 1 })).toHaveText(owner.name);
    const stops = desk.getByRole('main').locator('ul.list-disc > li');
    await expect(stops).toHaveText([/^1 /, /^1 .*1/, /^2 /, /./]);

    await desk.locator('textarea[name=reason]').fill(reason);
    await desk.getByRole('button', { name: say('manage.users.block.submit') }).click();
    await expect(desk.getByText(say('manage.users.blocked.title'), { exact: true })).toBeVisible();
    await expect(desk.getByRole('main')).toContainText(reason);

    expect(await (await atWork.request.get('/api/auth/session')).json()).toBeNull();
    // A dashboard that stands open leaves by itself, and may cross the way of whoever goes elsewhere just then.
    for (const page of [atWork, atHome])
      await expect
        .poll(
          async () => {
            await page.goto(`${prefix}/clients`, { timeout: 15_000 }).catch(() => null);
            return page.url();
          },
          { timeout: 90_000 },
        )
        .toMatch(/\/login\?next=%2Fclients$/);
    await typeIn(atHome, owner);
    const answer = atHome.getByRole('alert').filter({ hasText: reason });
    await expect(answer).toContainText(manager.name);
    await expect(answer).toContainText(String(new Date().getUTCFullYear()));
    await expect(answer).toContainText('GMT+3');
    await expect(atHome).toHaveURL(/\/login/);

    const log = await desk.request.get(`/api/audit?user=${owner.id}`);
    const entries = parse(await log.text(), { bom: true, columns: true }) as Record<string, string>[];
    expect(entries).toMatchObject([
      { who: manager.email, action: 'block_user', target: owner.email, reason },
    ]);
    await desk.getByRole('link', { name: say('manage.users.facts.logLink') }).click();
    await expect(desk.getByRole('row').filter({ hasText: reason })).toContainText(manager.email);

    await desk.goto(`${prefix}/manage/users/${owner.id}`);
    await desk.getByRole('button', { name: say('manage.users.unblock.submit') }).click();
    await expect(desk.getByText(say('manage.users.blocked.title'), { exact: true })).toHaveCount(0);
    // What was signed in before stays out; who signs in again is let in.
    await atWork.goto(`${prefix}/clients`);
    await expect(atWork).toHaveURL(/\/login/);
    await typeIn(atHome, owner);
    await expect(atHome).not.toHaveURL(/\/login/);
  });

  test(`a manager reads another's mailing and disables it; its owner sees who, why and when, until it is enabled (${locale})`, async ({
    browser,
  }) => {
    const { owner, manager } = await people('disable');
    const [client] = await createClients(database.db, owner, 1);
    const startsAt = new Date('2099-01-01T09:00:00Z');
    const mailing = await createMailing(database.db, owner, { startsAt, periodicity: 'daily' });
    const atHome = await signIn(browser, owner);
    const desk = await signIn(browser, manager);

    for (const path of [
      `/mailings/${mailing.id}`,
      `/messages/${mailing.messageId}`,
      `/clients/${client?.id}`,
    ]) {
      expect((await desk.goto(`${prefix}${path}`))?.status(), path).toBe(200);
      await expect(desk.locator(`a[href$="${path}/edit"]`)).toHaveCount(0);
      expect((await desk.goto(`${prefix}${path}/edit`))?.status(), path).toBe(404);
    }
    await desk.goto(`${prefix}/mailings/${mailing.id}`);
    await desk.locator('textarea[name=reason]').fill(reason);
    await desk.getByRole('button', { name: say('manage.mailings.disable.submit') }).click();
    const enable = desk.getByRole('button', { name: say('manage.mailings.enable.submit') });
    await expect(enable).toBeVisible();

    await atHome.goto(`${prefix}/mailings/${mailing.id}`);
    const title = atHome.getByText(say('mailings.disabledTitle'), { exact: true });
    await expect(title).toBeVisible();
    // The smallest place with both: the history has the reason as well.
    const told = atHome
      .getByRole('main')
      .locator('div')
      .filter({ has: title })
      .filter({ hasText: reason })
      .last();
    await expect(told).toContainText(manager.name);
    await expect(told).toContainText(String(new Date().getUTCFullYear()));
    // Only a manager lifts it.
    await expect(atHome.getByRole('button', { name: say('manage.mailings.enable.submit') })).toHaveCount(0);

    await enable.click();
    await expect(desk.locator('textarea[name=reason]')).toBeVisible();
    await atHome.reload();
    await expect(atHome.getByText(say('mailings.disabledTitle'), { exact: true })).toHaveCount(0);
  });

  // Roles are walked once: nothing of them depends on the language.
  if (locale === 'ru') continue;
  test(`an admin raises and lowers people, and cannot lower the last admin (${locale})`, async ({
    browser,
  }) => {
    await database.sql`update users set is_superuser = false where is_superuser`;
    const { owner, admin } = await people('role');
    const atHome = await signIn(browser, owner);
    const desk = await signIn(browser, admin);
    const give = async (user: UserRow, role: 'user' | 'manager' | 'admin') => {
      await desk.goto(`${prefix}/manage/users/${user.id}`);
      await desk.locator(`input[name=role][value=${role}]`).check();
      await desk.getByRole('button', { name: say('manage.users.roleChange.submit') }).click();
    };
    const opens = async (path: string) => (await atHome.goto(`${prefix}${path}`))?.status();

    expect(await opens('/manage/users')).toBe(404);
    await give(owner, 'manager');
    await expect(desk).toHaveURL(/notice=/);
    expect(await opens('/manage/users')).toBe(200);
    await give(admin, 'user');
    await expect(desk.getByText(say('manage.errors.last_admin'))).toBeVisible();
    await expect(desk).toHaveURL(new RegExp(`/manage/users/${admin.id}$`));

    await give(owner, 'user');
    await expect(desk).toHaveURL(/notice=/);
    expect(await opens('/manage/users')).toBe(404);
    // With another one there it goes.
    await give(owner, 'admin');
    await expect(desk).toHaveURL(/notice=/);
    await give(admin, 'user');
    await expect(desk).toHaveURL(/\/dashboard\?notice=/);
    await desk.goto(`${prefix}/manage/users`);
    await expect(desk.getByRole('table')).toHaveCount(0);
  });
}
