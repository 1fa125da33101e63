import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../scripts/postgres.mjs';
import type { Reply, Value } from './upstash';

/** Whether this machine has a `redis-server`. Tests that need one say in their title that they are skipped where there is none. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
export const withoutRedis = hasRedis ? '' : ' [SKIPPED: there is no redis-server on the PATH]';

export type Redis = { run(command: string[]): Promise<Reply>; end(): Promise<void> };

/** A real Redis of the test's own, in memory, on a free port of this machine. */
export async function startRedis(): Promise<Redis> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mailroom-redis-'));
  const port = await freePort();
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const socket = await connected(port, () => child.exitCode !== null);
  const waiting: ((reply: Reply) => void)[] = [];
  let unread = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    for (let read = parse(unread, 0); read; read = parse(unread, 0)) {
      unread = unread.subarray(read.end);
      waiting.shift()?.(read.error === undefined ? { result: read.value } : { error: read.error });
    }
  });
  return {
    run: (command) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
        socket.write(`*${command.length}\r\n${words}`);
      }),
    end: async () => {
      socket.destroy();
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function connected(port: number, hasEnded: () => boolean): Promise<Socket> {
  for (let tries = 0; tries < 200 && !hasEnded(); tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return socket;
    await pause(25);
  }
  throw new Error('redis-server did not start');
}

type Read = { value: Value; error?: string; end: number };

/** One reply of RESP 2 at `from` (https://redis.io/docs/latest/develop/reference/protocol-spec); null while it is not all there. */
function parse(bytes: Buffer, from: number): Read | null {
  const lineEnd = bytes.indexOf('\r\n', from);
  if (lineEnd === -1) return null;
  const text = bytes.toString('utf8', from + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(bytes[from] ?? 0)) {
    case '+':
      return { value: text, end };
    case '-':
      return { value: null, error: text, end };
    case ':':
      return { value: Number(text), end };
    case '$': {
      const length = Number(text);
      if (length < 0) return { value: null, end };
      if (bytes.length < end + length + 2) return null;
      return { value: bytes.toString('utf8', end, end + length), end: end + length + 2 };
    }
    case '*': {
      const items: Value[] = [];
      let at = end;
      for (let left = Number(text); left > 0; left -= 1) {
        const item = parse(bytes, at);
        if (!item) return null;
        items.push(item.value);
        at = item.end;
      }
      return { value: items, end: at };
    }
    default:
      throw new Error(`Redis said ${text}`);
  }
}
