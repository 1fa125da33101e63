import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { connect } from '@/db/client';
import { freePort } from '../../scripts/postgres.mjs';
import { endProcesses, mark, startServer, tail, waitForServer } from '../../scripts/processes.mjs';
import { selfSigned } from '../support/certificate';
import { createUser } from '../support/factories';
import { ask } from '../support/visit';

const password = 'a sound password';
const id = randomUUID().slice(0, 8);

async function createPerson() {
  const { db, sql } = connect(process.env.E2E_DATABASE_URL ?? '', 1);
  try {
    return await createUser(db, { email: `secured-${id}@https.test`, password });
  } finally {
    await sql.end();
  }
}

/** TLS in front of the server on `port`, as a reverse proxy does it. */
function startTls(port: number): Promise<https.Server> {
  const server = https.createServer(selfSigned(new Date()), (request, response) => {
    const headers = {
      ...request.headers,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': request.headers.host,
    };
    const onward = http.request(
      { hostname: 'localhost', port, path: request.url, method: request.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

test('over https every cookie is of this host alone, https is promised, and people sign in and out', async ({
  browser,
}) => {
  const user = await createPerson();
  const directory = mkdtempSync(path.join(tmpdir(), `mailroom-tls-${process.pid}-`));
  const logFile = path.join(directory, 'server.log');
  const port = await freePort();
  const tls = await startTls(port);
  const address = tls.address();
  const origin = `https://localhost:${typeof address === 'object' ? address?.port : ''}`;
  const settings: Record<string, string> = JSON.parse(process.env.E2E_SETTINGS ?? '{}');
  const env = {
    ...process.env,
    ...settings,
    APP_URL: origin,
    PORT: String(port),
    MAILROOM_DATA_DIR: directory,
  };
  const server = startServer({ port, env, logFile });
  try {
    if (!(await waitForServer(port, () => server.exitCode !== null))) throw new Error(tail(logFile));
    const static_ = await ask(origin, '/blog');
    expect(static_.headers['strict-transport-security']).toBe('max-age=63072000; includeSubDomains');
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      await page.goto(`${origin}/forgot-password`);
      await page.locator('input[name=email]').fill(`nobody-${id}@https.test`);
      await page.getByRole('main').locator('button[type=submit]').click();
      await expect(page).toHaveURL(/sent=1/);
      await page.goto(`${origin}/clients`);
      await expect(page).toHaveURL(`${origin}/login?next=%2Fclients`);
      await page.locator('input[name=email]').fill(user.email);
      await page.locator('input[name=password]').fill(password);
      await page.getByRole('main').locator('button[type=submit]').click();
      await expect(page).toHaveURL(`${origin}/clients`);
      await page.request.get(`${origin}/api/auth/csrf`);
      const cookies = await context.cookies();
      expect(cookies.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['session', 'csrf', 'mailed'].map((name) => `__Host-mailroom.${name}`)),
      );
      for (const cookie of cookies) {
        expect(cookie).toMatchObject({
          httpOnly: true,
          secure: true,
          sameSite: 'Lax',
          path: '/',
          domain: 'localhost',
        });
        expect(cookie.name).toMatch(/^__Host-mailroom\./);
      }
      await page.getByRole('button', { name: 'Sign out' }).first().click();
      await expect(page).toHaveURL(/\/login\?notice=signed_out/);
      expect((await context.cookies()).map(({ name }) => name)).not.toContain('__Host-mailroom.session');
      expect(complaints).toEqual([]);
      await context.close();
    }
  } finally {
    await endProcesses([mark(server)]);
    tls.closeAllConnections();
    await new Promise((resolve) => tls.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  }
});
