import http from 'node:http';
import https from 'node:https';
import { z } from 'zod';

/** Runs Redis commands in their order, in one request; answers their results, or throws when `ms` are over or one of them fails. */
export type Ask = (commands: string[][], ms: number) => Promise<unknown[]>;

const answersSchema = z.array(z.object({ result: z.unknown(), error: z.string().optional() }));
const answerOctetsMax = 8 * 1024 * 1024;

/**
 * Upstash's REST API (https://upstash.com/docs/redis/features/restapi, `/pipeline`). Not with `fetch`: Next's own would make every page
 * that asks a dynamic one.
 */
export function createUpstash({ url, token }: { url: string; token: string }): Ask {
  const address = new URL(`${url.replace(/\/+$/, '')}/pipeline`);
  const client = address.protocol === 'https:' ? https : http;
  const agent = new client.Agent({ keepAlive: true, maxSockets: 32 });
  return async (commands, ms) => {
    const body = JSON.stringify(commands);
    const until = performance.now() + ms;
    const left = () => Math.max(1, until - performance.now());
    const answers = await post(address, client, agent, token, body, left()).catch((error) => {
      // A connection that was kept may have been closed at the other end meanwhile; every command may come twice.
      if (error instanceof ClosedMeanwhile) return post(address, client, agent, token, body, left());
      throw error;
    });
    const refused = answers.find(({ error }) => error !== undefined)?.error;
    if (refused !== undefined || answers.length !== commands.length)
      throw new Error(`refused: ${refused ?? 'not every command'}`);
    return answers.map(({ result }) => result);
  };
}

class ClosedMeanwhile extends Error {}

function post(
  address: URL,
  client: typeof http | typeof https,
  agent: http.Agent,
  token: string,
  body: string,
  ms: number,
): Promise<z.output<typeof answersSchema>> {
  return new Promise((resolve, reject) => {
    const request = client.request(address, {
      method: 'POST',
      agent,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    const timer = setTimeout(() => fail(new Error('no answer in time')), ms);
    const fail = (error: Error) => {
      clearTimeout(timer);
      request.destroy();
      reject(error);
    };
    request.on('error', (error: NodeJS.ErrnoException) =>
      fail(request.reusedSocket && error.code === 'ECONNRESET' ? new ClosedMeanwhile() : error),
    );
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let octets = 0;
      response.on('data', (chunk: Buffer) => {
        octets += chunk.length;
        if (octets > answerOctetsMax) fail(new Error('an answer that is too long'));
        else chunks.push(chunk);
      });
      response.once('error', fail);
      response.once('end', () => {
        clearTimeout(timer);
        try {
          if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
          const answers = answersSchema.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
          if (!answers.success) throw new Error('an answer that makes no sense');
          resolve(answers.data);
        } catch (error) {
          reject(error);
        }
      });
    });
    request.end(body);
  });
}
