// `npm run up`: from a bare clone to a running Mailroom. Plain Node; nothing is installed when it starts.
import './node-version.mjs';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { birth, isAlive, tryLock } from './lock.mjs';
import { buildProduction, capture, installPackages, root, Trouble } from './prepare.mjs';
import {
  endProcesses,
  isPortTaken,
  mark,
  startServer,
  startWorker,
  tail,
  waitForServer,
} from './processes.mjs';
import { ensureSecrets, loadEnvFiles, readUpNote, writeUpNote } from './secrets.mjs';

const say = (line) => console.log(line);
const children = new Map();
let postgres = null;
let stopping = false;
let noted = {};

try {
  await up(readArguments());
} catch (error) {
  const name = error?.constructor?.name;
  console.error(name === 'Trouble' || name === 'PostgresError' ? `\n${error.message}` : error);
  await shutDown(1);
}

function readArguments() {
  try {
    const { values } = parseArgs({ options: { empty: { type: 'boolean' }, help: { type: 'boolean' } } });
    if (!values.help) return values;
    say('npm run up               install what is missing, build, and serve Mailroom with its worker');
    say('npm run up -- --empty    the same without demo data');
    process.exit(0);
  } catch (error) {
    console.error(`${error.message}\nUsage: npm run up [-- --empty]`);
    process.exit(2);
  }
}

async function up({ empty }) {
  loadEnvFiles(root);
  const dataDir = path.resolve(root, process.env.MAILROOM_DATA_DIR || '.data');
  const port = readPort();
  makeDataDir(dataDir);
  const held = tryLock(path.join(dataDir, 'up.lock'));
  if (held.holder !== null) {
    const note = readUpNote(dataDir);
    const isServing = note !== null && note.pid === held.holder && birth(note.pid) === note.birth;
    say(
      isServing
        ? `Mailroom runs already: ${note.url} (process ${note.pid}). Stop that one with Ctrl-C before you start another on ${dataDir}.`
        : `Mailroom is being started already, by process ${held.holder}.`,
    );
    return process.exit(0);
  }
  listenForTheEnd(held.release);
  await endOrphans(dataDir);
  if (await isPortTaken(port))
    throw new Trouble(
      `Port ${port} is taken by another program. Stop it, or choose another port: PORT=${port + 1} npm run up`,
    );

  await installPackages(say);
  const env = await openEnvironment(dataDir, port);
  const hasDemo = await loadDemo(dataDir, env, empty === true);
  await buildProduction(say, env);

  keepRunning(dataDir, 'server', () => startServer({ port, env, logFile: logOf(dataDir, 'server') }));
  const answers = await waitForServer(port, () => stopping || children.get('server')?.failures > 2);
  if (stopping) return;
  if (!answers)
    throw new Trouble(`The server did not start. Its log says:\n${tail(logOf(dataDir, 'server'))}`);
  keepRunning(dataDir, 'worker', () => startWorker({ env, logFile: logOf(dataDir, 'worker') }));
  await refreshPages(port);
  const url = env.APP_URL ?? `http://localhost:${port}`;
  noteRunning(dataDir, port, url);
  welcome({ dataDir, url, port, env, hasDemo });
  await watch(dataDir);
}

function readPort() {
  const port = Number(process.env.PORT || 3000);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Trouble(`PORT has to be a whole number from 1 to 65535; it is ${process.env.PORT}.`);
  return port;
}

function makeDataDir(dataDir) {
  try {
    fs.mkdirSync(dataDir, { recursive: true });
    fs.accessSync(dataDir, fs.constants.W_OK);
  } catch (error) {
    throw new Trouble(
      `Can not write to ${dataDir}: ${error.message}. Set MAILROOM_DATA_DIR to a directory you may write to.`,
    );
  }
}

/** Server and worker of an `up` that was killed: they would hold the port and send with old code. */
async function endOrphans(dataDir) {
  const orphans = (readUpNote(dataDir)?.children ?? []).filter(isAlive);
  if (orphans.length === 0) return;
  say('Ending what an earlier start left behind …');
  await endProcesses(orphans);
}

/** The settings of server and worker: what the environment says, completed by what this data directory keeps. */
async function openEnvironment(dataDir, port) {
  const secrets = ensureSecrets(dataDir);
  const env = {
    ...process.env,
    PORT: String(port),
    MAILROOM_DATA_DIR: dataDir,
    AUTH_SECRET: process.env.AUTH_SECRET || secrets.AUTH_SECRET,
    CRON_SECRET: process.env.CRON_SECRET || secrets.CRON_SECRET,
    EMAIL_TRANSPORT: process.env.EMAIL_TRANSPORT || 'outbox',
    NODE_ENV: 'production',
  };
  // What npm sets for its own run is no setting of ours.
  for (const name of Object.keys(env)) if (/^npm_|^INIT_CWD$/i.test(name)) delete env[name];
  if (!env.DATABASE_URL) {
    const { ensurePostgres } = await import('./postgres.mjs');
    postgres = await ensurePostgres({ dataDir, log: say });
    env.DATABASE_URL = postgres.url;
  }
  // The command line also checks every setting, and says which one is wrong.
  await mailroom(['db', 'migrate'], env);
  return env;
}

/** Demo data goes into the embedded database, at its first start, where nothing can leave, and where nobody has an account yet. */
async function loadDemo(dataDir, env, empty) {
  const marker = path.join(dataDir, 'first-start');
  const has = (await query(env.DATABASE_URL, `select 1 from facts where name = 'demo_data'`)).length > 0;
  if (has || fs.existsSync(marker)) {
    if (has && empty)
      say(
        `This data directory has demo data. To start clean, stop Mailroom, remove ${dataDir} and start again with --empty.`,
      );
    return has;
  }
  const isWanted = !empty && postgres !== null && env.EMAIL_TRANSPORT === 'outbox';
  const isFresh = (await query(env.DATABASE_URL, 'select 1 from users limit 1')).length === 0;
  if (isWanted && isFresh) {
    say('Loading demo data …');
    await mailroom(['db', 'seed'], env);
  }
  fs.writeFileSync(marker, `${new Date().toISOString()}\n`);
  return isWanted && isFresh;
}

