import { defineConfig } from '@playwright/test';

const port = process.env.E2E_PORT ?? '3210';
process.env.E2E_PORT = port;
// `npm test` finds a browser and names it; on its own, Playwright takes the one it installed.
const executablePath = process.env.PW_CHROMIUM;

export default defineConfig({
  testDir: './tests/e2e',
  testMatch: '**/*.spec.ts',
  outputDir: './test-results',
  globalSetup: './tests/setup/e2e.ts',
  // One server and one mail sink for all; each test brings people of its own, so that they may run side by side.
  fullyParallel: true,
  workers: 2,
  projects: [
    { name: 'today', testIgnore: 'time.spec.ts' },
    { name: 'later', testMatch: 'time.spec.ts', dependencies: ['today'] },
  ],
  // A browser may stumble where Mailroom did not: what passes only at the second go is named at the end of `npm test`.
  retries: process.env.CI ? 1 : 0,
  forbidOnly: Boolean(process.env.CI),
  // Guards against standing still; a loaded machine takes its time.
  timeout: 300_000,
  expect: { timeout: 20_000 },
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ? [['list'], ['json']] : [['list']],
  use: {
    baseURL: `http://localhost:${port}`,
    locale: 'en-GB',
    timezoneId: 'Europe/Moscow',
    // A trace of every step costs more than the step: whoever wants to see one asks for it.
    trace: process.env.PW_TRACE ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
    },
  },
});
