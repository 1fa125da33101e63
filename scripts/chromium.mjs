// Finds a Chromium that Playwright can drive, or gets one, on any machine.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root, Trouble } from './prepare.mjs';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const places = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** The path of a browser that starts: the one named, Playwright's, the system's, else one that is installed now. */
export async function findChromium(log) {
  const named = process.env.PW_CHROMIUM;
  if (named) {
    if (starts(named)) return named;
    throw new Trouble(`PW_CHROMIUM names ${named}, which does not start.`);
  }
  const found = playwrights() ?? systems();
  if (found) return found;
  log('No Chromium here; getting one …');
  const isRoot = process.getuid?.() === 0;
  const asRoot = isRoot ? [] : ['sudo', '-n'];
  const ways = [
    () => {
      run(process.execPath, [
        path.join(root, 'node_modules', '@playwright', 'test', 'cli.js'),
        'install',
        ...(isRoot ? ['--with-deps'] : []),
        'chromium',
      ]);
      return playwrights();
    },
    () => {
      if (process.platform !== 'linux' || !exists('apt-get') || !(isRoot || exists('sudo'))) return null;
      const [program, ...args] = [...asRoot, 'apt-get'];
      run(program, [...args, 'update', '-qq']);
      run(program, [...args, 'install', '-y', '-qq', '--no-install-recommends', 'chromium']);
      return systems();
    },
    () => packaged(),
  ];
  for (const way of ways) {
    const path = await way();
    if (path) return path;
  }
  throw new Trouble(
    'No Chromium was found and none could be installed. Install one (for example `apt-get install chromium`) or name it: PW_CHROMIUM=/path/to/chromium npm test',
  );
}

function playwrights() {
  const { chromium } = createRequire(path.join(root, 'package.json'))('@playwright/test');
  const file = chromium.executablePath();
  return fs.existsSync(file) && starts(file) ? file : null;
}

function systems() {
  const onPath = (process.env.PATH ?? '')
    .split(path.delimiter)
    .flatMap((folder) => names.map((name) => path.join(folder, name)));
  return [...onPath, ...places].find((file) => fs.existsSync(file) && starts(file)) ?? null;
}

/** A Chromium out of the npm registry, for machines where neither Playwright's server nor a package manager can be reached. */
async function packaged() {
  const folder = path.join(root, 'node_modules', '.cache', 'mailroom-chromium');
  const installed = path.join(folder, 'node_modules', '@sparticuz', 'chromium');
  if (!fs.existsSync(installed)) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    const npm = process.env.npm_execpath?.endsWith('.js')
      ? [process.execPath, process.env.npm_execpath]
      : ['npm'];
    run(
      npm[0],
      [
        ...npm.slice(1),
        'install',
        '--no-audit',
        '--no-fund',
        '--prefix',
        folder,
        '@sparticuz/chromium@143.0.4',
      ],
      folder,
    );
  }
  if (!fs.existsSync(installed)) return null;
  // It brings the libraries that a bare server lacks, and unpacks them where it believes to be in a cloud function.
  process.env.AWS_EXECUTION_ENV ??= 'AWS_Lambda_nodejs20.x';
  const { default: chromium } = await import(
    createRequire(path.join(folder, 'package.json')).resolve('@sparticuz/chromium')
  );
  const file = await chromium.executablePath();
  return starts(file) ? file : null;
}

function starts(file) {
  return spawnSync(file, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

function exists(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

function run(program, args, cwd = root) {
  return spawnSync(program, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 600_000,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}
