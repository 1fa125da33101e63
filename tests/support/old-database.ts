import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { z } from 'zod';

const migrations = path.join(import.meta.dirname, '..', '..', 'db', 'migrations');
const journalFile = path.join('meta', '_journal.json');
const journal = z.looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) });

/** An empty database on the server of the test run as an older version left it: its last migration is `tag`. `drop` removes it. */
export async function createOldDatabase(
  serverUrl: string,
  tag: string,
): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `old_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await visiting(serverUrl, (sql) => sql`create database ${sql(name)}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'mailroom-migrations-'));
  try {
    cpSync(migrations, folder, { recursive: true });
    const whole = journal.parse(JSON.parse(readFileSync(path.join(folder, journalFile), 'utf8')));
    const last = whole.entries.findIndex((entry) => entry.tag === tag);
    if (last === -1) throw new Error(`no migration ${tag}`);
    const shortened = { ...whole, entries: whole.entries.slice(0, last + 1) };
    writeFileSync(path.join(folder, journalFile), JSON.stringify(shortened));
    await visiting(url.href, (sql) => migrate(drizzle(sql), { migrationsFolder: folder }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    url: url.href,
    drop: () => visiting(serverUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`),
  };
}

async function visiting(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
