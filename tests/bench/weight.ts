import { gzipSync } from 'node:zlib';
import { type Browser, chromium, devices } from '@playwright/test';
import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { db } from '@/db/client';
import { posts } from '@/db/schema';
import { findChromium } from '../../scripts/chromium.mjs';
import { startBare } from './bare';
import { type Ground, progress, type Row, rowOf } from './ground';
import { pages, startSite, warm } from './site';

const seenSchema = z.object({
  shift: z.number(),
  largest: z.object({ tag: z.string(), isText: z.boolean(), isSized: z.boolean() }).nullable(),
});

/**
 * What a phone loads and sees of the home page and of an article: octets of scripts as they come over the wire, and of those that stand in
 * the page as if each were packed alone; everything that moved by itself until the end of the page was reached; and what the largest
 * paint was.
 */
export async function benchWeight(ground: Ground): Promise<Row[]> {
  const site = await startSite(ground);
  await db
    .update(posts)
    .set({ imageUrl: '/icon.svg', coverAlt: 'A postmark', coverWidth: 1200, coverHeight: 630 })
    .where(eq(posts.slug, 'article-7'));
  const browser = await chromium.launch({
    executablePath: await findChromium(progress),
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  ground.atEnd(() => browser.close());
  const bare = await startBare(ground);
  const empty = await look(browser, `${bare.base}/`);
  const rows: Row[] = [
    rowOf(
      {
        what: 'scripts of an empty page of the smallest application of Next, compressed',
        ours: '–',
        peer: `${empty.kilobytes.toFixed(0)} KB`,
        ratio: empty.kilobytes,
        spread: 'one visit',
      },
      { sign: '≤', must: null, aim: null, unit: ' KB' },
    ),
  ];
  for (const [name, page] of Object.entries({ 'the home page': '/', 'an article': pages.post })) {
    await warm(site.base, page);
    const { kilobytes, files, shift, largest } = await look(browser, site.base + page);
    const row = { peer: 'a limit', spread: 'one visit' };
    rows.push(
      rowOf(
        {
          what: `scripts of ${name}, compressed`,
          ours: `${kilobytes.toFixed(1)} KB in ${files === 1 ? 'one file' : `${files} files`} and the page`,
          ...row,
          ratio: kilobytes,
        },
        { sign: '≤', must: 120, aim: 100, unit: ' KB' },
      ),
      rowOf(
        { what: `layout shift of ${name}, to its end`, ours: shift.toFixed(3), ...row, ratio: shift },
        { sign: '≤', must: 0, aim: 0 },
      ),
      rowOf(
        {
          what: `${name}: its largest paint is text or a picture whose size is known`,
          ours: largest ? `${largest.tag}${largest.isText ? ', text' : ''}` : 'nothing',
          ...row,
          ratio: largest && (largest.isText || largest.isSized) ? 1 : 0,
        },
        { sign: '≥', must: 1, aim: 1 },
      ),
    );
  }
  return rows;
}

async function look(browser: Browser, url: string) {
  const context = await browser.newContext({ ...devices['Pixel 7'] });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const scripts = new Set<string>();
  let octets = 0;
  session.on('Network.responseReceived', ({ requestId, type }) => {
    if (type === 'Script') scripts.add(requestId);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) octets += encodedDataLength;
  });
  await page.addInitScript(() => {
    const seen: { shift: number; largest: unknown } = { shift: 0, largest: null };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if ('value' in entry) seen.shift += Number(entry.value);
    }).observe({ type: 'layout-shift', buffered: true });
    new PerformanceObserver((list) => {
      const entry = list.getEntries().at(-1);
      const element = entry && 'element' in entry && entry.element instanceof Element ? entry.element : null;
      const box = element?.getAttribute('width') && element.getAttribute('height');
      seen.largest = {
        tag: element?.tagName.toLowerCase() ?? 'gone',
        isText: element !== null && !(entry && 'url' in entry && entry.url),
        isSized: Boolean(box),
      };
    }).observe({ type: 'largest-contentful-paint', buffered: true });
  });
  await page.goto(url, { waitUntil: 'networkidle' });
  // Scrolling is no input: what moves under it counts. The largest paint is decided before.
  const before = seenSchema.parse(await page.evaluate('window.seen'));
  await page.evaluate(async () => {
    for (let at = 0; at < document.body.scrollHeight; at += 400) {
      window.scrollTo(0, at);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
  await page.waitForLoadState('networkidle');
  for (const text of await page.evaluate(() =>
    [...document.scripts].filter(({ src, type }) => !src && /^(module)?$/.test(type)).map(({ text }) => text),
  ))
    octets += gzipSync(text).length;
  const after = seenSchema.parse(await page.evaluate('window.seen'));
  await context.close();
  return { kilobytes: octets / 1024, files: scripts.size, shift: after.shift, largest: before.largest };
}
