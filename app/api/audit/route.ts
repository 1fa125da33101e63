import { csvStream } from '@/lib/attempts/schema';
import { exportAudit } from '@/lib/audit/queries';
import { asAuditAction, auditColumns } from '@/lib/audit/schema';
import { findActor } from '@/lib/auth/session';
import { canManage } from '@/lib/policy/rules';

/** The audit log as CSV, narrowed down by the filters of its page (`q`, `action`, `user`). 404 for who is no manager. */
export async function GET(request: Request): Promise<Response> {
  const actor = await findActor();
  if (!actor || !canManage(actor)) return new Response(null, { status: 404 });
  const asked = new URL(request.url).searchParams;
  const user = asked.get('user') ?? '';
  const rows = exportAudit(actor, {
    q: asked.get('q') ?? undefined,
    action: asAuditAction(asked.get('action')),
    userId: /^\d{1,15}$/.test(user) ? Number(user) : null,
  });
  return new Response(csvStream(auditColumns, rows), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="audit.csv"',
      'cache-control': 'private, no-store',
    },
  });
}
