// `npm test`: from a bare clone: everything the tests need, then every test. The last line says how many passed and failed.
import './node-version.mjs';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { buildProduction, installPackages, root, Trouble } from './prepare.mjs';

const say = (line) => console.log(line);
const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'mailroom-test-'));
const suites = [];
/** What failed, a line each: the first thing to read, so the last but the counts. */
const failures = [];
/** What passed, but only when it was tried again. */
const stumbles = [];

try {
  await installPackages(say);
  await suite('unit and integration', vitest);
  const hasBuilt = await suite('production build', build);
  if (hasBuilt) await suite('in the browser', playwright);
  else suites.push({ name: 'in the browser', passed: 0, failed: 1 });
} catch (error) {
  console.error(error instanceof Trouble ? error.message : error);
  suites.push({ name: 'setting up', passed: 0, failed: 1 });
} finally {
  fs.rmSync(temporary, { recursive: true, force: true });
}

say('');
for (const stumble of stumbles) say(`PASSED ONLY AT THE SECOND GO: ${stumble}`);
for (const failure of failures) say(`FAILED: ${failure}`);
for (const { name, passed, failed, seconds } of suites)
  say(`${name}: ${passed} passed, ${failed} failed${seconds === undefined ? '' : ` in ${seconds} s`}`);
const sum = (key) => suites.reduce((total, one) => total + one[key], 0);
say(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') > 0 ? 1 : 0;

async function suite(name, work) {
  say(`\n── ${name} ──`);
  const began = Date.now();
  let counts;
  try {
    counts = await work();
  } catch (error) {
    console.error(error instanceof Trouble ? error.message : error);
    counts = { passed: 0, failed: 1 };
  }
  suites.push({ name, ...counts, seconds: Math.round((Date.now() - began) / 1000) });
  return counts.failed === 0;
}

async function vitest() {
  const report = path.join(temporary, 'vitest.json');
  const code = await run([
    path.join('node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const { numPassedTests, numFailedTests, testResults = [] } = readJson(report) ?? {};
  for (const { name, status, message, assertionResults } of testResults) {
    const file = path.relative(root, name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (status === 'failed' && failed.length === 0) failures.push(`${file}: ${firstLine(message)}`);
    for (const { fullName, failureMessages } of failed)
      failures.push(`${file} › ${fullName}: ${firstLine(failureMessages[0])}`);
  }
  return counted(code, numPassedTests, numFailedTests);
}

async function build() {
  const built = await buildProduction(say, testEnv());
  say(built ? 'Built.' : 'The build is up to date.');
  return { passed: 1, failed: 0 };
}

async function playwright() {
  const { findChromium } = await import('./chromium.mjs');
  const { freePort } = await import('./postgres.mjs');
  const report = path.join(temporary, 'playwright.json');
  const code = await run([path.join('node_modules', '@playwright', 'test', 'cli.js'), 'test'], {
    ...testEnv(),
    PW_CHROMIUM: await findChromium(say),
    PLAYWRIGHT_JSON_OUTPUT_NAME: report,
    E2E_PORT: String(await freePort()),
  });
  const { stats, suites: files = [], errors = [] } = readJson(report) ?? {};
  for (const { message } of errors) failures.push(firstLine(message));
  for (const { file, title, tests } of files.flatMap(specsOf))
    for (const { status, results } of tests)
      if (status === 'unexpected' || status === 'flaky')
        (status === 'flaky' ? stumbles : failures).push(
          `${file} › ${title}: ${firstLine(results[0]?.error?.message)}`,
        );
  const { expected, unexpected, flaky } = stats ?? {};
  return counted(code, expected === undefined ? undefined : expected + flaky, unexpected);
}

/** The tests of a file in Playwright's report, whose groups hold groups. */
function specsOf({ specs = [], suites: groups = [] }) {
  return [...specs, ...groups.flatMap(specsOf)];
}

function firstLine(message = '') {
  const line = stripVTControlCharacters(message).split('\n', 1)[0].slice(0, 300);
  // So Vitest calls a test that ran out of time.
  return line.replace('Error: STACK_TRACE_ERROR', 'it took too long');
}

/** A suite that ended badly without a failed test (it did not load, it crashed) has failed all the same. */
function counted(code, passed = 0, failed = 0) {
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

/** The machine's environment without what would make Mailroom behave differently here. */
function testEnv() {
  const ours =
    /^(DATABASE_URL|MAILROOM_|PORT$|APP_URL|AUTH_|CRON_SECRET|DEFAULT_LOCALE|TRUSTED_PROXIES|EMAIL_|RESEND_|SMTP_|SEND_|UPSTASH_|BLOB_|CACHE$|NODE_ENV$|NEXT_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** Runs a part to its end with its output shown; answers its exit code. */
function run(args, env = testEnv()) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    const pass = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, pass);
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, pass);
      resolve(code ?? 1);
    });
  });
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
