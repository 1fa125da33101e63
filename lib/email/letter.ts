import type { WaitCode } from '@/db/enums';
import type { Octets } from './octets';

export type { WaitCode } from '@/db/enums';

/** A name that is shown and an address of RFC 5321. */
export type Mailbox = { name: string; address: string };

/**
 * One letter, ready to leave. It never changes: composing the same delivery again gives the same bytes. Bodies may be worked out
 * when they are read, so that a copy by `{ ...letter }` may lack them.
 */
export type Letter = {
  /** The delivery it is for; null for letters of the system and test letters. */
  deliveryId: number | null;
  /** Whose mailing it comes from; null for letters of the system. */
  ownerId: number | null;
  from: Mailbox;
  to: Mailbox;
  /** An address; null = answers go to `from`. */
  replyTo: string | null;
  subject: string;
  html: string;
  text: string;
  /** Further headers in order, such as List-Unsubscribe. */
  headers: [name: string, value: string][];
  /** Without angle brackets: `d12.0a1b2c3d@example.org`. */
  messageId: string;
  /** What a provider gives back with its news of this letter: its unsubscribe token. Letters, digits, `_` and `-`. */
  tag?: string;
  date: Date;
  isTest?: boolean;
  /** Writes the same letter as MIME, where the composer could encode most of it once for a whole run. */
  writeMime?: (out: Octets) => void;
  /** The same bodies as JSON, likewise worked out once for a whole run; `html` and `text` hold what they stand for. */
  json?: BodiesAsJson;
};

/** Both bodies of a letter, ready for an API. */
export type BodiesAsJson = {
  /** `"html":"…","text":"…"`, in UTF-8. */
  write(out: Octets): void;
  /** Equal for the same bodies alone, and much shorter than they are. Holds no line break. */
  mark(): string;
};

/** What became of one letter. `response` is the server's own words, at most 2,000 characters. */
export type SendResult =
  /** The server took it. */
  | { outcome: 'accepted'; code: number | null; response: string; stage: string }
  /**
   * The server did not take it, and that is sure. Scope `recipient`: it concerns this letter (`lasting`: never try again).
   * Scope `sender`: it concerns all letters of this transport, which should wait; the letter may be tried again.
   */
  | {
      outcome: 'refused';
      scope: 'recipient' | 'sender';
      lasting: boolean;
      code: number | null;
      response: string;
      stage: string;
      waitCode?: WaitCode;
      /** How long the server asked to wait. */
      waitSeconds?: number;
    }
  /** Handed over, and no answer came: nobody can know. `mayRepeat: false`: not even under the same key, which the provider refuses. */
  | { outcome: 'unknown'; response: string; stage: string; mayRepeat?: false }
  /** Surely never handed over: the sender's side broke, or the signal came, before its turn. */
  | { outcome: 'untried' };

/** What keeps a transport from taking letters. */
export type SenderTrouble = { waitCode: WaitCode; response: string; waitSeconds?: number };

export type SendOptions = {
  idempotencyKey?: string;
  signal?: AbortSignal;
  /**
   * Only for a transport with {@link Transport.requestsPerSecond}, which awaits it before each of its requests, when that is ready to
   * leave. False: it must not go any more.
   */
  turn?: () => Promise<boolean>;
};

/** A way for letters to leave. One for a process: it keeps connections between sends. */
export type Transport = {
  kind: 'smtp' | 'resend' | 'outbox';
  /** See {@link transportName}; never holds a secret. */
  name: string;
  /** Handing over the same bytes with the same key within 24 hours is harmless. */
  repeatsSafely: boolean;
  /** Letters one send takes at most. */
  batchMax: number;
  /** Connects and signs in before anything is claimed; null = it can take letters. Never throws for what a server does. */
  ready(): Promise<SenderTrouble | null>;
  /**
   * Hands letters over; answers in the same order and number. Never throws for what a server does. Several sends may run at
   * once. The signal stops letters whose turn has not come (`untried`); those begun are finished.
   */
  send(letters: Letter[], options?: SendOptions): Promise<SendResult[]>;
  /** SHA-256, hex, of all that makes the bytes that would be handed over: equal only for equal bytes. */
  digest(letters: Letter[]): string;
  /** Requests a second that the provider allows, as its last answer announced; null = it has said nothing yet. One send of a batch is one request. */
  requestsPerSecond?(): number | null;
  close(): Promise<void>;
};

/** At most this many characters of a server's answer are kept. */
export const responseMax = 2000;

/** A server's words as they are stored: no control characters (Postgres refuses NUL), bounded. */
export function serverWords(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, responseMax);
}

const reserved = /(^|[@.])example\.?$/i;

/**
 * Why our own rules keep a letter back, or null. Addresses of the top-level domain `.example` (demo data) are never handed to a
 * real server.
 */
export function policyRefusal(letter: Letter): SendResult | null {
  if (!reserved.test(letter.to.address)) return null;
  return {
    outcome: 'refused',
    scope: 'recipient',
    lasting: true,
    code: null,
    response: 'Addresses ending in .example are examples: nothing is ever sent to them.',
    stage: 'policy',
  };
}
