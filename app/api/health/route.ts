import { readHealth } from '@/lib/health/queries';

export const dynamic = 'force-dynamic';

/**
 * Is this installation well? Public and cheap, without secrets and addresses. 200 when it is; 503 when the database does not
 * answer, or something has been due for five minutes and nobody sends.
 */
export async function GET(): Promise<Response> {
  const health = await readHealth();
  return Response.json(health, { status: health.ok ? 200 : 503, headers: { 'cache-control': 'no-store' } });
}
