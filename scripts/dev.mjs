// `npm run dev`: `next dev` with the embedded database where DATABASE_URL names none.
import './node-version.mjs';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { installPackages, root } from './prepare.mjs';
import { ensureSecrets, loadEnvFiles } from './secrets.mjs';

loadEnvFiles(root);
await installPackages((line) => console.log(line));
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
let postgres = null;
if (!env.DATABASE_URL) {
  const [{ ensurePostgres }, { migrateDatabase }] = await Promise.all([
    import('./postgres.mjs'),
    import('./migrate.mjs'),
  ]);
  const dataDir = path.resolve(root, env.MAILROOM_DATA_DIR || '.data');
  const secrets = ensureSecrets(dataDir);
  postgres = await ensurePostgres({ dataDir, log: (line) => console.log(line) });
  await migrateDatabase(postgres.url);
  env.MAILROOM_DATA_DIR = dataDir;
  env.DATABASE_URL = postgres.url;
  env.AUTH_SECRET ||= secrets.AUTH_SECRET;
  env.CRON_SECRET ||= secrets.CRON_SECRET;
}
const next = spawn(
  process.execPath,
  [
    path.join(root, 'node_modules', 'next', 'dist', 'bin', 'next'),
    'dev',
    '-H',
    'localhost',
    '-p',
    env.PORT || '3000',
    ...process.argv.slice(2),
  ],
  { cwd: root, env, stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => next.kill(signal));
next.once('exit', async (code) => {
  if (postgres?.started) await postgres.stop();
  process.exit(code ?? 0);
});
