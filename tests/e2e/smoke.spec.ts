import { expect, test } from '@playwright/test';

test.describe('a visitor', () => {
  test('reads the home page in English at the bare address', async ({ page }) => {
    const response = await page.goto('/');
    expect(response?.status()).toBe(200);
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  });

  test('reads it in Russian under /ru', async ({ page }) => {
    const response = await page.goto('/ru');
    expect(response?.status()).toBe(200);
    await expect(page.locator('html')).toHaveAttribute('lang', 'ru');
    await expect(page.getByRole('heading', { level: 1 })).toContainText(/[а-яё]/i);
  });

  test('can not have the server scale pictures', async ({ request }) => {
    const answer = await request.get('/_next/image?url=%2Ficon.svg&w=640&q=75');
    expect(answer.status()).toBe(404);
  });

  test('finds the form to register, in both languages', async ({ page }) => {
    for (const [path, language] of [
      ['/register', 'en'],
      ['/ru/register', 'ru'],
    ] as const) {
      await page.goto(path);
      await expect(page.locator('html')).toHaveAttribute('lang', language);
      await expect(page.locator('input[name="email"]')).toBeVisible();
      await expect(page.locator('input[name="password"]')).toBeVisible();
    }
  });

  test('is asked to sign in where a private page was wanted', async ({ page }) => {
    await page.goto('/mailings');
    await expect(page).toHaveURL(/\/login/);
  });

  test('gets a page that says so where there is none', async ({ page }) => {
    const response = await page.goto('/no-such-page');
    expect(response?.status()).toBe(404);
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  });
});
