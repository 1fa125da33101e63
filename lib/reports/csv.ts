import { csvStream } from '@/lib/attempts/schema';
import { refuse } from '@/lib/errors';
import type { Actor } from '@/lib/policy/rules';
import { exportReport, readReport, type Whose } from './queries';
import { deskTables, reportTables } from './schema';

/**
 * A table of a report as a file, asked for by an address: 404 for nobody, 400 with codes by field (those of `readReport`, and
 * `invalid_value` at `table`) where nothing can be told.
 */
export async function answerReport(actor: Actor | null, whose: Whose, url: string): Promise<Response> {
  if (!actor) return new Response(null, { status: 404 });
  const asked = Object.fromEntries(new URL(url).searchParams);
  const name = asked.table ?? 'steps';
  const table = reportTables.find((each) => each === name && (whose === 'all' || !deskTables.includes(each)));
  const { report, errors } = await readReport(actor, whose, asked);
  if (!table || !report) {
    const { error } = refuse('invalid', {
      ...errors,
      ...(table ? {} : { table: { code: 'invalid_value' } }),
    });
    return Response.json({ error }, { status: 400, headers: { 'cache-control': 'private, no-store' } });
  }
  const { columns, chunks } = exportReport(actor, report, table);
  const { first, last } = report.period;
  return new Response(csvStream(columns, chunks), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="report-${table}-${first}-${last}.csv"`,
      'cache-control': 'private, no-store',
    },
  });
}
