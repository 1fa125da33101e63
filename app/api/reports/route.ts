import { findActor } from '@/lib/auth/session';
import { answerReport } from '@/lib/reports/csv';

/**
 * A table of one's own report as CSV: `?table=steps`, `answers`, `mailings`, `messages` or `domains`, narrowed down as on the page. 400
 * with the codes by field for what makes no sense; 404 for who is not signed in.
 */
export async function GET(request: Request): Promise<Response> {
  return answerReport(await findActor(), 'own', request.url);
}
