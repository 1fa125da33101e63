import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

/** A page has no barrier that axe knows of, in light and in dark: another theme is the same page in other colours. */
export async function expectNoBarrier(page: Page, what = page.url()): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Colours are looked at when the page has been painted in them: just after the change some are still of the other theme.
    await page.evaluate(
      () => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))),
    );
    const axe = new AxeBuilder({ page });
    const { passes, violations } = await (colorScheme === 'light'
      ? axe
      : axe.withRules('color-contrast')
    ).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    expect(found, `${what} in ${colorScheme}`).toEqual([]);
    // It did look.
    expect(
      passes.map(({ id }) => id),
      `${what} in ${colorScheme}`,
    ).toContain('color-contrast');
  }
}
