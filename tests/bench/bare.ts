import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../scripts/postgres.mjs';
import { root } from '../../scripts/prepare.mjs';
import { endProcesses, mark, tail, waitForServer } from '../../scripts/processes.mjs';
import { ask } from '../support/visit';
import { compare, type Ground, type Row, rate, rowOf } from './ground';
import { borrow, pages, pagesASecond, secondsOf, startSite, warm } from './site';

/**
 * Public pages from `next start` alone ÷ a page of the same size of the smallest application of Next that there is: the same version, ISR,
 * everything else as it comes.
 */
export async function benchBare(ground: Ground): Promise<Row[]> {
  const wrk = borrow(ground, 'wrk', 'wrk');
  if (!wrk) return [];
  const site = await startSite(ground);
  const bare = await startBare(ground);
  const pids = [
    { name: 'the server', pid: site.pid },
    { name: 'the bare one', pid: bare.pid },
  ];
  const rows: Row[] = [];
  for (const [name, page] of Object.entries(pages)) {
    const octets = Buffer.byteLength(await warm(site.base, page));
    const peer = await bare.pageOf(octets);
    const measured = await compare(
      ground,
      () => pagesASecond(wrk, site.base + page, secondsOf(ground), pids),
      () => pagesASecond(wrk, bare.base + peer, secondsOf(ground), pids),
    );
    rows.push(
      rowOf(
        {
          what: `${name === 'blog' ? 'the list of articles' : 'an article'} (${Math.round(octets / 1024)} KB) from \`next start\` ÷ a bare ISR page of that size`,
          ...measured,
          ours: rate(measured.ours),
          peer: rate(measured.peer),
        },
        { sign: '≥', must: 0.9, aim: 1 },
      ),
    );
  }
  return rows;
}

const files = {
  'package.json': '{ "private": true, "type": "module" }',
  // Its packages are those of this project, by a link that has to stay within the root.
  'next.config.mjs': "export default { turbopack: { root: '/' } };\n",
  'app/layout.js': `import { createElement } from 'react';
export default ({ children }) => createElement('html', { lang: 'en' }, createElement('body', null, children));
`,
  'app/page.js': `import { createElement } from 'react';
export default () => createElement('p', null, 'empty');
`,
  'app/[letters]/page.js': `import { createElement } from 'react';
export const revalidate = 60;
export const generateStaticParams = () => [];
export default async function Page({ params }) {
  return createElement('p', null, 'x'.repeat(Number((await params).letters)));
}
`,
};

/** Builds and starts it, far from this folder: below it Next would find our `middleware.ts` and `instrumentation.ts`, and take them too. */
export async function startBare(ground: Ground) {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'mailroom-bench-bare-')));
  ground.atEnd(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  const next = path.join(root, 'node_modules', 'next', 'dist', 'bin', 'next');
  const env = { ...process.env, NODE_ENV: 'production' as const, NEXT_TELEMETRY_DISABLED: '1' };
  const built = spawnSync(process.execPath, [next, 'build'], { cwd: folder, env, encoding: 'utf8' });
  if (built.status !== 0)
    throw new Error(`The bare application does not build: ${built.stdout}${built.stderr}`);
  const port = await freePort();
  const logFile = path.join(folder, 'server.log');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [next, 'start', '-H', 'localhost', '-p', String(port)], {
    cwd: folder,
    env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  const one = mark(child);
  ground.atEnd(() => endProcesses([one]));
  if (!(await waitForServer(port, () => child.exitCode !== null)))
    throw new Error(`The bare application did not start.\n${tail(logFile)}`);
  const base = `http://localhost:${port}`;
  const octetsOf = async (letters: number) => Buffer.byteLength((await ask(base, `/${letters}`)).body);
  return {
    base,
    pid: one.pid,
    /** The address of a page of so many octets, within a hundred: its text stands in it twice. */
    async pageOf(octets: number): Promise<string> {
      const [small, large] = [await octetsOf(1000), await octetsOf(2000)];
      let letters = 1000;
      let real = small;
      // React sends long texts in pieces, each with a little around it.
      for (let step = 0; step < 5 && Math.abs(real - octets) > 100; step += 1) {
        letters += Math.round(((octets - real) / (large - small)) * 1000);
        real = await octetsOf(letters);
      }
      if (Math.abs(real - octets) > 100) throw new Error(`a page of ${octets} octets has ${real}`);
      return await warm(base, `/${letters}`).then(() => `/${letters}`);
    },
  };
}
