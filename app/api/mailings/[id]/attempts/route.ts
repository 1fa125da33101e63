import { exportAttempts, exportColumns } from '@/lib/attempts/queries';
import { csvStream } from '@/lib/attempts/schema';
import { findActor } from '@/lib/auth/session';
import { findMailing } from '@/lib/mailings/queries';

/** All attempts of a mailing as CSV. */
export async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }) {
  const [actor, { id }] = await Promise.all([findActor(), params]);
  const mailing = actor ? await findMailing(actor, Number(id)) : null;
  if (!actor || !mailing) return new Response(null, { status: 404 });
  return new Response(csvStream(exportColumns, exportAttempts(actor, { mailingId: mailing.id })), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="mailing-${mailing.id}-attempts.csv"`,
      'cache-control': 'private, no-store',
    },
  });
}
