// Locks between processes: a file that says who holds it. A holder that was killed is recognised by its process, not by age.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Takes the lock, or names the live process that holds it. */
export function tryLock(file) {
  for (;;) {
    const mine = `${process.pid} ${birth(process.pid)} ${randomBytes(6).toString('hex')}`;
    try {
      fs.writeFileSync(file, mine, { flag: 'wx', mode: 0o600 });
      return {
        holder: null,
        release() {
          if (read(file) === mine) fs.rmSync(file, { force: true });
        },
      };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const held = read(file);
    const [pid, born] = held.split(' ');
    if (held && isAlive({ pid: Number(pid), birth: born })) return { holder: Number(pid), release() {} };
    // A file without content is a lock that is just being taken, unless it stays that way.
    const age = Date.now() - (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (!held && age < 2000) return { holder: -1, release() {} };
    takeAway(file, held);
  }
}

/** Waits for the lock; answers how to release it. */
export async function lock(file, limitMs) {
  const limit = Date.now() + limitMs;
  for (;;) {
    const taken = tryLock(file);
    if (taken.holder === null) return taken.release;
    if (Date.now() > limit)
      throw new Error(
        `Process ${taken.holder} holds ${file} and has not come to an end. End it and start again.`,
      );
    await pause(50);
  }
}

/** Whether this very process is alive: pids are used again, so the time it began has to be the same. */
export function isAlive({ pid, birth: born }) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return birth(pid) === born;
}

/** When a process began, as a word to compare; `-` where the system does not tell or the process is gone. */
export function birth(pid) {
  if (process.platform === 'win32') return '-';
  if (process.platform !== 'linux')
    return (
      (spawnSync('ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8' }).stdout ?? '')
        .trim()
        .replaceAll(' ', '_') || '-'
    );
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended; only its parent has not looked yet.
  return stat && fields[0] !== 'Z' ? (fields[19] ?? '-') : '-';
}

/** Removes a dead holder's lock. Whoever finds a different one in hand was overtaken, and puts it back. */
function takeAway(file, held) {
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    fs.renameSync(file, aside);
  } catch {
    return;
  }
  if (read(aside) !== held) {
    try {
      fs.linkSync(aside, file);
    } catch {
      // The overtaker has already lost it to a third one.
    }
  }
  fs.rmSync(aside, { force: true });
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
