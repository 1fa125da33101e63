import { expect, type Page, test } from '@playwright/test';
import postgres from 'postgres';
import { expectNoBarrier } from '../support/barriers';
import { catalogue } from '../support/newcomer';

/* The blog as its readers and their programs see it. How articles come to be there is the business of posts.spec.ts. */

const say = catalogue('en');
const id = `${Date.now().toString(36)}-${process.pid}`;
const slug = `pismo-${id}`;
const title = `Письмо, которое дочитывают </script> ${id}`;
const picture = '/api/uploads/0123456789abcdef0123456789abcdef-1600x800.webp';

test.beforeAll(async () => {
  const sql = postgres(process.env.E2E_DATABASE_URL ?? '', { max: 1 });
  const body = `<p>Хорошее письмо читают до конца.</p><h2>Заголовок</h2><p><img src="${picture}" alt="Конверт"></p>
<pre><code>${'const line = 250; '.repeat(60)}</code></pre>
<table><thead><tr><th>Ответ</th><th>Что делать</th></tr></thead><tbody><tr><td>250</td><td>Ничего</td></tr></tbody></table>
<ul><li>раз</li><li>два</li></ul><blockquote><p>Одна мысль — один абзац.</p></blockquote><p>${'слово '.repeat(400)}</p>`;
  await sql`insert into posts (slug, title, summary, body, image_url, cover_alt, status, published_at)
    values (${slug}, ${title}, 'О тексте рассылки', ${body}, ${picture}, 'Марка', 'published', now() - interval '1 minute')`;
  // Old ones, so that they are nobody's news: enough for a second page.
  for (let number = 0; number < 14; number += 1)
    await sql`insert into posts (slug, title, body, status, published_at)
      values (${`old-${number}-${id}`}, ${`Old news ${number}`}, '<p>Old.</p>', 'published', ${`2020-01-${10 + number}`})`;
  await sql.end();
});

/** What the browser says of things that the page was not allowed. */
function blockedOn(page: Page): string[] {
  const said: string[] = [];
  page.on('console', (message) => {
    if (/content security policy|hydrat|minified react/i.test(message.text())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(error.message));
  return said;
}

test('an article is read without JavaScript, in its own language, and tells machines what it is', async ({
  browser,
}) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  expect((await page.goto(`/blog/${slug}`))?.status()).toBe(200);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  const heading = page.getByRole('heading', { level: 1 });
  await expect(heading).toHaveText(title);
  await expect(heading).toHaveAttribute('lang', 'ru');
  const article = page.getByRole('article');
  await expect(article).toContainText('Хорошее письмо читают до конца.');
  await expect(article).toContainText('2 minutes to read');

  // Pictures keep their room; the cover is fetched at once, and others when they are nearly in sight.
  const cover = article.getByRole('img', { name: 'Марка' });
  await expect(cover).toHaveAttribute('fetchpriority', 'high');
  for (const image of [cover, article.getByRole('img', { name: 'Конверт' })]) {
    await expect(image).toHaveAttribute('width', '1600');
    await expect(image).toHaveAttribute('srcset', /-480\.webp 480w, .*-1600x800\.webp 1600w/);
  }
  await expect(article.getByRole('img', { name: 'Конверт' })).toHaveAttribute('loading', 'lazy');
  await expect(page.getByRole('navigation', { name: say('blog.neighbours') })).toBeVisible();

  const head = (selector: string, name: string) => page.locator(`head ${selector}`).getAttribute(name);
  const origin = new URL(page.url()).origin;
  const base = (await head('link[rel=canonical]', 'href'))?.replace(`/blog/${slug}`, '');
  expect(base).toMatch(/^http:\/\/localhost:\d+$/);
  expect(await head('link[hreflang=ru]', 'href')).toBe(`${base}/ru/blog/${slug}`);
  expect(await head('link[hreflang=en]', 'href')).toBe(`${base}/blog/${slug}`);
  expect(await head('link[type="application/atom+xml"]', 'href')).toBe(`${base}/blog/feed.xml`);
  expect(await head('meta[property="og:type"]', 'content')).toBe('article');
  expect(await head('meta[name="twitter:card"]', 'content')).toBe('summary_large_image');

  const data: unknown = JSON.parse(
    (await page.locator('script[type="application/ld+json"]').textContent()) ?? '',
  );
  expect(data).toMatchObject({ '@type': 'BlogPosting', headline: title, inLanguage: 'ru' });

  const shown = (await head('meta[property="og:image"]', 'content')) ?? '';
  const answer = await page.request.get(shown.replace(base ?? '', origin));
  expect(answer.headers()['content-type']).toBe('image/png');
  const bytes = await answer.body();
  expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1200, 630]);

  // On paper there is the article, and nothing to press.
  await page.emulateMedia({ media: 'print' });
  await expect(article).toBeVisible();
  for (const gone of [page.getByRole('banner'), page.getByRole('navigation'), page.getByRole('contentinfo')])
    await expect(gone.first()).toBeHidden();
  await context.close();
});

