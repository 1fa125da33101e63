import { z } from 'zod';
import type { SuppressionReason } from '@/db/enums';
import type { CursorKeys } from '@/lib/paging';

/** Lines that one paste may hold; longer lists come as files. */
export const pastedLinesMax = 5000;
/** Rows that one import may hold. */
export const importRowsMax = 1_000_000;

export const clientIdSchema = z.coerce
  .number('not_found')
  .int('not_found')
  .positive('not_found')
  .max(Number.MAX_SAFE_INTEGER, 'not_found');

/** Letters of any script and spaces; no line breaks, tabs or other control characters, no halves of characters. */
export const oneLine = (text: string) => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text);
/** The same with line breaks and tabs; what a text column takes. */
export const plainText = (text: string) => !/[\p{Cs}\0]/u.test(text);

const email = z
  .string('required')
  .trim()
  .min(1, 'required')
  .max(254, 'too_long')
  .regex(/^[^\s@]+@[^\s@]+$/, 'invalid_email');
const fullName = z.string('invalid').trim().max(200, 'too_long').refine(oneLine, 'one_line').default('');
const comment = z
  .string('invalid')
  .transform((text) => text.replace(/\r\n?/g, '\n').trim())
  .pipe(z.string().max(2000, 'too_long').refine(plainText, 'invalid'))
  .default('');

/** One client as a form sends it. The address is checked to the letter by the mutation (`lib/email/address`). */
export const clientSchema = z.object({ email, fullName, comment });
export const clientChangeSchema = clientSchema.extend({ id: clientIdSchema });
export const clientDeletionSchema = z.object({ id: clientIdSchema });

/** Many at once: those named, or all that a search finds (the search is sent, not the ids). */
export const clientsDeletionSchema = z.union([
  z.object({ all: z.literal('1'), q: z.string().max(200, 'too_long').default('') }),
  z.object({
    all: z.literal('').optional(),
    ids: z.preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z.array(clientIdSchema, 'nothing_selected').min(1, 'nothing_selected').max(1000, 'too_many'),
    ),
  }),
]);

/** Pasted lines: `Name <address>`, `address` or `address, name`. */
export const pastedClientsSchema = z.object({
  text: z
    .string('required')
    .max(2_000_000, 'paste_too_long')
    .refine((text) => text.trim() !== '', 'required'),
});

export const clientSorts = ['newest', 'name', 'email'] as const;
export type ClientSort = (typeof clientSorts)[number];
/** What the cursors of each are made of. */
export const clientCursors: Record<ClientSort, CursorKeys> = {
  newest: ['number'],
  name: ['string', 'number'],
  email: ['string'],
};

export type ClientInput = z.input<typeof clientSchema>;

/** Why and since when an address gets no letters. */
export type Suppression = { reason: SuppressionReason; at: Date };

/** A client as lists show it. */
export type ClientRow = {
  id: number;
  email: string;
  fullName: string;
  comment: string;
  createdAt: Date;
  suppression: Suppression | null;
};

/** What an import did, or why it did nothing. */
export type ImportOutcome = {
  created: number;
  updated: number;
  unchanged: number;
  /** By line; when there is any, nothing was written. Reasons are codes of `clients.errors`. */
  invalid: InvalidLine[];
};
export type InvalidLine = { line: number; reason: string };

export type PastedClient = { line: number; email: string; fullName: string };

const bracketed = /^(.*?)<([^<>]*)>[\s,;]*$/s;

/**
 * Reads pasted lines, counted from 1; blank ones are skipped. Takes `Name <address>`, `"Name" <address>`, `address` and
 * `address, name` (or a semicolon, or a tab). What it can not tell apart it leaves to the check of the address.
 */
export function readPastedLines(text: string): PastedClient[] {
  const people: PastedClient[] = [];
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = raw.trim();
    if (!line) continue;
    const angle = bracketed.exec(line);
    if (angle) {
      const name = (angle[1] ?? '')
        .trim()
        .replace(/^"(.*)"$/s, '$1')
        .replace(/\\(["\\])/g, '$1');
      people.push({ line: index + 1, email: (angle[2] ?? '').trim(), fullName: name.trim() });
      continue;
    }
    const cut = line.search(/[,;\t]/);
    const email = cut < 0 ? line : line.slice(0, cut);
    const name =
      cut < 0
        ? ''
        : line
            .slice(cut + 1)
            .replace(/[\s,;]+$/, '')
            .trim();
    people.push({ line: index + 1, email: email.trim(), fullName: name.replace(/^"(.*)"$/s, '$1') });
  }
  return people;
}
