import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { findCookieActor } from '@/lib/auth/config';
import { log } from '@/lib/log';
import type { Actor } from '@/lib/policy/rules';
import { dataPolicy } from '@/lib/security-headers';
import { findProgress, listOwnProgress, type MailingProgress, readingOf } from './queries';
import { askAgainHeader, askAgainMs, askedAfterHeader, askMs, type Crowd, withAsker } from './schema';

/*
 * What the pages of a run ask while somebody looks at them. Fifty who watch ask ten times a second of the machine that sends, so a
 * question costs little: it is answered before Next sees it, and where many ask, once a second for all who ask the same as the same person.
 */

export const progressPath = '/api/runs/progress';

/** Of this process: each takes part in sending as far as its machine does. */
let crowd: Crowd = { atMs: 0, pages: 0 };

/** Where many watch, an answer is theirs for so long; a page alone is always told what is now. */
const sharedMs = 1000;
/** Kept at once: whoever asks for more gets them made. */
const sharedMax = 200;
const shared = new Map<string, { atMs: number; found: Promise<MailingProgress | null> }>();

export type ProgressAnswer = {
  status: 200 | 304 | 404;
  headers: Record<string, string>;
  body: string | null;
};

/**
 * `mailing=7` how far its open runs have come, `mailing=7&run=9` that run, nothing named: the actor's own open runs. Asked every second
 * while somebody watches: an answer that would be the one the asker has already (`if-none-match`) is an empty 304, and where many
 * watch each answer asks for more patience. 404 for whatever the actor may not read, and for nobody.
 */
export async function answerProgress(
  actor: Actor | null,
  asked: URLSearchParams,
  header: (name: string) => string | null,
): Promise<ProgressAnswer> {
  const headers = { 'cache-control': 'private, no-store' };
  const progress = actor ? await read(actor, asked) : null;
  if (!progress) return { status: 404, headers, body: null };
  crowd = withAsker(crowd, performance.now(), Number(header(askedAfterHeader)));
  const { atMs, ...reading } = readingOf(progress);
  const digest = createHash('sha256').update(JSON.stringify(reading)).digest('base64url');
  const etag = `"${digest.slice(0, 22)}"`;
  const found = { ...headers, [askAgainHeader]: String(askAgainMs(crowd)), etag };
  if (header('if-none-match') === etag) return { status: 304, headers: found, body: null };
  return {
    status: 200,
    headers: { ...found, 'content-type': 'application/json' },
    body: JSON.stringify({ atMs, ...reading }),
  };
}

function read(actor: Actor, asked: URLSearchParams) {
  const mailing = asked.get('mailing');
  const run = asked.get('run');
  if (mailing === null && run === null) return listOwnProgress(actor);
  const which = {
    mailingId: Number(mailing ?? Number.NaN),
    ...(run === null ? {} : { runId: Number(run) }),
  };
  if (askAgainMs(crowd) <= askMs) return findProgress(actor, which);
  // By who asks and what they are now, so that nobody is told what the statement would not have told them.
  const key = [actor.id, actor.isStaff, actor.isSuperuser, which.mailingId, run].join(' ');
  const now = performance.now();
  const known = shared.get(key);
  if (known && now - known.atMs < sharedMs) return known.found;
  const found = findProgress(actor, which);
  if (shared.size >= sharedMax) shared.clear();
  shared.set(key, { atMs: now, found });
  found.catch(() => shared.delete(key));
  return found;
}

/**
 * In place of Next's own listener: answers {@link progressPath} as its route does, to the same sessions, and leaves everything else, and
 * what it can not answer, to `next`.
 */
export function answerWatchers(next: RequestListener): RequestListener {
  return (request, response) => {
    const [path, query = ''] = (request.url ?? '').split('?');
    if (request.method !== 'GET' || path !== progressPath) return next(request, response);
    const answer = async () => {
      const actor = await findCookieActor(request.headers.cookie);
      const header = (name: string) => {
        const value = request.headers[name];
        return typeof value === 'string' ? value : null;
      };
      const { status, headers, body } = await answerProgress(actor, new URLSearchParams(query), header);
      // Which Next would take from its settings.
      response.setHeader('content-security-policy', dataPolicy);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      if (body !== null) response.setHeader('content-length', Buffer.byteLength(body));
      response.writeHead(status);
      response.end(body ?? undefined);
    };
    answer().catch((error) => {
      log.surprise('progress_not_told', error);
      if (response.headersSent) response.destroy();
      else next(request, response);
    });
  };
}
