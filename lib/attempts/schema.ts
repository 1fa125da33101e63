import { answerKinds, attemptStatuses } from '@/db/enums';
import type { FieldErrors } from '@/lib/errors';
import { readCursor } from '@/lib/paging';
import { readPeriod } from '@/lib/recurrence/days';
import { asDeliveryStatus } from '@/lib/runs/schema';

/** No page of a search looks through more attempts than this. */
export const attemptsSearched = 5000;

/** The words of the status filter; null for anything else. */
export function asAttemptStatus(value: unknown) {
  return attemptStatuses.find((status) => status === value) ?? null;
}

/** The words of the filter by what an answer means; null for anything else. */
export function asAnswerKind(value: unknown) {
  return answerKinds.find((kind) => kind === value) ?? null;
}

/** Domains that are told of beside the answers of a run or a mailing. */
export const domainsMax = 50;

/** Characters of what is looked for in lists of attempts and deliveries. */
export const searchMax = 200;

/** What the address of a list of attempts asks for, as it was typed. */
export type AttemptsAsked = Record<'q' | 'owner' | 'status' | 'kind' | 'mailing' | 'from' | 'to', string>;

/**
 * Reads the filters of a list of attempts from an address. `from` and `to` are days of `zone`, both with all their hours. Field codes:
 * `too_long` (more than {@link searchMax} characters) at `q` and `owner`, `invalid_value` at `status`, `kind` and `mailing`,
 * `invalid_date`, and `to_before_from` at `to`. Where there is any nothing should be listed: another choice than the one asked for would
 * mislead. A cursor that no list of attempts has given out is left out, and `isDamaged` says so: the list then begins at its beginning.
 */
