import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';

const pages = ['/', '/blog', '/register', '/login', '/forgot-password'];

for (const prefix of ['', '/ru'])
  test(`public pages have no barrier that axe knows of, in light and in dark (${prefix ? 'Russian' : 'English'})`, async ({
    page,
  }) => {
    for (const path of pages) {
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await page.goto(`${prefix}${path}`);
      const light = await new AxeBuilder({ page }).analyze();
      // Another theme is the same page in other colours.
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      const dark = await new AxeBuilder({ page }).withRules(['color-contrast']).analyze();
      expect(dark.passes, `${prefix}${path} in dark`).toHaveLength(1);
      const found = [light, dark].flatMap(({ violations }) =>
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
      );
      expect(found, `${prefix}${path}`).toEqual([]);
    }
  });
