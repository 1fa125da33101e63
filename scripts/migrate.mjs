// Brings a database to the schema of this code. Plain Node, shared by `up`, `test`, `dev` and the command line.
import path from 'node:path';

const folder = path.join(import.meta.dirname, '..', 'db', 'migrations');
/** Any number: all who migrate take turns on this advisory lock. */
const turn = 7_245_013;

/** Runs the migrations that are missing; any number of times, and from any number of processes at once. */
export async function migrateDatabase(url) {
  const [{ default: postgres }, { drizzle }, { migrate }] = await Promise.all([
    import('postgres'),
    import('drizzle-orm/postgres-js'),
    import('drizzle-orm/postgres-js/migrator'),
  ]);
  const sql = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 30 });
  try {
    await sql`select pg_advisory_lock(${turn})`;
    await migrate(drizzle(sql), { migrationsFolder: folder });
  } finally {
    await sql.end({ timeout: 5 });
  }
}
