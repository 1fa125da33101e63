import http from 'node:http';
import https from 'node:https';
import { Redis } from '@upstash/redis';
import { z } from 'zod';
import { env } from '@/lib/env';
import { log } from '@/lib/log';

/*
 * What Upstash may cost a request. Longer than that and it counts as down; then Postgres does its work, and for a while nobody
 * waits for Upstash at all. That memory is one process's own: it says only whom to ask, never what was counted.
 */
export const upstashMs = 800;
/** So long it is left alone after it did not answer. */
export const upstashDownMs = 10_000;

let redis: Redis | null | undefined;
/** On the clock of `performance.now()`. */
let downUntil = 0;

/** The shared Redis; null where none is set, and for ten seconds after it did not answer. */
export function upstash(): Redis | null {
  if (redis === undefined) {
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env();
    const post = url && token ? createPost({ url, token }) : null;
    redis = post
      ? new Redis({ request: ({ path = [], body }) => post(path.join('/'), JSON.stringify(body), upstashMs) })
      : null;
  }
  return performance.now() < downUntil ? null : redis;
}

/** What Upstash answers until `deadline` (of `performance.now()`); null when it does not, or `ask` throws over nonsense. */
export async function askUpstash<T>(ask: () => Promise<T>, deadline: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error('no answer in time')),
      Math.max(0, deadline - performance.now()),
    );
  });
  const answer = ask();
  // Comes to nothing once it is late; nobody is left to hear of it.
  answer.catch(() => {});
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    downUntil = performance.now() + upstashDownMs;
    log.warn('upstash_down', { reason: error instanceof Error ? error.message : String(error) });
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs Redis commands in their order, in one request; answers their results, or throws when `ms` are over or one of them fails. */
export type Ask = (commands: string[][], ms: number) => Promise<unknown[]>;

const answersSchema = z.array(z.object({ result: z.unknown(), error: z.string().optional() }));
const refusalSchema = z.object({ error: z.string() });
const answerOctetsMax = 8 * 1024 * 1024;

/** For commands that may come twice: a connection that was kept may have been closed at the other end meanwhile, and then they do. */
export function createAsk(place: { url: string; token: string }): Ask {
  const post = createPost(place);
  return async (commands, ms) => {
    const body = JSON.stringify(commands);
    const until = performance.now() + ms;
    const left = () => Math.max(1, until - performance.now());
    const told = await post('pipeline', body, left()).catch((error) => {
      if (error instanceof ClosedMeanwhile) return post('pipeline', body, left());
      throw error;
    });
    const answers = answersSchema.safeParse(told);
    if (!answers.success) throw new Error('an answer that makes no sense');
    const refused = answers.data.find(({ error }) => error !== undefined)?.error;
    if (refused !== undefined || answers.data.length !== commands.length)
      throw new Error(`refused: ${refused ?? 'not every command'}`);
    return answers.data.map(({ result }) => result);
  };
}

class ClosedMeanwhile extends Error {
  constructor() {
    super('the connection was closed');
  }
}

type Post = <T>(path: string, body: string, ms: number) => Promise<T>;

/**
 * Upstash's REST API (https://upstash.com/docs/redis/features/restapi): what it answers to a request, not looked at; throws what it
 * refuses with, and when `ms` are over. Not with `fetch`: Next's own would make every page that asks a dynamic one.
 */
function createPost({ url, token }: { url: string; token: string }): Post {
  const base = url.replace(/\/+$/, '');
  const client = base.startsWith('https:') ? https : http;
  // An idle connection is given up before the other end is likely to.
  const agent = new client.Agent({ keepAlive: true, maxSockets: 128, timeout: 4000 });
  /** With it a replica answers only when it knows what this process wrote. */
  let syncToken = '';
  return (path, body, ms) =>
    new Promise((resolve, reject) => {
      const request = client.request(new URL(path, `${base}/`), {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'upstash-sync-token': syncToken,
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
            const status = response.statusCode ?? 0;
            syncToken = String(response.headers['upstash-sync-token'] ?? syncToken);
            const text = Buffer.concat(chunks).toString('utf8');
            if (status === 200) return resolve(JSON.parse(text));
            // A command that failed comes as 400 with Redis's own words, which some callers wait for.
            const refusal = status === 400 ? refusalSchema.safeParse(JSON.parse(text)) : null;
            reject(new Error(refusal?.data?.error ?? `answered ${status}`));
          } catch (error) {
            reject(error);
          }
        });
      });
      request.end(body);
    });
}
