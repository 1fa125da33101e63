import { createHash } from 'node:crypto';
import type { Letter, SenderTrouble, SendResult, Transport } from '@/lib/email/transport';

export const accepted: SendResult = {
  outcome: 'accepted',
  code: 250,
  response: '250 2.0.0 Ok: queued',
  stage: 'dot',
};
export const refusedForNow: SendResult = {
  outcome: 'refused',
  scope: 'recipient',
  lasting: false,
  code: 450,
  response: '450 4.2.0 Greylisted, try again later',
  stage: 'rcpt',
};
export const refusedForGood: SendResult = {
  outcome: 'refused',
  scope: 'recipient',
  lasting: true,
  code: 550,
  response: '550 5.1.1 User unknown',
  stage: 'rcpt',
};
export const senderRefused: SendResult = {
  outcome: 'refused',
  scope: 'sender',
  lasting: false,
  code: 421,
  response: '421 4.7.0 Try again later, closing connection',
  stage: 'mail',
  waitCode: 'slow_down',
};
export const noAnswer: SendResult = {
  outcome: 'unknown',
  response: 'connection lost after the final dot',
  stage: 'dot',
};

type Options = {
  repeatsSafely?: boolean;
  batchMax?: number;
  name?: string;
  ready?: () => SenderTrouble | null;
};

/** A mail server played by a function: what it was handed is kept in `handed`, with the key it came under. */
export function playedTransport(
  answer: (letter: Letter, nth: number) => SendResult | Promise<SendResult> = () => accepted,
  options: Options = {},
): Transport & { handed: { letter: Letter; key: string | undefined }[] } {
  const handed: { letter: Letter; key: string | undefined }[] = [];
  return {
    kind: options.repeatsSafely ? 'resend' : 'smtp',
    name: options.name ?? 'played',
    repeatsSafely: options.repeatsSafely ?? false,
    batchMax: options.batchMax ?? 500,
    handed,
    ready: async () => options.ready?.() ?? null,
    async send(letters, { idempotencyKey } = {}) {
      const results: SendResult[] = [];
      for (const letter of letters) {
        handed.push({ letter, key: idempotencyKey });
        results.push(await answer(letter, handed.length));
      }
      return results;
    },
    digest: (letters) =>
      createHash('sha256')
        .update(
          JSON.stringify(
            letters.map(({ to, subject, html, text, messageId }) => [to, subject, html, text, messageId]),
          ),
        )
        .digest('hex'),
    close: async () => {},
  };
}
