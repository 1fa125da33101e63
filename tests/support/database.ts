import { randomUUID } from 'node:crypto';
import postgres from 'postgres';

/** A fresh, migrated, empty database on the server of the test run. `drop` removes it, whoever is still connected. */
export async function cloneDatabase(serverUrl: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `test_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  await onServer(serverUrl, (sql) => sql`create database ${sql(name)} template mailroom_template`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => onServer(serverUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`),
  };
}

async function onServer(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 30 });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** A connection of its own to this test file's database, for tests that race or look underneath. End it with `end()`. */
export function rawConnection(connections = 1): postgres.Sql {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error('no test database: is this an integration test?');
  return postgres(url, { max: connections, onnotice: () => {} });
}

/** All rows of these tables as one word: the same as before means that nothing was changed. */
export async function digestOfTables(sql: postgres.Sql, tables: readonly string[]): Promise<string> {
  const parts = tables.map(
    // Without an order and without one long text of all of them: tables grow, and this is asked hundreds of times.
    (table) =>
      `select '${table}' as name, count(*)::text as rows, sum(hashtextextended(t::text, 0))::text as sum from "${table}" t`,
  );
  return JSON.stringify(await sql.unsafe(parts.join(' union all ')));
}
