import { createServer } from 'node:http';
import { listen } from './listen';
import type { Redis } from './redis';

/** What the server does with a request: count as Redis would, after `delayMs`; or one of the ways to be ill. */
export type Behaviour =
  | { kind: 'count'; delayMs?: number }
  | { kind: 'hang' }
  | { kind: 'cut' }
  | { kind: 'answer'; status: number; body: string };

type Command = (string | number)[];
export type Value = string | number | null | Value[];
export type Reply = { result: Value } | { error: string };

/** Texts travel in base64, as the client asks for; only OK does not. */
function inBase64(reply: Reply | Reply[]): unknown {
  const encode = (value: Value): Value => {
    if (Array.isArray(value)) return value.map(encode);
    return typeof value === 'string' && value !== 'OK' ? Buffer.from(value).toString('base64') : value;
  };
  if (Array.isArray(reply)) return reply.map(inBase64);
  return 'result' in reply ? { result: encode(reply.result) } : reply;
}

type Stored = string | Map<string, string> | Set<string>;

/**
 * A server that speaks as much of Upstash's REST API as counting in fixed windows and counting views need, or, with a Redis behind it,
 * whatever that understands; and with a switch for each way it may be ill. `counts` are the windows, `stored` all other keys, `asked`
 * how many requests it has seen; `refuses` names a command that is not carried out any more, as if whoever sent it had died just then.
 * Keys that expire do so by `forget`.
 */
export async function startUpstash(redis?: Redis) {
  const counts = new Map<string, number>();
  const stored = new Map<string, Stored>();
  const state = { behaviour: { kind: 'count' } as Behaviour, asked: 0, refuses: null as string | null };
  const server = createServer((request, response) => {
    state.asked += 1;
    let text = '';
    request.on('data', (chunk) => {
      text += String(chunk);
    });
    request.on('end', () => {
      const { behaviour } = state;
      if (behaviour.kind === 'hang') return;
      if (behaviour.kind === 'cut') {
        request.socket.destroy();
        return;
      }
      if (behaviour.kind === 'answer') {
        response.writeHead(behaviour.status, { 'content-type': 'application/json' }).end(behaviour.body);
        return;
      }
      setTimeout(() => {
        void answerTo(JSON.parse(text) as Command | Command[]).then((answer) =>
          response
            .writeHead(request.headers.authorization === 'Bearer a token' ? 200 : 401, {
              'content-type': 'application/json',
            })
            .end(
              JSON.stringify(request.headers['upstash-encoding'] === 'base64' ? inBase64(answer) : answer),
            ),
        );
      }, behaviour.delayMs ?? 0);
    });
  });

  /** One command, or a pipeline of them. */
  const answerTo = async (asked: Command | Command[]): Promise<Reply | Reply[]> =>
    asked.map((command) => Array.isArray(command)).includes(true)
      ? Promise.all((asked as Command[]).map(carryOut))
      : carryOut(asked as Command);

  async function carryOut(command: Command): Promise<Reply> {
    const [name = '', ...args] = command.map(String);
    if (state.refuses === name.toLowerCase()) return { error: 'ERR not now' };
    if (redis) return redis.run([name, ...args]);
    return name.toLowerCase().startsWith('eval') ? count([name, ...args]) : keep(name.toLowerCase(), args);
  }

  /** The commands of Redis that are used by name. */
  function keep(name: string, [key = '', ...args]: string[]): Reply {
    const there = stored.get(key);
    const hash = there instanceof Map ? there : new Map<string, string>();
    const set = there instanceof Set ? there : new Set<string>();
    const [first = '', second = ''] = args;
    switch (name) {
      case 'exists':
        return { result: stored.has(key) ? 1 : 0 };
      case 'set':
        if (args.map((arg) => arg.toLowerCase()).includes('nx') && stored.has(key)) return { result: null };
        stored.set(key, first);
        return { result: 'OK' };
      case 'hincrby': {
        const value = Number(hash.get(first) ?? 0) + Number(second);
        stored.set(key, hash.set(first, String(value)));
        return { result: value };
      }
      case 'hget':
        return { result: hash.get(first) ?? null };
      case 'hgetall':
        return { result: [...hash].flat() };
      case 'sadd':
        stored.set(key, set.add(first));
        return { result: 1 };
      case 'smembers':
        return { result: [...set] };
      case 'srem':
        set.delete(first);
        if (set.size === 0) stored.delete(key);
        return { result: 1 };
      case 'del':
        return { result: stored.delete(key) ? 1 : 0 };
      case 'rename':
        if (there === undefined) return { error: 'ERR no such key' };
        stored.delete(key);
        stored.set(first, there);
        return { result: 'OK' };
      default:
        return { error: `ERR unknown command '${name}'` };
    }
  }

  /** INCRBY of the library's script: `evalsha sha 1 key tokens window increment`. */
  function count([command, , , key = '', tokens, , increment]: string[]): Reply {
    if (command?.toLowerCase() === 'evalsha' && !counts.has('loaded')) {
      counts.set('loaded', 1);
      return { error: 'NOSCRIPT No matching script. Please use EVAL.' };
    }
    const used = (counts.get(key) ?? 0) + Number(increment);
    counts.set(key, used);
    return { result: [used, Number(tokens)] };
  }

  const { base } = await listen(server);
  return {
    url: base,
    counts,
    stored,
    state,
    forget: (prefix: string) => {
      for (const key of stored.keys()) if (key.startsWith(prefix)) stored.delete(key);
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
