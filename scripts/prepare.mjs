// What has to be there before anything of Mailroom can run: a Node that is new enough, its packages, a production build.
// Runs in a bare clone, so it imports nothing but Node.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { lock } from './lock.mjs';

export const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Something is missing or in the way; the message says what, and what to do. */
export class Trouble extends Error {}

/** The npm that started us, else the one on the PATH. */
export const npm = process.env.npm_execpath?.endsWith('.js')
  ? [process.execPath, process.env.npm_execpath]
  : ['npm'];

/** Packages that fit the lock file and this machine. */
export async function installPackages(log) {
  const modules = path.join(root, 'node_modules');
  const stamp = path.join(modules, '.mailroom-installed');
  if (read(stamp) === packagesDigest()) return;
  log('Installing packages (a minute or two the first time) …');
  const args = [
    'install',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const [program, ...first] = npm;
  const result = spawnSync(program, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32' && program === 'npm',
  });
  if (result.status !== 0)
    throw new Trouble(
      'Installing the packages failed; npm says above why. Is the registry reachable from here? Run `npm install` to try by hand.',
    );
  // npm may complete the lock file: the digest is of what stands there now.
  fs.writeFileSync(stamp, packagesDigest());
}

function packagesDigest() {
  const hash = createHash('sha256');
  hash.update(`${process.platform} ${process.arch} ${process.versions.modules}\n`);
  for (const name of ['package.json', 'package-lock.json']) hash.update(read(path.join(root, name)));
  return hash.digest('hex');
}

const sources = [
  'app',
  'components',
  'lib',
  'db',
  'public',
  'middleware.ts',
  'instrumentation.ts',
  'next.config.ts',
  'postcss.config.mjs',
];
const configuration = ['tsconfig.json', 'package.json', 'package-lock.json'];
/** Settings that the build bakes in. */
const bakedIn = (name) =>
  ['DEFAULT_LOCALE', 'APP_URL', 'CACHE', 'MAILROOM_BUILD'].includes(name) || name.startsWith('NEXT_PUBLIC_');

/** A production build of the sources as they are; nothing is done when there is one. Answers whether it built. */
export async function buildProduction(log, env) {
  fs.mkdirSync(path.join(root, 'node_modules'), { recursive: true });
  const release = await lock(path.join(root, 'node_modules', '.mailroom-build.lock'), 900_000);
  try {
    const stamp = path.join(root, '.next', 'mailroom-build');
    const wanted = sourcesDigest(env);
    if (read(stamp) === wanted && fs.existsSync(path.join(root, '.next', 'BUILD_ID'))) return false;
    log('Building (half a minute) …');
    // Pages cached by an earlier build would be built into this one.
    fs.rmSync(path.join(root, '.next', 'cache', 'fetch-cache'), { recursive: true, force: true });
    fs.rmSync(stamp, { force: true });
    // The build needs no database, and what it prerenders must not hang on one that happens to be there.
    const { DATABASE_URL: _, ...withoutDatabase } = env;
    const { code, output } = await capture(
      process.execPath,
      [path.join(root, 'node_modules', 'next', 'dist', 'bin', 'next'), 'build'],
      { ...withoutDatabase, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    );
    if (code !== 0) throw new Trouble(`The build failed:\n\n${output}`);
    fs.writeFileSync(stamp, wanted);
    return true;
  } finally {
    release();
  }
}

function sourcesDigest(env) {
  const hash = createHash('sha256');
  for (const name of [...sources, ...configuration])
    for (const file of filesOf(path.join(root, name))) {
      hash.update(`${path.relative(root, file)}\0`);
      hash.update(fs.readFileSync(file));
    }
  for (const [name, value] of Object.entries(env)
    .filter(([name]) => bakedIn(name))
    .sort())
    hash.update(`${name}=${value}\n`);
  return hash.digest('hex');
}

function filesOf(target) {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [target];
  return fs
    .readdirSync(target)
    .sort()
    .flatMap((name) => filesOf(path.join(target, name)));
}

/** Runs a program to its end; its output is kept, and shown only when it matters. */
export function capture(program, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
