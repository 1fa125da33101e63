import { csvStream } from '@/lib/attempts/schema';
import { exportAudit, readAuditFilter } from '@/lib/audit/queries';
import { auditColumns } from '@/lib/audit/schema';
import { findActor } from '@/lib/auth/session';
import { refuse } from '@/lib/errors';
import { canManage } from '@/lib/policy/rules';

/**
 * The audit log as CSV, narrowed down by the filters of its page, days in the reader's zone. 400 with the codes by field for a range
 * that is none; 404 for who is no manager.
 */
export async function GET(request: Request): Promise<Response> {
  const actor = await findActor();
  if (!actor || !canManage(actor)) return new Response(null, { status: 404 });
  const asked = Object.fromEntries(new URL(request.url).searchParams);
  const { filter, errors } = readAuditFilter(asked, actor.timeZone);
  if (!filter) {
    const { error } = refuse('invalid', errors);
    return Response.json({ error }, { status: 400 });
  }
  return new Response(csvStream(auditColumns, exportAudit(actor, filter)), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="audit.csv"',
      'cache-control': 'private, no-store',
    },
  });
}
