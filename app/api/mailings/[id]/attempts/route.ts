import { exportAttemptLines, exportColumns } from '@/lib/attempts/queries';
import { csvStream } from '@/lib/attempts/schema';
import { findActor } from '@/lib/auth/session';
import { findMailing } from '@/lib/mailings/queries';
import { findRun } from '@/lib/runs/queries';

/** All attempts of a mailing as CSV, or with `?run=9` those of one of its runs. 404 for what the actor may not read. */
export async function GET(request: Request, { params }: { params: Promise<{ id: string }> }) {
  const [actor, { id }] = await Promise.all([findActor(), params]);
  const mailing = actor ? await findMailing(actor, Number(id)) : null;
  const asked = new URL(request.url).searchParams.get('run');
  const run =
    actor && mailing && asked !== null
      ? await findRun(actor, { mailingId: mailing.id, runId: Number(asked) })
      : null;
  if (!actor || !mailing || (asked !== null && !run)) return new Response(null, { status: 404 });
  const chunks = exportAttemptLines(actor, { mailingId: mailing.id, runId: run?.id ?? null });
  return new Response(csvStream(exportColumns, chunks), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="mailing-${mailing.id}${run ? `-run-${run.id}` : ''}-attempts.csv"`,
      'cache-control': 'private, no-store',
    },
  });
}