for (const prefix of ['', '/ru'])
  test(`the blog has no barrier that axe knows of, in light and in dark, and nothing on it is blocked (${prefix ? 'Russian' : 'English'})`, async ({
    page,
  }) => {
    const blocked = blockedOn(page);
    await page.setViewportSize({ width: 390, height: 800 });
    for (const path of ['/blog', '/blog/page/2', `/blog/${slug}`]) {
      await page.goto(`${prefix}${path}`);
      await expectNoBarrier(page);
      // A long line scrolls in itself, and not the page.
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    }
    expect(blocked).toEqual([]);
  });

test('the list has pages, each with one address, and none beyond the last', async ({ page }) => {
  await page.goto('/blog/page/2');
  await expect(page.getByRole('navigation', { name: say('blog.pages') })).toContainText('Page 2 of');
  await expect(page.locator('head link[rel=canonical]')).toHaveAttribute('href', /\/blog\/page\/2$/);
  await expect(page.getByRole('main').getByRole('listitem').first()).toBeVisible();
  await page.getByRole('link', { name: say('blog.newer') }).click();
  await expect(page).toHaveURL(/\/blog$/);
  await page.goto('/ru/blog/page/1');
  await expect(page).toHaveURL(/\/ru\/blog$/);
  for (const beyond of ['9999', '0', '02', '-1', '1e1', '2.0', 'x'])
    expect((await page.goto(`/blog/page/${beyond}`))?.status(), beyond).toBe(404);
});

test('feed readers and crawlers find what is public, and nothing else', async ({ page, request }) => {
  // Made while building, when nothing was known; the next visit mends it.
  await expect(async () => {
    expect(await (await request.get('/blog/feed.xml')).text()).toContain('<entry');
  }).toPass();
  const feed = await request.get('/blog/feed.xml');
  expect(feed.headers()['content-type']).toContain('application/atom+xml');
  // A browser's parser takes no feed that is not well-formed.
  await page.goto('/blog');
  const read = await page.evaluate(
    (text) => {
      const parsed = new DOMParser().parseFromString(text, 'application/xml');
      const textOf = (name: string) =>
        [...parsed.getElementsByTagName(name)].map((found) => found.textContent);
      return { errors: textOf('parsererror'), ids: textOf('id'), updated: textOf('updated') };
    },
    await feed.text(),
  );
  expect(read.errors).toEqual([]);
  expect(new Set(read.ids).size).toBe(read.ids.length);
  for (const time of read.updated) expect(Date.parse(time ?? '')).not.toBeNaN();

  await expect(async () => {
    expect(await (await request.get('/sitemap.xml')).text()).toContain('/ru/blog/old-0-');
  }).toPass();
  const robots = await (await request.get('/robots.txt')).text();
  for (const area of ['/clients', '/ru/manage', '/api/']) expect(robots).toContain(`Disallow: ${area}\n`);
  expect(robots).toMatch(/^Sitemap: http.*\/sitemap\.xml$/m);
});
