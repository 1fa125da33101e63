import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';

const pages = ['/', '/blog', '/register', '/login', '/forgot-password'];

for (const colorScheme of ['light', 'dark'] as const)
  for (const prefix of ['', '/ru'])
    test(`public pages have no barrier that axe knows of (${colorScheme}, ${prefix ? 'Russian' : 'English'})`, async ({
      page,
    }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const path of pages) {
        await page.goto(`${prefix}${path}`);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
        expect(found, `${prefix}${path}`).toEqual([]);
      }
    });
