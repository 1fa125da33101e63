import { expect, type Page, test } from '@playwright/test';
import { sanitizeBody } from '../../lib/sending/compose/sanitize';
import { payloadFamilies, payloads } from '../support/hostile-payloads';
import { look, watchForRunning } from '../support/watch-for-running';

/* Texts that would run where a page took them for markup: that they are heard where they do, and that a saved body has none. */

/** A page that is nothing but this markup: what a page of ours would be if it got a text wrong. */
function control(page: Page, address: string, html: string) {
  return page
    .context()
    .route(address, (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }));
}

const attribute = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

test('what listens for texts that run hears each kind of them where a page does run them', async ({
  browser,
  baseURL,
}) => {
  expect(payloads.length).toBeGreaterThanOrEqual(60);
  const context = await browser.newContext();
  const ran = await watchForRunning(context);
  const page = await context.newPage();
  const frame = (text: string) => `<iframe srcdoc="${attribute(text)}"></iframe>`;
  await control(page, `${baseURL}/control`, `<!doctype html>${payloads.map(frame).join('')}`);
  await page.goto(`${baseURL}/control`);
  await look(page);
  await expect.poll(() => new Set(ran).size, { timeout: 10_000 }).toBeGreaterThan(40);
  for (const kind of [/^fired\(/, /^alert\(/, /^console/, /^script /, /^stylesheet /, /^document /])
    expect(
      ran.some((one) => kind.test(one)),
      String(kind),
    ).toBe(true);

  // And what waits for somebody to act is seen in the page itself.
  await control(
    page,
    `${baseURL}/waiting`,
    `<!doctype html><main>${payloadFamilies.address?.join('</a>')}</main>`,
  );
  await page.goto(`${baseURL}/waiting`);
  expect((await look(page)).acting.length).toBeGreaterThan(5);
  await context.close();
});

test('a body that was saved runs nothing even where it would be shown without a frame', async ({
  browser,
  baseURL,
}) => {
  const context = await browser.newContext();
  const ran = await watchForRunning(context);
  const page = await context.newPage();
  const bodies = payloads.map((text) => sanitizeBody(`<p>${text}</p>`));
  const frame = (text: string) => `<iframe srcdoc="${attribute(text)}"></iframe>`;
  await control(page, `${baseURL}/saved`, `<!doctype html>${bodies.map(frame).join('')}`);
  await page.goto(`${baseURL}/saved`);
  await look(page);
  expect(ran).toEqual([]);
  const left = await page.evaluate(() =>
    [...document.querySelectorAll('iframe')].flatMap(({ contentDocument }) =>
      [
        ...(contentDocument?.querySelectorAll('script, style, svg, math, form, base, meta, object') ?? []),
      ].map((element) => element.outerHTML),
    ),
  );
  expect(left).toEqual([]);
  await context.close();
});
