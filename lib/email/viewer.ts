import { findActor, requestOrigin, requireActor } from '@/lib/auth/session';
import type { OutboxViewer } from './outbox';

/** The gate of the outbox: signed in, or on the machine itself; everybody else is sent to sign in. */
export async function requireViewer(): Promise<OutboxViewer & { zone: string }> {
  const { loopback: isLoopback } = await requestOrigin();
  const actor = isLoopback ? await findActor() : await requireActor();
  return { actor, isLoopback, zone: actor?.timeZone ?? 'UTC' };
}
