import { DrizzleQueryError } from 'drizzle-orm';
import { PgPreparedQuery } from 'drizzle-orm/pg-core';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres, { type Sql } from 'postgres';
import { env, SettingsError } from '@/lib/env';
import * as schema from './schema';

export type Database = PostgresJsDatabase<typeof schema>;
/** The database, or a transaction on it. */
export type Db = Database | Parameters<Parameters<Database['transaction']>[0]>[0];

/**
 * A failed statement tells which one it was and what the database said, never what it was given: drizzle writes all parameters
 * into the error, and PostgreSQL the row that failed, and both would stand in the log, password hashes and letters included.
 */
function keepValuesOutOfErrors() {
  const run: unknown = Reflect.get(PgPreparedQuery.prototype, 'queryWithCache');
  if (typeof run !== 'function')
    throw new Error('drizzle-orm runs its statements in another way than it did');
  Reflect.set(
    PgPreparedQuery.prototype,
    'queryWithCache',
    async function (this: unknown, ...args: unknown[]) {
      try {
        return await Reflect.apply(run, this, args);
      } catch (error) {
        if (!(error instanceof DrizzleQueryError)) throw error;
        if (error.cause) Reflect.deleteProperty(error.cause, 'detail');
        throw new DrizzleQueryError(error.query, [], error.cause);
      }
    },
  );
}

keepValuesOutOfErrors();

type Connection = { sql: Sql; db: Database };
const store = globalThis as typeof globalThis & { mailroomDatabase?: Connection };

/** Opens a pool of its own on `url`: for tests and processes that end. Close it with `sql.end()`. */
export function connect(url: string, connections = 10): Connection {
  const sql = postgres(url, {
    max: connections,
    onnotice: () => {},
    connect_timeout: 10,
    idle_timeout: 60,
    connection: { application_name: 'mailroom', TimeZone: 'UTC' },
  });
  return { sql, db: drizzle(sql, { schema }) };
}

function connection(): Connection {
  if (!store.mailroomDatabase) {
    const { DATABASE_URL } = env();
    if (!DATABASE_URL)
      throw new SettingsError(
        'DATABASE_URL is not set. `npm run up` and the command line start the embedded database by themselves; elsewhere name a PostgreSQL server.',
      );
    store.mailroomDatabase = connect(DATABASE_URL);
  }
  return store.mailroomDatabase;
}

/** This process's database, opened at first use: importing it opens nothing, so a build needs no database. */
export const db: Database = new Proxy({} as Database, {
  get(_, property) {
    const target = connection().db;
    const value = Reflect.get(target, property, target);
    return typeof value === 'function' ? value.bind(target) : value;
  },
});

/** The driver underneath, for LISTEN/NOTIFY and COPY. */
export function driver(): Sql {
  return connection().sql;
}

/** Closes this process's pool, so that a command can end. */
export async function closeDatabase(): Promise<void> {
  await store.mailroomDatabase?.sql.end({ timeout: 5 });
  delete store.mailroomDatabase;
}

/** Leaves this process's pool to itself and opens another at next use, after the driver has broken. */
export function replacePool(): void {
  store.mailroomDatabase?.sql.end({ timeout: 1 }).catch(() => {});
  delete store.mailroomDatabase;
}
