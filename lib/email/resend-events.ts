import { Resend } from 'resend';
import { z } from 'zod';
import { resendTag } from './resend';

/** That the letter of a token came back for good, or that its reader called it spam. */
export type BadNews = { token: string; reason: 'bounced' | 'complained' };

const event = z.object({
  type: z.string(),
  data: z.looseObject({
    tags: z.record(z.string(), z.string()).optional(),
    bounce: z.looseObject({ type: z.string() }).optional(),
  }),
});

// The key is for requests, and none is made here.
const { webhooks } = new Resend('none');

/**
 * What an event of Resend says about a letter of ours: news, or null when it says nothing bad, or speaks of no letter of this
 * installation. `refused` when it is not signed with the secret (`whsec_…`; any of several signatures, while it is changed), or
 * more than 5 minutes ago. Takes the body as it came. Source: resend.com/docs/webhooks, docs.svix.com.
 */
export function readResendEvent(body: string, headers: Headers, secret: string): BadNews | null | 'refused' {
  let content: unknown;
  try {
    content = webhooks.verify({
      payload: body,
      headers: {
        id: headers.get('svix-id') ?? '',
        timestamp: headers.get('svix-timestamp') ?? '',
        signature: headers.get('svix-signature') ?? '',
      },
      webhookSecret: secret,
    });
  } catch {
    return 'refused';
  }
  const parsed = event.safeParse(content);
  if (!parsed.success) return null;
  const { type, data } = parsed.data;
  const token = data.tags?.[resendTag];
  if (token === undefined) return null;
  if (type === 'email.complained') return { token, reason: 'complained' };
  // A full mailbox or a greylisting server may take the next letter.
  if (type === 'email.bounced' && data.bounce?.type === 'Permanent') return { token, reason: 'bounced' };
  return null;
}
