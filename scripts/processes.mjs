// Children of `up` and of the tests: started, waited for, ended, and found again after their parent was killed.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { birth, isAlive } from './lock.mjs';
import { root } from './prepare.mjs';

/** The production server on a port of localhost. */
export function startServer({ port, env, logFile }) {
  // `-H localhost`: a rewrite on a server bound to 127.0.0.1 would be proxied to itself.
  return start(
    [
      path.join(root, 'node_modules', 'next', 'dist', 'bin', 'next'),
      'start',
      '-H',
      'localhost',
      '-p',
      String(port),
    ],
    { ...env, NODE_ENV: 'production', PORT: String(port), NEXT_TELEMETRY_DISABLED: '1' },
    logFile,
  );
}

/** The worker that sends what is due. */
export function startWorker({ env, logFile }) {
  return start(
    ['--import', 'tsx', path.join(root, 'lib', 'cli', 'main.ts'), 'work'],
    { ...env, NODE_ENV: 'production' },
    logFile,
  );
}

/** A process group of its own, so that Ctrl-C reaches the parent alone and it can end things in their order. */
function start(args, env, logFile) {
  if ((fs.statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > 10_000_000) fs.rmSync(logFile);
  const log = fs.openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, args, {
    cwd: root,
    env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  fs.closeSync(log);
  return child;
}

/** What finds a process again after its parent is gone. */
export function mark(child) {
  return { pid: child.pid, birth: birth(child.pid) };
}

/** Asks processes to end, and makes them after `seconds`. */
export async function endProcesses(marks, seconds = 10) {
  for (const one of marks) if (isAlive(one)) signal(one.pid, 'SIGTERM');
  for (let tick = 0; tick < seconds * 20; tick += 1) {
    if (!marks.some(isAlive)) return;
    await pause(50);
  }
  for (const one of marks) if (isAlive(one)) signal(one.pid, 'SIGKILL');
  for (let tick = 0; tick < 40 && marks.some(isAlive); tick += 1) await pause(50);
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself in between.
  }
}

/** Waits until the server answers; false when `isOver` says that there is nothing to wait for, or time is up. */
export async function waitForServer(port, isOver, seconds = 60) {
  for (let tick = 0; tick < seconds * 10; tick += 1) {
    if (isOver()) return false;
    const status = await ask(`http://localhost:${port}/api/health`);
    if (status !== null && status < 500) return true;
    await pause(100);
  }
  return false;
}

function ask(url) {
  return new Promise((resolve) => {
    const request = http.get(url, { timeout: 10_000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? null);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(null));
  });
}

/** Whether somebody listens on a port of this machine. */
export async function isPortTaken(port) {
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => connects(host, port)));
  return answers.includes(true);
}

function connects(host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 2000 });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    for (const event of ['error', 'timeout'])
      socket.once(event, () => {
        socket.destroy();
        resolve(false);
      });
  });
}

/** The last lines of a log. */
export function tail(file, lines = 20) {
  try {
    return fs.readFileSync(file, 'utf8').trim().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
