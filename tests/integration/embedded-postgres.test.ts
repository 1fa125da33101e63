import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import { ensurePostgres, findPostgres, stopPostgres } from '@/scripts/postgres.mjs';

const root = path.join(import.meta.dirname, '..', '..');
const dataDir = mkdtempSync(path.join(tmpdir(), 'mailroom-embedded-'));
const pidFile = path.join(dataDir, 'postgres', 'cluster', 'postmaster.pid');

afterAll(async () => {
  await stopPostgres(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
});

/** Starts it from another process, as a second terminal would. */
function startElsewhere(): Promise<{ pid: number; port: number; started: boolean }> {
  const script = `
    const { ensurePostgres } = await import(${JSON.stringify(path.join(root, 'scripts', 'postgres.mjs'))});
    const { pid, port, started } = await ensurePostgres({ dataDir: ${JSON.stringify(dataDir)} });
    console.log(JSON.stringify({ pid, port, started }));`;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], { cwd: root }, (error, out, said) =>
      error ? reject(new Error(said)) : resolve(JSON.parse(out)),
    );
  });
}

async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  while (findPostgres(dataDir) === pid) await pause(20);
}

test('several first starts at once end with one server', async () => {
  const all = await Promise.all([startElsewhere(), startElsewhere(), startElsewhere()]);
  expect(new Set(all.map(({ pid }) => pid)).size).toBe(1);
  expect(all.filter(({ started }) => started)).toHaveLength(1);
}, 60_000);

test('it listens on this machine only, and its password is readable by its owner only', async () => {
  const { url } = await ensurePostgres({ dataDir });
  const sql = postgres(url, { max: 1 });
  const [row] =
    await sql`select current_setting('listen_addresses') as on, current_setting('unix_socket_directories') as sockets`;
  await sql.end();
  expect(row).toEqual({ on: '127.0.0.1', sockets: '' });
  expect(statSync(path.join(dataDir, 'postgres', 'password')).mode & 0o077).toBe(0);
  const stranger = postgres(url.replace(/:[^:@/]+@/, ':wrong@'), { max: 1 });
  await expect(stranger`select 1`).rejects.toMatchObject({ code: '28P01' });
  await stranger.end();
});

test('after kill -9 nothing that was committed is lost, and the address stays the same', async () => {
  const before = await ensurePostgres({ dataDir });
  const sql = postgres(before.url, { max: 1 });
  await sql`create table kept (n int)`;
  await sql`insert into kept select generate_series(1, 1000)`;
  await sql.end();
  await kill(before.pid);
  const after = await ensurePostgres({ dataDir });
  expect(after).toMatchObject({ started: true, port: before.port, url: before.url });
  const again = postgres(after.url, { max: 1 });
  const [row] = await again`select count(*)::int as n from kept`;
  await again.end();
  expect(row?.n).toBe(1000);
}, 60_000);

test('a pid file that names another program is cleared away', async () => {
  const { pid } = await ensurePostgres({ dataDir });
  const lines = readFileSync(pidFile, 'utf8').split('\n');
  await kill(pid);
  const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
  writeFileSync(pidFile, [String(stranger.pid), ...lines.slice(1)].join('\n'));
  const all = await Promise.all([startElsewhere(), startElsewhere()]);
  stranger.kill();
  expect(new Set(all.map((one) => one.pid)).size).toBe(1);
  expect(all[0]?.pid).not.toBe(stranger.pid);
}, 60_000);

test('a start that was killed half-way is in nobody’s way', async () => {
  await stopPostgres(dataDir);
  expect(findPostgres(dataDir)).toBe(null);
  // A lock whose process is gone.
  writeFileSync(path.join(dataDir, 'postgres.lock'), '999999999 1 gone');
  const { started } = await startElsewhere();
  expect(started).toBe(true);
  expect(existsSync(path.join(dataDir, 'postgres.lock'))).toBe(false);
}, 60_000);
