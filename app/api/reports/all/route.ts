import { findActor } from '@/lib/auth/session';
import { canManage } from '@/lib/policy/rules';
import { answerReport } from '@/lib/reports/csv';

/** A table of the report of all users as CSV, as `/api/reports` does for one's own, `senders` and `attention`; 404 for who is no manager. */
export async function GET(request: Request): Promise<Response> {
  const actor = await findActor();
  return answerReport(actor && canManage(actor) ? actor : null, 'all', request.url);
}
