import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import path from 'node:path';
import { dataPolicy } from '@/lib/security-headers';
import { createMemory } from './memory';
import { packedEnding } from './pack';

/*
 * Scripts and style sheets for browsers that take Brotli, which all do over https and on the machine itself: packed when the application
 * was built, a seventh smaller than what Next packs with gzip for each visit anew. Everything else goes on to Next.
 */

/** Names of files of the build alone: no part of one begins with a dot. */
const fileOfBuild = /^\/_next\/static\/((?:[\w~-][\w.~-]*\/)*[\w~-][\w.~-]*\.(js|css))(?:\?|$)/;

const types = { js: 'application/javascript; charset=UTF-8', css: 'text/css; charset=UTF-8' } as const;

/** Whoever names ways with weights of their own is left to Next. */
function takesBrotli({ headers }: IncomingMessage): boolean {
  const taken = headers['accept-encoding'] ?? '';
  return /(^|[ ,])br(,|$)/.test(taken) && !taken.includes(';');
}

/** Stands before a listener and answers what is packed below `folder`, the `static` of a build. Holds at most `octetsMax` in memory. */
export function answerPacked(folder: string, octetsMax: number): (next: RequestListener) => RequestListener {
  const known = createMemory<Buffer>(octetsMax, (octets) => octets.length);

  /** Null where there is none. */
  async function find(name: string): Promise<Buffer | null> {
    const held = known.get(name);
    if (held) return held;
    const octets = await readFile(path.join(folder, name) + packedEnding).catch(() => null);
    if (octets) known.set(name, octets);
    return octets;
  }

  function give(octets: Buffer, type: string, response: ServerResponse): void {
    response.setHeader('content-security-policy', dataPolicy);
    response.setHeader('content-type', type);
    response.setHeader('content-encoding', 'br');
    response.setHeader('content-length', octets.length);
    response.setHeader('vary', 'Accept-Encoding');
    response.setHeader('cache-control', 'public, max-age=31536000, immutable');
    response.writeHead(200);
    // To HEAD Node sends none of it.
    response.end(octets);
  }

  return (next) => (request, response) => {
    const [, name, ending] = fileOfBuild.exec(request.url ?? '') ?? [];
    const isAsked = request.method === 'GET' || request.method === 'HEAD';
    if (!name || !isAsked || request.headers.range !== undefined || !takesBrotli(request))
      return next(request, response);
    find(name).then((packed) => {
      if (packed) give(packed, types[ending === 'css' ? 'css' : 'js'], response);
      else next(request, response);
    });
  };
}
