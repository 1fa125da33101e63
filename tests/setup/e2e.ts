import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { ensurePostgres, freePort } from '../../scripts/postgres.mjs';
import {
  endProcesses,
  mark,
  startServer,
  startWorker,
  tail,
  waitForServer,
} from '../../scripts/processes.mjs';
import { cloneDatabase } from '../support/database';
import { payloads } from '../support/hostile-payloads';

/**
 * What the browser tests run against: the production build with its worker, a PostgreSQL of their own, and a real SMTP server
 * that keeps what it gets in a folder (`tests/support/letters.ts` reads it). All of it ends with the run.
 */
export default async function setup() {
  const directory = mkdtempSync(path.join(tmpdir(), `mailroom-e2e-${process.pid}-`));
  const lettersDir = path.join(directory, 'letters');
  mkdirSync(lettersDir);
  const endings: (() => Promise<unknown>)[] = [];
  const teardown = async () => {
    for (const end of endings.reverse()) await end();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const postgres = await ensurePostgres({
      dataDir: directory,
      database: 'mailroom_template',
      settings: { fsync: 'off' },
    });
    endings.push(() => postgres.stop());
    await migrateDatabase(postgres.url);
    const maintenance = new URL(postgres.url);
    maintenance.pathname = '/postgres';
    const database = await cloneDatabase(maintenance.href);
    const smtpPort = await freePort();
    const sink = startSink(lettersDir);
    await new Promise<void>((resolve) => sink.listen(smtpPort, '127.0.0.1', resolve));
    endings.push(() => new Promise<void>((resolve) => sink.close(resolve)));

    const port = Number(process.env.E2E_PORT);
    const env: Record<string, string | undefined> = {
      ...process.env,
      PORT: String(port),
      DATABASE_URL: database.url,
      MAILROOM_DATA_DIR: directory,
      AUTH_SECRET: 'a secret of the browser tests, long enough to be taken',
      CRON_SECRET: 'a cron secret of the browser tests',
      EMAIL_TRANSPORT: 'smtp',
      EMAIL_FROM: 'mailroom@sender.test',
      SMTP_URL: `smtp://127.0.0.1:${smtpPort}?tls=off`,
      SEND_RETRY_BASE_SECONDS: '1',
    };
    const serverLog = path.join(directory, 'server.log');
    const server = startServer({ port, env, logFile: serverLog });
    const worker = startWorker({ env, logFile: path.join(directory, 'worker.log') });
    const marks = [mark(server), mark(worker)];
    endings.push(() => endProcesses(marks));
    if (!(await waitForServer(port, () => server.exitCode !== null)))
      throw new Error(`The server did not start. Has it been built (npm run build)?\n${tail(serverLog)}`);
    process.env.E2E_LETTERS = lettersDir;
    process.env.E2E_DATABASE_URL = database.url;
    process.env.E2E_CRON_SECRET = env.CRON_SECRET;
    // For processes a test starts itself: the same settings as the server's.
    const settings = Object.entries(env).filter(([name]) =>
      /^(DATABASE_URL|AUTH_|EMAIL_|SMTP_|SEND_|PORT$)/.test(name),
    );
    process.env.E2E_SETTINGS = JSON.stringify(Object.fromEntries(settings));
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/**
 * Takes every letter and keeps it, one file each. What stands before the @ of a recipient chooses what the server says to it:
 * `nobody` is refused for good, `full` and, for now, `busy` the first time only, `slow` is taken after a while, `hostile-3` is refused with what the list
 * of hostile payloads says at 3.
 */
function startSink(folder: string): SMTPServer {
  let count = 0;
  const refusedOnce = new Set<string>();
  return new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onRcptTo(address, _session, done) {
      const name = address.address.split('@')[0] ?? '';
      if (name.startsWith('nobody')) return done(reply(550, '5.1.1 User unknown'));
      const hostile = /^hostile-(\d+)/.exec(name);
      if (hostile) return done(reply(550, `5.1.1 ${payloads[Number(hostile[1])]}`));
      if (name.startsWith('busy') && !refusedOnce.has(address.address)) {
        refusedOnce.add(address.address);
        return done(reply(451, '4.7.1 Greylisted, come back later'));
      }
      if (name.startsWith('full') && !refusedOnce.has(address.address)) {
        refusedOnce.add(address.address);
        return done(reply(552, '5.2.2 Mailbox full'));
      }
      done();
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        count += 1;
        const name = String(count).padStart(6, '0');
        const to = session.envelope.rcptTo.map(({ address }) => address);
        const file = path.join(folder, `${name}.json`);
        writeFileSync(`${file}.part`, JSON.stringify({ to, raw: Buffer.concat(chunks).toString('base64') }));
        renameSync(`${file}.part`, file);
        const answer = () => done(null, `2.0.0 Ok: queued as E2E${name}`);
        if (to.some((address) => address.startsWith('slow'))) setTimeout(answer, 1000);
        else answer();
      });
    },
  });
}

function reply(code: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode: code });
}
