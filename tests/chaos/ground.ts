import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { ensurePostgres } from '../../scripts/postgres.mjs';
import { type DatabaseProxy, startDatabaseProxy } from './database-proxy';
import type { Sink } from './smtp-sink';

const template = 'chaos_template';

/** A PostgreSQL of the trials' own, that may be killed and started again on the same port with the same data. */
export type Cluster = {
  port(): number;
  adminUrl(): string;
  /** How it ends: `SIGKILL` at once, `SIGQUIT` immediate shutdown, `SIGINT` fast shutdown. Returns when all of it is gone. */
  fell(signal: 'SIGKILL' | 'SIGQUIT' | 'SIGINT'): Promise<void>;
  raise(): Promise<void>;
  /** A fresh, migrated, empty database; `drop` removes it. */
  createDatabase(): Promise<{ name: string; drop(): Promise<void> }>;
  stop(): Promise<void>;
};

/**
 * Starts it. A commit is on its way to the disk when it returns (`synchronous_commit` stays on), so that a killed server has kept
 * it; only a power cut would lose it (`fsync` is off).
 */
export async function startCluster(maxConnections = 200): Promise<Cluster> {
  const dataDir = mkdtempSync(path.join(tmpdir(), `mailroom-chaos-${process.pid}-`));
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: String(maxConnections) };
  const ensure = () => ensurePostgres({ dataDir, database: template, settings });
  let server = await ensure();
  await migrateDatabase(server.url);
  const adminUrl = () => {
    const url = new URL(server.url);
    url.pathname = '/postgres';
    return url.href;
  };
  let made = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const onServer = async (work: (sql: postgres.Sql) => Promise<unknown>) => {
    const sql = postgres(adminUrl(), { max: 1, onnotice: () => {} });
    try {
      await work(sql);
    } finally {
      await sql.end({ timeout: 5 });
    }
  };
  return {
    port: () => server.port,
    adminUrl,
    async fell(signal) {
      const family = [server.pid, ...childrenOf(server.pid)];
      process.kill(server.pid, signal);
      // The server's children end by themselves; a new one must not start beside them.
      while (family.some(isAlive)) await pause(10);
    },
    async raise() {
      server = await ensure();
    },
    async createDatabase() {
      made += 1;
      const name = `chaos_${made}`;
      // One at a time: a template may have no visitors while it is copied.
      turn = turn.then(() => onServer((sql) => sql`create database ${sql(name)} template ${sql(template)}`));
      await turn;
      return { name, drop: () => onServer((sql) => sql`drop database if exists ${sql(name)} with (force)`) };
    },
    async stop() {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return (stdout ?? '')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid && child ? [child] : []));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Of a dead one whose parent has not asked for it yet, only the name is left.
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}

/** What one trial stands on: a database with a mailing that is due, a sink, and a proxy between engines and the database. */
export type Ground = {
  sql: postgres.Sql;
  sink: Sink;
  proxy: DatabaseProxy;
  recipients: number;
  mailingId: number;
  ownerId: number;
  /** For engines: through the proxy. */
  settings: Record<string, string>;
  /** For commands that look: straight to the database. */
  directSettings: Record<string, string>;
  close(): Promise<void>;
};

/** Engines lose their lease after this long, by the database's clock: the least that settings allow. */
export const leaseSeconds = 5;

/** Lays the ground: `recipients` clients and one mailing to all of them, due since a minute. The sink is closed with it. */
export async function layGround(
  cluster: Cluster,
  sink: Sink,
  recipients: number,
  settings: Record<string, string> = {},
): Promise<Ground> {
  const database = await cluster.createDatabase();
  const url = (port: number) => {
    const to = new URL(cluster.adminUrl());
    to.pathname = `/${database.name}`;
    to.port = String(port);
    return to.href;
  };
  const sql = postgres(url(cluster.port()), { max: 2, onnotice: () => {}, connection: { TimeZone: 'UTC' } });
  const proxy = await startDatabaseProxy(cluster.port());
  const { ownerId, mailingId } = await fill(sql, recipients);
  const common = {
    AUTH_SECRET: 'a secret of the trials, long enough to be taken',
    APP_URL: 'https://mail.sender.test',
    EMAIL_FROM: 'mailroom@sender.test',
    SEND_LEASE_SECONDS: String(leaseSeconds),
    SEND_CONNECTIONS: '4',
    SEND_BATCH: '200',
    ...sink.settings,
    ...settings,
  };
  return {
    sql,
    sink,
    proxy,
    recipients,
    mailingId,
    ownerId,
    settings: { ...common, DATABASE_URL: url(proxy.port) },
    directSettings: { ...common, DATABASE_URL: url(cluster.port()) },
    async close() {
      await sql.end({ timeout: 1 });
      await proxy.close();
      await sink.close();
      await database.drop();
    },
  };
}

async function fill(sql: postgres.Sql, recipients: number) {
  const [user] = await sql<{ id: string }[]>`
    insert into users (email, email_key, name, password_hash, confirmed_at)
    values ('ada@sender.test', 'ada@sender.test', 'Ada Lovelace', 'none', now()) returning id`;
  const ownerId = Number(user?.id);
  const [message] = await sql<{ id: string }[]>`
    insert into messages (owner_id, subject, body)
    values (${ownerId}, 'News for {{ client.full_name }}', '<p>Hello {{ client.full_name }}</p>') returning id`;
  await sql`
    insert into clients (owner_id, email, email_key, full_name)
    select ${ownerId}, 'client' || n || '@clients.test', 'client' || n || '@clients.test', 'Client ' || n
    from generate_series(1, ${recipients}::int) as n order by n`;
  const startsAt = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000);
  const [mailing] = await sql<{ id: string }[]>`
    insert into mailings (owner_id, name, message_id, audience, periodicity, starts_local, zone, starts_at, next_slot_at)
    values (${ownerId}, 'Trial', ${Number(message?.id)}, 'all', 'once', ${startsAt.toISOString().slice(0, 16)}, 'UTC',
      ${startsAt.toISOString()}, ${startsAt.toISOString()}) returning id`;
  return { ownerId, mailingId: Number(mailing?.id) };
}
