import path from 'node:path';
import { ensurePostgres } from '@/scripts/postgres.mjs';
import { ensureSecrets, loadEnvFiles, readSecrets, readUpNote } from '@/scripts/secrets.mjs';
import { note } from './output';

const root = path.join(import.meta.dirname, '..', '..');

/**
 * Settles where this command works before anything reads a setting: `.env.local`, then the secrets and the address that `up`
 * keeps in the data directory, then the database. Without DATABASE_URL the embedded one is started, brought up to date and
 * left running.
 */
export async function openInstallation(): Promise<void> {
  loadEnvFiles(root);
  const dataDir = path.resolve(root, process.env.MAILROOM_DATA_DIR || '.data');
  process.env.MAILROOM_DATA_DIR = dataDir;
  const isEmbedded = !process.env.DATABASE_URL;
  const secrets = isEmbedded ? ensureSecrets(dataDir) : readSecrets(dataDir);
  // The same as the server's: unsubscribe links made here are opened there.
  if (secrets && !process.env.AUTH_SECRET) process.env.AUTH_SECRET = secrets.AUTH_SECRET;
  const served = readUpNote(dataDir);
  if (served && !process.env.APP_URL && !process.env.PORT) process.env.PORT = String(served.port);
  if (isEmbedded) {
    const server = await ensurePostgres({ dataDir, log: note });
    process.env.DATABASE_URL = server.url;
    const { migrateDatabase } = await import('@/scripts/migrate.mjs');
    await migrateDatabase(server.url);
  }
}

/** A file named on the command line: npm runs us in the project, the user may stand elsewhere. */
export function givenFile(name: string): string {
  return path.resolve(process.env.INIT_CWD ?? process.cwd(), name);
}

/** Aborts on Ctrl-C and on SIGTERM; a second one ends the process at once. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  return controller.signal;
}
