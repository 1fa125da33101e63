import { createHash } from 'node:crypto';
import { findActor } from '@/lib/auth/session';
import type { Actor } from '@/lib/policy/rules';
import { findProgress, listOwnProgress, readingOf } from '@/lib/runs/queries';
import { askAgainHeader, askAgainMs, askedAfterHeader, type Crowd, withAsker } from '@/lib/runs/schema';

export const dynamic = 'force-dynamic';

/**
 * `?mailing=7` how far its open runs have come, `?mailing=7&run=9` that run, nothing named: the asker's own open runs. Asked every
 * second while somebody watches: an answer that would be the one the asker has already (`If-None-Match`) is an empty 304, and where many
 * watch each answer asks for more patience. 404 for whatever the actor may not read.
 */
export async function GET(request: Request): Promise<Response> {
  const actor = await findActor();
  const progress = actor ? await read(actor, new URL(request.url).searchParams) : null;
  if (!progress) return new Response(null, { status: 404, headers });
  crowd = withAsker(crowd, performance.now(), Number(request.headers.get(askedAfterHeader)));
  const found = { ...headers, [askAgainHeader]: String(askAgainMs(crowd)) };
  const { atMs, ...reading } = readingOf(progress);
  const digest = createHash('sha256').update(JSON.stringify(reading)).digest('base64url');
  const etag = `"${digest.slice(0, 22)}"`;
  if (request.headers.get('if-none-match') === etag)
    return new Response(null, { status: 304, headers: { ...found, etag } });
  return Response.json({ atMs, ...reading }, { headers: { ...found, etag } });
}

function read(actor: Actor, asked: URLSearchParams) {
  const mailing = asked.get('mailing');
  const run = asked.get('run');
  if (mailing === null && run === null) return listOwnProgress(actor);
  return findProgress(actor, {
    mailingId: Number(mailing ?? Number.NaN),
    ...(run === null ? {} : { runId: Number(run) }),
  });
}

/** Of this process: each takes part in sending as far as its machine does. */
let crowd: Crowd = { atMs: 0, pages: 0 };

const headers = { 'cache-control': 'private, no-store' };
