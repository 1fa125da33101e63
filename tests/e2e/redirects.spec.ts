import { randomUUID } from 'node:crypto';
import { expect, test } from '@playwright/test';
import { connect } from '../../db/client';
import { createUser } from '../support/factories';
import { foreignAddresses, oddAddresses } from '../support/foreign-addresses';
import { type Answer, ask, type Question, signInAt } from '../support/visit';

/* Whatever stands in an address, nobody is led to another site by us: asked for real, of the server that is served in production. */

const addresses = [...foreignAddresses, ...oddAddresses];
const password = 'a long and honest passphrase';
let email: string;

// Runs again for each test, also in a worker that has read this file already.
test.beforeAll(async () => {
  email = `led-${randomUUID().slice(0, 8)}@people.test`;
  const { db, sql } = connect(process.env.E2E_DATABASE_URL ?? '', 1);
  await createUser(db, { email, password });
  await sql.end();
});

/** Where a browser would go next: `Location` or `Refresh`, as it reads them; null for an answer that leads nowhere. */
function ledTo({ headers }: Answer, asked: string): URL | null {
  const target = headers.location ?? String(headers.refresh ?? '').match(/url=(.*)$/i)?.[1];
  return target === undefined ? null : new URL(target, asked);
}

test('no parameter and no path leads anybody to another site', async ({ baseURL }) => {
  expect(addresses.length).toBeGreaterThanOrEqual(30);
  const base = baseURL ?? '';
  const home = new URL(base).origin;
  const led = new Set<string>();
  const leaves: string[] = [];
  const visit = async (path: string, question: Question = {}) => {
    const response = await ask(base, path, question);
    const target = ledTo(response, `${home}/`);
    if (target) led.add(path.split('?')[0] ?? path);
    if (target && target.origin !== home) leaves.push(`${path} → ${target.href}`);
    if (response.status >= 500) leaves.push(`${path} → ${response.status}`);
  };
  /** As typed into the address bar, with only what no request line can carry encoded. */
  const inPath = (text: string) => text.replace(/[^!-~]|[#?<>"]/gu, encodeURIComponent);

  const csrf = await ask(base, '/api/auth/csrf');
  const { csrfToken } = JSON.parse(csrf.body) as { csrfToken: string };
  const form = {
    method: 'POST',
    headers: {
      origin: home,
      cookie: (csrf.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; '),
      'content-type': 'application/x-www-form-urlencoded',
    },
  };
  const cookie = await signInAt(base, email, password);
  await Promise.all(
    addresses.flatMap((address) => {
      const value = encodeURIComponent(address);
      return [
        // Nobody is signed in.
        visit(`/api/auth/signin?callbackUrl=${value}`),
        visit(`/dashboard?next=${value}&callbackUrl=${value}`),
        visit(`/api/unsubscribe/${value}`),
        visit(`/verify-email?token=${value}&next=${value}`),
        ...['/en', '/ru', '/en/dashboard', ''].map((prefix) =>
          visit(`${prefix}/${inPath(address).replace(/^\//, '')}`),
        ),
        visit('/api/auth/signout', {
          ...form,
          body: new URLSearchParams({ csrfToken, callbackUrl: address }).toString(),
        }),
        // Somebody is, and sign-in sends them on.
        ...['/login', '/ru/login'].map((path) => visit(`${path}?next=${value}`, { headers: { cookie } })),
      ];
    }),
  );

  expect(leaves).toEqual([]);
  for (const path of ['/login', '/ru/login', '/dashboard', '/api/auth/signin', '/api/auth/signout'])
    expect([...led], path).toContain(path);
});

test('a sign-in form that was tampered with leads to the dashboard', async ({ browser, baseURL }) => {
  for (const next of ['//evil.example', '/\\evil.example', 'https://evil.example', '/\t/evil.example']) {
    // Without scripts: the browser follows what the server says.
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await context.route(
      (url) => url.origin !== new URL(baseURL ?? '').origin,
      (route) => route.fulfill({ body: 'evil' }),
    );
    await page.goto('/login?next=/clients');
    await page.locator('input[name=next]').evaluate((input: HTMLInputElement, value) => {
      input.value = value;
    }, next);
    await page.locator('input[name=email]').fill(email);
    await page.locator('input[name=password]').fill(password);
    await page.getByRole('main').locator('button[type=submit]').first().click();
    await expect(page).toHaveURL(`${baseURL}/dashboard`);
    await context.close();
  }
});