async function mailroom(args, env) {
  const { code, output } = await capture(
    process.execPath,
    ['--import', 'tsx', path.join('lib', 'cli', 'main.ts'), ...args],
    env,
  );
  if (code !== 0) throw new Trouble(output.trim());
}

async function query(url, text) {
  const { default: connect } = await import('postgres');
  const sql = connect(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function logOf(dataDir, name) {
  return path.join(dataDir, `${name}.log`);
}

/** Starts a child and starts it again when it dies, later and later. */
function keepRunning(dataDir, name, startChild) {
  const state = { failures: 0, mark: null, child: null };
  children.set(name, state);
  const launch = () => {
    if (stopping) return;
    const began = Date.now();
    const child = startChild();
    state.child = child;
    state.mark = mark(child);
    noteRunning(dataDir);
    child.once('exit', (code, signal) => {
      if (stopping) return;
      state.failures = Date.now() - began > 60_000 ? 1 : state.failures + 1;
      const seconds = Math.min(30, 2 ** (state.failures - 1));
      console.error(
        `The ${name} ended (${signal ?? `code ${code}`}); starting it again in ${seconds} s. Its log: ${logOf(dataDir, name)}`,
      );
      setTimeout(launch, seconds * 1000);
    });
  };
  launch();
}

/** Keeps what the next start, the command line and a second `up` have to know. */
function noteRunning(dataDir, port = noted.port, url = noted.url) {
  noted = { port, url };
  writeUpNote(dataDir, {
    pid: process.pid,
    birth: birth(process.pid),
    port: port ?? readPort(),
    url: url ?? `http://localhost:${port ?? readPort()}`,
    children: [...children.values()].map((state) => state.mark).filter(Boolean),
  });
}

/**
 * The public pages were built without a database, or kept by an earlier server: the first visit is still shown the old page and
 * has it made anew. These visits are ours.
 */
async function refreshPages(port) {
  for (const page of ['/', '/ru', '/en', '/blog', '/ru/blog', '/en/blog'])
    await fetch(`http://localhost:${port}${page}`, { signal: AbortSignal.timeout(20_000) })
      .then((answer) => answer.text())
      .catch(() => {});
}

function welcome({ dataDir, url, env, hasDemo }) {
  const mail = {
    outbox: `kept in the outbox, nothing leaves this machine: ${url}/outbox`,
    smtp: `sent by SMTP through ${smtpHost(env)}`,
    resend: 'sent by Resend',
  };
  say('');
  say(`  Mailroom is open:  ${url}`);
  say(`  По-русски:         ${url}${env.DEFAULT_LOCALE === 'ru' ? '' : '/ru'}`);
  say(`  Mail is            ${mail[env.EMAIL_TRANSPORT] ?? env.EMAIL_TRANSPORT}`);
  if (hasDemo) {
    say('');
    say('  Demo sign-ins (from this machine only):');
    for (const { role, email, password } of demoUsers())
      say(`    ${role.padEnd(8)} ${email.padEnd(24)} ${password}`);
  }
  say('');
  say(`  Data and logs:     ${path.relative(root, dataDir) || dataDir}`);
  say('  Ctrl-C stops it.');
  say('');
}

/** As `db/seed.ts` makes them; read from there as text, since this file runs without a compiler. */
function demoUsers() {
  const source = fs.readFileSync(path.join(root, 'db', 'seed.ts'), 'utf8');
  const rows = source.matchAll(/role: '(\w+)',\s*email: '([^']+)',\s*password: '([^']+)'/g);
  return [...rows].map(([, role, email, password]) => ({ role, email, password }));
}

function smtpHost(env) {
  return env.SMTP_URL && URL.canParse(env.SMTP_URL) ? new URL(env.SMTP_URL).host : env.SMTP_HOST;
}

/** Until the end: the embedded database is started again when it died, on the port that the others know. */
async function watch(dataDir) {
  const parents = npmAbove();
  const { ensurePostgres } = await import('./postgres.mjs');
  while (!stopping) {
    await pause(1000);
    // npm was ended without telling us.
    if (npmAbove() !== parents) return shutDown(0);
    if (!postgres || stopping || isRunning(postgres.pid)) continue;
    console.error('The database ended; starting it again.');
    try {
      postgres = await ensurePostgres({ dataDir, log: say });
    } catch (error) {
      console.error(error.message);
      await pause(5000);
    }
  }
}

/** The shell and the npm that started us; they change when one of them is gone. Nothing where nobody is to be watched. */
function npmAbove() {
  if (process.env.npm_lifecycle_event !== 'up') return '';
  const { ppid } = process;
  const above =
    process.platform === 'linux' ? tail(`/proc/${ppid}/status`, 100).match(/^PPid:\s*(\d+)/m)?.[1] : '';
  return `${ppid} ${above}`;
}

function isRunning(pid) {
  return birth(pid) !== '-';
}

function listenForTheEnd(release) {
  process.on('exit', release);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      if (!stopping) say('\nStopping …');
      shutDown(0);
    });
}

/** First those that use the database, then the database. */
async function shutDown(code) {
  if (stopping) return;
  stopping = true;
  await endProcesses([...children.values()].map((state) => state.mark).filter(Boolean), 15);
  await postgres?.stop().catch((error) => console.error(error.message));
  process.exit(code);
}
