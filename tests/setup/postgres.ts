import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { ensurePostgres, stopPostgres } from '../../scripts/postgres.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server where test files make databases of their own, from the template `mailroom_template`. */
    postgresUrl: string;
  }
}

const prefix = 'mailroom-vitest-';

/** Ends the servers of earlier runs that were killed before they could. */
async function clearAbandoned() {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    const directory = path.join(tmpdir(), name);
    try {
      await stopPostgres(directory);
      rmSync(directory, { recursive: true, force: true });
    } catch {
      // Another user's: theirs to clear.
    }
  }
}

function isAlive(pid: number) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * A PostgreSQL of the test run's own, migrated once into a template. `TEST_DATABASE_URL` names a server to use instead, whose
 * role may create databases.
 */
export default async function setup(project: TestProject) {
  const given = process.env.TEST_DATABASE_URL;
  const template = 'mailroom_template';
  if (given) {
    const url = new URL(given);
    url.pathname = `/${template}`;
    const { default: postgres } = await import('postgres');
    const sql = postgres(given, { max: 1, onnotice: () => {} });
    await sql`drop database if exists ${sql(template)} with (force)`;
    await sql`create database ${sql(template)}`;
    await sql.end();
    await migrateDatabase(url.href);
    project.provide('postgresUrl', given);
    return;
  }
  await clearAbandoned();
  const dataDir = mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}-`));
  const server = await ensurePostgres({
    dataDir,
    database: template,
    // Nothing here has to survive a power cut.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
  await migrateDatabase(server.url);
  const url = new URL(server.url);
  url.pathname = '/postgres';
  project.provide('postgresUrl', url.href);
  return async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
