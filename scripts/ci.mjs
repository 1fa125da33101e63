// `.ci/run`: the checks, counted as one test, and then every test.
import './node-version.mjs';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { debianProgram } from './debian.mjs';
import { installPackages, npm, root } from './prepare.mjs';

let passed = 0;
let failed = 0;
const borrowed = fs.mkdtempSync(path.join(os.tmpdir(), 'mailroom-ci-'));
try {
  await installPackages((line) => console.log(line));
  // What stands beside Mailroom where it runs, so that it is tested with the real ones.
  for (const [name, packageName] of [
    ['redis-server', 'redis-server'],
    ['nginx', 'nginx-light'],
  ]) {
    const { missing } = debianProgram(name, packageName, borrowed);
    if (missing) console.log(`Tests that need ${name} are SKIPPED: ${missing}`);
  }
  process.env.PATH = [path.join(borrowed, 'bin'), process.env.PATH, '/usr/sbin'].join(path.delimiter);
  const check = await run(['run', 'check']);
  if (check.code === 0) passed += 1;
  else failed += 1;
  const test = await run(['test']);
  const counts = /^(\d+) passed, (\d+) failed$/m.exec(test.output.slice(-2000));
  passed += Number(counts?.[1] ?? 0);
  failed += counts ? Number(counts[2]) : 1;
  if (check.code !== 0) console.log('\n`npm run check` failed; see above.');
} catch (error) {
  console.error(error.message);
  failed += 1;
} finally {
  fs.rmSync(borrowed, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** Runs npm with its output shown and kept. */
function run(args) {
  const [program, ...first] = npm;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...first, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      process.stdout.write(text);
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
