import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { db } from '@/db/client';
import { posts } from '@/db/schema';
import { debianProgram } from '../../scripts/debian.mjs';
import { freePort } from '../../scripts/postgres.mjs';
import { buildProduction } from '../../scripts/prepare.mjs';
import { endProcesses, mark, startServer, tail, waitForServer } from '../../scripts/processes.mjs';
import { createUser } from '../support/factories';
import { ask } from '../support/visit';
import { watchBusy } from './busy';
import { type Ground, type Measured, progress } from './ground';

/* The public pages of the production build, with articles as they are, and what asks for them. */

export const editor = { email: 'editor@bench.test', password: 'a long and honest passphrase' };
/** The pages that are measured. */
export const pages = { blog: '/blog', post: '/blog/article-7' };

const paragraph = (at: number) =>
  `<p>Letter ${at}: a mailing that keeps its appointment is worth more than two that do not. Choose the hour at which your readers ` +
  'have time, say once what you have to say, and let everyone leave who wants to. The rest is patience, and a list that is kept clean.</p>';

export type Site = { base: string; port: number; pid: number };

/** The production build on the benchmark's database, with thirty articles of 6 KB. */
export async function startSite(ground: Ground): Promise<Site> {
  await buildProduction(progress, { ...process.env, AUTH_SECRET: undefined, DATABASE_URL: undefined });
  const writer = await createUser(db, { ...editor, isStaff: true });
  await db.insert(posts).values(
    Array.from({ length: 30 }, (_, at) => ({
      title: `How to write letter number ${at}`,
      slug: `article-${at}`,
      summary: 'What to say, when to say it, and to whom; with examples that were really sent.',
      body: Array.from({ length: 18 }, (_, line) => paragraph(line)).join(''),
      status: 'published' as const,
      publishedAt: new Date(Date.UTC(2026, 0, 1 + at)),
      authorId: writer.id,
    })),
  );
  return serve(ground);
}

/** The production build, which has to be there, on a free port; `settings` beside those of this process. */
export async function serve(ground: Ground, settings: Record<string, string> = {}): Promise<Site> {
  const directory = mkdtempSync(path.join(tmpdir(), 'mailroom-bench-site-'));
  ground.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const logFile = path.join(directory, 'server.log');
  const env = {
    ...process.env,
    EMAIL_TRANSPORT: 'outbox',
    MAILROOM_DATA_DIR: directory,
    PORT: String(port),
    ...settings,
  };
  const server = startServer({ port, env, logFile });
  const one = mark(server);
  ground.atEnd(() => endProcesses([one]));
  if (!(await waitForServer(port, () => server.exitCode !== null)))
    throw new Error(`The server did not start.\n${tail(logFile)}`);
  return { base: `http://localhost:${port}`, port, pid: one.pid };
}

/** Milliseconds to the first byte of an answer, counted from when it was due. Fails on any answer but 200. */
export function firstByte(url: string, cookie: string, agent: http.Agent, due: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, headers: { cookie }, timeout: 30_000 }, (response) => {
      let first = Number.NaN;
      response.once('data', () => {
        first = performance.now() - due;
      });
      response.on('data', () => {});
      response.once('error', reject);
      response.once('end', () =>
        response.statusCode === 200
          ? resolve(first)
          : reject(new Error(`${url} answered ${response.statusCode}`)),
      );
    });
    request.once('timeout', () => request.destroy(new Error(`${url} did not answer`)));
    request.once('error', reject);
  });
}

/** A page as everybody gets it, kept from now on. */
export async function warm(base: string, page: string): Promise<string> {
  await ask(base, page);
  const { status, body } = await ask(base, page);
  if (status !== 200) throw new Error(`${page} answered ${status}`);
  return body;
}

/** A program of Debian's, or a note that there is none. */
export function borrow(ground: Ground, name: string, packageName: string): string | null {
  const directory = mkdtempSync(path.join(tmpdir(), 'mailroom-bench-tools-'));
  ground.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const { program, missing } = debianProgram(name, packageName, directory);
  if (program === undefined) ground.note(`skipped: ${missing}`);
  return program ?? null;
}

/** Answers a second that `wrk` gets over 32 connections, and which cores were busy. Fails on any answer but 200, and on one later than 10 s. */
export async function pagesASecond(
  wrk: string,
  url: string,
  seconds: number,
  pids: { name: string; pid: number; withChildren?: boolean }[],
): Promise<Measured> {
  const readBusy = watchBusy(pids);
  const child = spawn(wrk, ['-t1', '-c32', '-T10s', `-d${seconds}s`, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  const busy = readBusy();
  const value = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
  if (!(value > 0) || /Non-2xx|Socket errors/.test(output)) throw new Error(`wrk on ${url}: ${output}`);
  return { value, busy };
}

export const secondsOf = (ground: Ground) => Math.max(2, Math.round(ground.letters / 2000));
