import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { db } from '@/db/client';
import { posts } from '@/db/schema';
import { startNginx } from '../support/nginx';
import { ask, postForm, signInAt } from '../support/visit';
import { compare, type Ground, median, type Row, rate, rowOf, spread } from './ground';
import { borrow, editor, pages, pagesASecond, secondsOf, startSite, warm } from './site';

/**
 * Public pages behind the nginx file that is shipped ÷ the same nginx serving the same bytes as a file; and how long after an article is
 * published a reader behind nginx sees it, while others keep asking.
 */
export async function benchFront(ground: Ground): Promise<Row[]> {
  const wrk = borrow(ground, 'wrk', 'wrk');
  const program = borrow(ground, 'nginx', 'nginx-light');
  if (!wrk || !program) return [];
  const site = await startSite(ground);
  const nginx = await startNginx(site.port, program);
  ground.atEnd(nginx.end);
  const pids = [
    { name: 'nginx', pid: nginx.pid, withChildren: true },
    { name: 'the server', pid: site.pid },
  ];
  const rows: Row[] = [];
  for (const [name, page] of Object.entries(pages)) {
    const body = await warm(nginx.base, page);
    writeFileSync(path.join(nginx.filesFolder, `${name}.html`), body);
    const measured = await compare(
      ground,
      () => pagesASecond(wrk, nginx.base + page, secondsOf(ground), pids),
      () => pagesASecond(wrk, `${nginx.filesBase}/${name}.html`, secondsOf(ground), pids),
    );
    const size = `${Math.round(Buffer.byteLength(body) / 1024)} KB`;
    rows.push(
      rowOf(
        {
          what: `${name === 'blog' ? 'the list of articles' : 'an article'} (${size}) behind nginx ÷ the same bytes as a file of nginx`,
          ...measured,
          ours: rate(measured.ours),
          peer: rate(measured.peer),
        },
        { sign: '≥', must: 0.7, aim: 0.9 },
      ),
    );
  }
  rows.push(await freshness(ground, site.base, nginx.base));
  return rows;
}

/** Seconds from the answer to who published until a reader behind nginx, who asks fifty times a second, gets the new page. */
async function freshness(ground: Ground, base: string, front: string): Promise<Row> {
  const cookie = await signInAt(base, editor.email, editor.password);
  const [post] = await db
    .insert(posts)
    .values({ title: 'Fresh', slug: 'fresh', body: '<p>Text</p>' })
    .returning();
  if (!post) throw new Error('no draft');
  const times: number[] = [];
  for (let round = 0; round < Math.max(5, ground.rounds); round += 1) {
    await db
      .update(posts)
      .set({ title: `Fresh ${round}.`, status: 'draft', publishedAt: null })
      .where(eq(posts.id, post.id));
    const [{ version } = { version: 0 }] = await db
      .select({ version: posts.version })
      .from(posts)
      .where(eq(posts.id, post.id));
    const seen = async () => (await ask(front, pages.blog)).body.includes(`Fresh ${round}.`);
    if (await seen()) throw new Error('a draft is public');
    await postForm(base, `/manage/posts/${post.id}`, {
      cookie,
      field: 'when',
      values: { when: 'now', at: '', version: String(version) },
    });
    const published = performance.now();
    while (!(await seen())) {
      if (performance.now() - published > 30_000) throw new Error('what was published is not seen');
      await pause(20);
    }
    times.push((performance.now() - published) / 1000);
  }
  const longest = Math.max(...times);
  return rowOf(
    {
      what: 'an article seen behind nginx after it was published: the longest it took',
      ours: `${median(times).toFixed(2)} s in the middle`,
      peer: 'a limit',
      ratio: longest,
      spread: spread(times),
    },
    { sign: '≤', must: 2, aim: 1, unit: ' s' },
  );
}
