import { findActor } from '@/lib/auth/session';
import { answerProgress } from '@/lib/runs/progress';

export const dynamic = 'force-dynamic';

/** How far runs have come, for pages that watch them. Where a server of our own runs, it is answered before Next: `lib/runs/progress`. */
export async function GET(request: Request): Promise<Response> {
  const { status, headers, body } = await answerProgress(
    await findActor(),
    new URL(request.url).searchParams,
    (name) => request.headers.get(name),
  );
  return new Response(body, { status, headers });
}
