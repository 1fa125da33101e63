import { exportAttempts, exportColumns } from '@/lib/attempts/queries';
import { csvLine } from '@/lib/attempts/schema';
import { findActor } from '@/lib/auth/session';
import { findMailing } from '@/lib/mailings/queries';

/** Rows that go out in one piece. */
const rowsPerPiece = 500;

/** All attempts of a mailing as CSV, streamed: any number of them takes the memory of one chunk. */
export async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }) {
  const [actor, { id }] = await Promise.all([findActor(), params]);
  const mailing = actor ? await findMailing(actor, Number(id)) : null;
  if (!actor || !mailing) return new Response(null, { status: 404 });

  const rows = exportAttempts(actor, { mailingId: mailing.id });
  const encoder = new TextEncoder();
  let isFirst = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // The mark tells spreadsheets that this is UTF-8.
      let piece = isFirst ? `\uFEFF${csvLine(exportColumns)}` : '';
      isFirst = false;
      for (let count = 0; count < rowsPerPiece; count += 1) {
        const { value, done } = await rows.next();
        if (done) {
          if (piece) controller.enqueue(encoder.encode(piece));
          controller.close();
          return;
        }
        piece += csvLine(exportColumns.map((column) => value[column]));
      }
      controller.enqueue(encoder.encode(piece));
    },
    async cancel() {
      await rows.return(undefined);
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="mailing-${mailing.id}-attempts.csv"`,
      'cache-control': 'private, no-store',
    },
  });
}
