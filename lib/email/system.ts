import { randomUUID } from 'node:crypto';
import { systemClock } from '@/lib/clock';
import { env } from '@/lib/env';
import { log } from '@/lib/log';
import type { Letter, Transport } from './letter';
import { createTransport } from './transport';

let shared: Transport | undefined;

/**
 * Mails a letter of the system itself (confirmation, reset) through the configured transport, at once. Where the transport is
 * the outbox it is read at `/outbox`. A letter that is not taken is logged, not thrown: the page that caused it must look the
 * same whether or not the address exists, and offers to send it again.
 */
export async function sendSystemLetter(input: {
  to: string;
  subject: string;
  html: string;
  text: string;
  /** An address; answers go to the sender when it is left out. */
  replyTo?: string | undefined;
}): Promise<void> {
  const { EMAIL_FROM } = env();
  const letter: Letter = {
    deliveryId: null,
    ownerId: null,
    from: { name: 'Mailroom', address: EMAIL_FROM },
    to: { name: '', address: input.to },
    replyTo: input.replyTo ?? null,
    subject: input.subject,
    html: input.html,
    text: input.text,
    headers: [['Auto-Submitted', 'auto-generated']],
    messageId: `s${randomUUID()}@${EMAIL_FROM.slice(EMAIL_FROM.lastIndexOf('@') + 1)}`,
    date: systemClock.now(),
  };
  shared ??= createTransport();
  const [result] = await shared.send([letter], { idempotencyKey: letter.messageId });
  if (result?.outcome === 'accepted') return;
  log.warn('system_letter_not_sent', {
    outcome: result?.outcome ?? 'none',
    ...(result && 'stage' in result ? { stage: result.stage, response: result.response } : {}),
  });
}