export function readAttemptsAsked(params: Record<string, string | string[] | undefined>, zone: string) {
  const text = (name: string) => {
    const value = params[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  const asked: AttemptsAsked = {
    q: text('q'),
    owner: text('owner'),
    status: asAttemptStatus(text('status')) ?? '',
    kind: asAnswerKind(text('kind')) ?? '',
    mailing: text('mailing'),
    from: text('from'),
    to: text('to'),
  };
  const { from, until, errors: wrongDays } = readPeriod(asked, zone);
  const isId = /^[1-9]\d{0,14}$/.test(asked.mailing);
  const wrong: Record<string, string | false> = {
    q: asked.q.length > searchMax && 'too_long',
    owner: asked.owner.length > searchMax && 'too_long',
    status: text('status') !== asked.status && 'invalid_value',
    kind: text('kind') !== asked.kind && 'invalid_value',
    mailing: asked.mailing !== '' && !isId && 'invalid_value',
  };
  const errors: FieldErrors = { ...wrongDays };
  for (const [name, code] of Object.entries(wrong)) if (code) errors[name] = { code };
  return {
    asked,
    errors,
    ...readCursor(params, ['number', 'number']),
    filter: {
      q: asked.q || undefined,
      owner: asked.owner || undefined,
      status: asAttemptStatus(asked.status),
      kind: asAnswerKind(asked.kind),
      mailingId: isId ? Number(asked.mailing) : null,
      from,
      until,
    },
  };
}

/**
 * Reads the filters of a run's list of clients from an address. Field codes: `too_long` at `q`, `invalid_value` at `status` and `kind`;
 * where there is any nothing should be listed. Of the cursor it says what {@link readAttemptsAsked} does.
 */
export function readClientsAsked(params: Record<string, string | string[] | undefined>) {
  const text = (name: string) => {
    const value = params[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  const q = text('q');
  const status = asDeliveryStatus(text('status'));
  const kind = asAnswerKind(text('kind'));
  const errors: FieldErrors = {};
  if (q.length > searchMax) errors.q = { code: 'too_long' };
  if (text('status') && !status) errors.status = { code: 'invalid_value' };
  if (text('kind') && !kind) errors.kind = { code: 'invalid_value' };
  return { q: q || undefined, status, kind, errors, ...readCursor(params, ['number']) };
}

/**
 * One line of CSV (RFC 4180). What a spreadsheet would run as a formula gets an apostrophe in front: names are written by
 * strangers, and so is what a mail server answers. Full-width signs count, and so does whatever stands behind a semicolon, a tab
 * or the end of a line: where the comma is the decimal sign, a spreadsheet takes these for the beginning of a cell.
 */
export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

const formula = /(?<=^|[;\t\r\n])(?=["\s]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

/**
 * A cell that begins no formula, in which no other begins, and that needs no quotes: most are so, and a million of them are looked at for an
 * export. It means the same to PostgreSQL.
 */
export const plainCell = /^[0-9A-Za-z][^",;\t\r\n]*$/;

function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  if (plainCell.test(value)) return value;
  const harmless = value.replace(formula, "'").replace(/^(?=[\t\r\n])/, "'");
  return /[",;\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/**
 * A CSV file, streamed: any number of chunks takes the memory of one. A chunk is of rows, or of the octets of lines that {@link csvLine} would
 * write. Ends the reading when nobody takes it any more.
 */
export function csvStream<Column extends string>(
  columns: readonly Column[],
  chunks: AsyncGenerator<readonly Record<Column, string | number>[] | Uint8Array, void>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isFirst = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      // The mark tells spreadsheets that this is UTF-8.
      if (isFirst) controller.enqueue(encoder.encode(`\uFEFF${csvLine(columns)}`));
      let isGiven = isFirst;
      isFirst = false;
      // A stream that is given nothing is not asked again: an empty chunk is passed over.
      while (!isGiven) {
        const { value: rows = [], done } = await chunks.next();
        const octets =
          rows instanceof Uint8Array
            ? rows
            : encoder.encode(rows.map((row) => csvLine(columns.map((column) => row[column]))).join(''));
        isGiven = octets.length > 0;
        if (isGiven) controller.enqueue(octets);
        if (done) return controller.close();
      }
    },
    async cancel() {
      await chunks.return();
    },
  });
}

/*
 * What Mailroom itself writes where no server has said anything: it stands with the attempt in English, as scripts know it, and pages
 * say it in the reader's language. The phrases come from `lib/email`, and a test reads them there.
 */

/** Each is a sentence of the catalogue. */
type OwnWordsCode =
  | 'closed'
  | 'lost'
  | 'silent'
  | 'refused'
  | 'unreachable'
  | 'not_found'
  | 'not_connected'
  | 'tls_late'
  | 'tls_closed'
  | 'tls_missing'
  | 'garbage'
  | 'out_of_place'
  | 'no_sign_in'
  | 'other_sign_in'
  | 'too_big'
  | 'foreign_address'
  | 'no_address'
  | 'example'
  | 'letter_broken'
  | 'unclear'
  | 'not_all'
  | 'stopped'
  | 'outbox';
export type OwnWords = { code: OwnWordsCode; values: Record<string, string> };

/** Whole phrases; what differs from one to the next is named. */
const phrases: [OwnWordsCode, RegExp][] = [
  ['closed', /^(the server closed the connection|closed by us|closed)$/],
  ['lost', /^(the connection was lost|connection lost: .*)$/],
  ['silent', /^no answer in time$/],
  ['not_connected', /^no connection( in time)?$/],
  ['tls_late', /^the encrypted connection was not made in time$/],
  ['tls_closed', /^the server closed the connection during the TLS handshake$/],
  ['tls_missing', /^the server offers no encryption \(STARTTLS\)$/],
  ['garbage', /^(the server answered something that is not SMTP|the server spoke before encryption began)$/],
  [
    'out_of_place',
    /^(an answer that belongs to no command|an answer is missing: the others may belong to other commands|an answer out of place: .*)$/,
  ],
  ['no_sign_in', /^the server offers no sign-in$/],
  ['other_sign_in', /^the server offers only (?<ways>.+)$/],
  ['too_big', /^the letter has (?<octets>\d+) octets, the server takes (?<limit>\d+)$/],
  ['foreign_address', /^the server takes no addresses with such letters \(SMTPUTF8\)$/],
  ['no_address', /^this is not an e-mail address$/],
  ['example', /^Addresses ending in \.example are examples: nothing is ever sent to them\.$/],
  ['unclear', /^an answer that says nothing about the letters$/],
  ['not_all', /^an answer for (?<answered>\d+) letters of (?<letters>\d+)$/],
  ['stopped', /^stopped before each letter had its turn$/],
];
const outbox = /^kept in the outbox as letter (?<letter>\d*)$/;

/** What the system says of a connection: its codes stand in its own sentences. */
const systemCodes: [OwnWordsCode, RegExp][] = [
  ['refused', /\bECONNREFUSED\b/],
  ['not_found', /\b(ENOTFOUND|EAI_AGAIN)\b/],
  ['unreachable', /\b(EHOSTUNREACH|ENETUNREACH)\b/],
  ['not_connected', /\bETIMEDOUT\b/],
  ['lost', /\b(ECONNRESET|EPIPE)\b/],
];

/**
 * What stands in a server's place, as Mailroom's own words; null for a server's. Whatever has a code was said by one, but in the outbox;
 * an answer of SMTP begins with its code, so that no phrase is one.
 */
export function ownWords({
  code,
  response,
  stage,
}: {
  code: number | null;
  response: string;
  stage: string;
}): OwnWords | null {
  const found = (of: OwnWordsCode, pattern: RegExp): OwnWords | null => {
    const match = pattern.exec(response);
    return match && { code: of, values: { ...match.groups } };
  };
  if (stage === 'outbox') return found('outbox', outbox);
  if (code !== null || response === '') return null;
  if (stage === 'compose') return { code: 'letter_broken', values: {} };
  for (const [of, pattern] of phrases) {
    const known = found(of, pattern);
    if (known) return known;
  }
  if (/^[245]\d\d[- ]/.test(response)) return null;
  return systemCodes.flatMap(([of, pattern]) => found(of, pattern) ?? []).at(0) ?? null;
}
