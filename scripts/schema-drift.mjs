// Fails when db/schema says something that no migration does: somebody changed a table and forgot `npm run db:generate`.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'mailroom-drift-'));
const copy = path.join(temporary, 'migrations');

try {
  fs.cpSync(path.join(root, 'db', 'migrations'), copy, { recursive: true });
  const before = listing(copy);
  const result = spawnSync(
    process.execPath,
    [
      path.join(root, 'node_modules', 'drizzle-kit', 'bin.cjs'),
      'generate',
      '--dialect=postgresql',
      '--schema=./db/schema/index.ts',
      // drizzle-kit takes the folder as relative to where it runs.
      `--out=${path.relative(root, copy)}`,
      '--name=drift',
    ],
    // Without a terminal it can not ask whether a column was renamed, and writes nothing: only its own word says that all is well.
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 },
  );
  const fresh = listing(copy).filter((file) => !before.includes(file));
  if (result.status === 0 && fresh.length === 0 && /No schema changes/.test(result.stdout)) {
    console.log('The migrations make exactly what db/schema describes.');
  } else {
    const statements = fresh
      .filter((file) => file.endsWith('.sql'))
      .map((file) => fs.readFileSync(path.join(copy, file), 'utf8'));
    const said = [result.stdout, result.stderr, result.error?.message ?? ''].join('\n').trim();
    console.error(
      `The migrations lag behind db/schema. ${statements.length > 0 ? `This is missing:\n\n${statements.join('\n')}` : `drizzle-kit said:\n\n${said}`}
Run \`npm run db:generate -- --name what_it_does\`, review the file and commit it.`,
    );
    process.exitCode = 1;
  }
} finally {
  fs.rmSync(temporary, { recursive: true, force: true });
}

function listing(folder) {
  return fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}
