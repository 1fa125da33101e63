import { test } from '@playwright/test';
import { expectNoBarrier } from '../support/barriers';

const pages = ['/', '/blog', '/register', '/login', '/forgot-password'];

for (const prefix of ['', '/ru'])
  test(`public pages have no barrier that axe knows of, in light and in dark (${prefix ? 'Russian' : 'English'})`, async ({
    page,
  }) => {
    for (const path of pages) {
      await page.goto(`${prefix}${path}`);
      await expectNoBarrier(page);
    }
  });
