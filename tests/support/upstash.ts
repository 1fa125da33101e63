import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with a request: count as Redis would, after `delayMs`; or one of the ways to be ill. */
export type Behaviour =
  | { kind: 'count'; delayMs?: number }
  | { kind: 'hang' }
  | { kind: 'cut' }
  | { kind: 'answer'; status: number; body: string };

/**
 * A server that speaks as much of Upstash's REST API as counting in fixed windows needs, with a switch for each way it may be
 * ill. `counts` are its keys, `asked` how many requests it has seen.
 */
export async function startUpstash() {
  const counts = new Map<string, number>();
  const state = { behaviour: { kind: 'count' } as Behaviour, asked: 0 };
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
        response
          .writeHead(request.headers.authorization === 'Bearer a token' ? 200 : 401, {
            'content-type': 'application/json',
          })
          .end(JSON.stringify(answerTo(JSON.parse(text) as string[] | string[][])));
      }, behaviour.delayMs ?? 0);
    });
  });

  /** One command, or a pipeline of them. */
  const answerTo = (asked: string[] | string[][]) =>
    asked.map((command) => Array.isArray(command)).includes(true)
      ? (asked as string[][]).map(count)
      : count(asked as string[]);

  /** INCRBY of the library's script: `evalsha sha 1 key tokens window increment`. */
  function count([command, , , key = '', tokens, , increment]: string[]) {
    if (command?.toLowerCase() === 'evalsha' && !counts.has('loaded')) {
      counts.set('loaded', 1);
      return { error: 'NOSCRIPT No matching script. Please use EVAL.' };
    }
    const used = (counts.get(key) ?? 0) + Number(increment);
    counts.set(key, used);
    return { result: [used, Number(tokens)] };
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    state,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
