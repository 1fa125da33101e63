import type { Letter } from '@/lib/email/letter';

/** The same letter without what its composer prepared, so that a transport has to build it anew. */
export function unprepared(letter: Letter): Letter {
  const { deliveryId, ownerId, from, to, replyTo, subject, html, text, headers, messageId, tag, date } =
    letter;
  return {
    ...{ deliveryId, ownerId, from, to, replyTo, subject, html, text, headers, messageId, date },
    ...(tag === undefined ? {} : { tag }),
  };
}
