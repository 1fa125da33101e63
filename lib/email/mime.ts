import type { Letter, Mailbox } from './letter';
import { Octets } from './octets';

/*
 * Letters as MIME (RFC 5322, 2045, 2047). Everything here yields strings of one character an octet ("binary" strings), so that
 * pieces encoded once can be joined to the pieces of one letter without copying. Lines end in CRLF and stay far below the 998
 * octets of RFC 5322 2.1.1. No line begins with a dot, so nothing has to be stuffed.
 */

const crlf = '\r\n';
/** RFC 2047: an encoded word has at most 75 characters; `=?UTF-8?B?` and `?=` leave 63, so 60 of base64, 45 octets. */
const encodedWordOctets = 45;
const foldAt = 76;

/** Text of a header on one line: control and line-separating characters become spaces, the ends are trimmed. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

const plainText = /^[\x21-\x7e]+( [\x21-\x7e]+)*$/;
const atomText = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+( [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
const longWord = /[^ ]{70}/;

function encodedWords(text: string): string[] {
  const words: string[] = [];
  let chunk = '';
  let octets = 0;
  const flush = () => {
    if (chunk) words.push(`=?UTF-8?B?${Buffer.from(chunk, 'utf8').toString('base64')}?=`);
    chunk = '';
    octets = 0;
  };
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (octets + size > encodedWordOctets) flush();
    chunk += character;
    octets += size;
  }
  flush();
  return words;
}

/** Joins words by single spaces, and by folds where a line would grow too long. */
function fold(words: string[], column: number): string {
  let line = '';
  let at = column;
  for (const [index, word] of words.entries()) {
    if (index > 0) {
      const breaks = at + 1 + word.length > foldAt;
      line += breaks ? `${crlf} ` : ' ';
      at = breaks ? 1 : at + 1;
    }
    line += word;
    at += word.length;
  }
  return line;
}

/** A header of free text, such as a subject: plain where it can be, encoded words (RFC 2047) elsewhere; folded. */
export function textHeader(name: string, value: string): string {
  // Most subjects are short and plain.
  if (name.length + 2 + value.length <= foldAt && plainText.test(value) && !value.includes('=?'))
    return `${name}: ${value}${crlf}`;
  const text = oneLine(value);
  const plain = text === '' || (plainText.test(text) && !text.includes('=?') && !longWord.test(text));
  return `${name}: ${fold(plain ? text.split(' ') : encodedWords(text), name.length + 2)}${crlf}`;
}

/** A header that has a grammar of its own (List-Unsubscribe, Message-ID): visible ASCII and spaces pass, nothing else. */
export function structuredHeader(name: string, value: string): string {
  return `${name}: ${value.replace(/[^\x20-\x7e]/g, '')}${crlf}`;
}

/** The address as octets: what could end it or the line is left out; non-ASCII letters go as UTF-8 (RFC 6532). */
function addressOctets(address: string): string {
  if (harmlessAddress.test(address)) return address;
  const clean = address.replace(/[\s\p{Cc}<>()[\]\\,;:"]/gu, '');
  return /^[\x21-\x7e]*$/.test(clean) ? clean : Buffer.from(clean, 'utf8').toString('latin1');
}

const harmlessAddress = /^[\w.!#$%&'*+/=?^`{|}~@-]*$/;

/** A header with one mailbox (From, To, Reply-To). */
export function mailboxHeader(name: string, mailbox: Mailbox): string {
  const address = addressOctets(mailbox.address);
  const length = name.length + mailbox.name.length + address.length + 5;
  if (length <= foldAt && atomText.test(mailbox.name) && !mailbox.name.includes('=?'))
    return `${name}: ${mailbox.name} <${address}>${crlf}`;
  const shown = oneLine(mailbox.name);
  if (shown === '') return `${name}: ${address}${crlf}`;
  let words: string[];
  if (!plainText.test(shown) || shown.includes('=?') || shown.length > 60) words = encodedWords(shown);
  else if (atomText.test(shown)) words = shown.split(' ');
  else words = [`"${shown.replace(/["\\]/g, '\\$&')}"`];
  return `${name}: ${fold([...words, `<${address}>`], name.length + 2)}${crlf}`;
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number) => String(value).padStart(2, '0');

/** RFC 5322 3.3, in UTC. */
export function dateHeader(date: Date): string {
  const day = `${days[date.getUTCDay()]}, ${two(date.getUTCDate())} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `Date: ${day} ${time} +0000${crlf}`;
}

/** How one octet stands in quoted-printable where it is not at the start or the end of a line. */
const quoted = Array.from({ length: 256 }, (_, octet) =>
  (octet >= 33 && octet <= 126 && octet !== 61) || octet === 32 || octet === 9
    ? String.fromCharCode(octet)
    : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`,
);
const softBreak = `=${crlf}`;
/** RFC 2045 6.7 (5): 76 characters a line, the soft break's `=` included. */
const lineMax = 75;

const toCrlf = (text: string) => text.replace(/\r\n|\r|\n/g, crlf);

/** Encodes one piece of a quoted-printable body that stands at `column`; answers the column after it. */
function quotePiece(text: string, column: number): { encoded: string; column: number } {
  const octets = Buffer.from(toCrlf(text), 'utf8');
  let encoded = '';
  let at = column;
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i] ?? 0;
    if (octet === 13) {
      encoded += crlf;
      at = 0;
      i++;
      continue;
    }
    let token = quoted[octet] ?? '';
    // White space before the end of a line or piece, and a dot that begins a line, may not stand as they are.
    if ((octet === 32 || octet === 9) && (octets[i + 1] === 13 || i + 1 === octets.length))
      token = octet === 32 ? '=20' : '=09';
    if (at + token.length > lineMax) {
      encoded += softBreak;
      at = 0;
    }
    if (at === 0 && octet === 46) token = '=2E';
    encoded += token;
    at += token.length;
  }
  return { encoded, column: at };
}

const plainLine = /^[ -<>-~]*$/;

/** The same for a value, behind which a soft line break comes. Most are plain ASCII. */
function quoteValue(value: string, column: number): string {
  if (!plainLine.test(value)) return quotePiece(value, column).encoded;
  let encoded = '';
  let at = column;
  for (let from = 0; from < value.length; ) {
    if (at >= lineMax) {
      encoded += softBreak;
      at = 0;
    }
    if (at === 0 && value.charCodeAt(from) === 46) {
      encoded += '=2E';
      at = 3;
      from++;
    }
    const part = value.slice(from, from + lineMax - at);
    encoded += part;
    from += part.length;
    at += part.length;
  }
  return encoded;
}

/** Text in UTF-8 with CRLF, one character an octet. */
const bodyOctets = (text: string) => Buffer.from(toCrlf(text), 'utf8').toString('latin1');

/** 57 octets are 76 characters of base64. */
function base64Lines(octets: string): string {
  const base64 = Buffer.from(octets, 'latin1').toString('base64');
  let lines = '';
  for (let at = 0; at < base64.length; at += foldAt) lines += base64.slice(at, at + foldAt) + crlf;
  return lines;
}

/** A piece of a base64 body, cut so that its middle is encoded already whatever stands before it. */
type Cut = { before: string; middle: Buffer; after: string };

/** Cuts a piece for octets before it that lack `missing` (0 to 2) to be encoded: three octets are four characters. */
function cutForBase64(octets: string, missing: number): Cut {
  const end = octets.length - (Math.max(0, octets.length - missing) % 3);
  return {
    before: octets.slice(0, missing),
    middle: Buffer.from(base64Lines(octets.slice(missing, end)), 'latin1'),
    after: octets.slice(Math.max(missing, end)),
  };
}

function base64Part(head: string, pieces: readonly string[]): CompiledPart {
  const cuts = pieces.map((piece) => {
    const octets = bodyOctets(piece);
    return [0, 1, 2].map((missing) => cutForBase64(octets, missing));
  });
  return (out, values) => {
    out.text(head);
    let waiting = '';
    for (const [index, cut] of cuts.entries()) {
      const value = index === 0 ? '' : values[index - 1];
      if (value) waiting += bodyOctets(value);
      const piece = cut[(3 - (waiting.length % 3)) % 3];
      if (!piece) break;
      waiting += piece.before;
      if (piece.middle.length > 0) {
        out.text(base64Lines(waiting));
        out.add(piece.middle);
        waiting = '';
      }
      waiting += piece.after;
    }
    out.text(base64Lines(waiting));
  };
}

/** A body part whose fixed pieces are encoded already; takes the values that stand between them. */
export type CompiledPart = (out: Octets, values: readonly string[]) => void;

/**
 * Prepares a body part of `pieces` with one value between each two. Pieces are encoded here, once. Those of quoted-printable
 * begin with a soft line break, so that they fit behind a value of any length; mostly non-ASCII text goes as base64.
 */
export function compilePart(contentType: string, pieces: readonly string[]): CompiledPart {
  const ending = pieces.length > 0 && /[\r\n]$/.test(pieces.at(-1) ?? '') ? '' : '\n';
  const fixed = pieces.map((piece, index) => (index === pieces.length - 1 ? piece + ending : piece));
  const whole = fixed.join('');
  const head = `Content-Type: ${contentType}; charset=utf-8${crlf}Content-Transfer-Encoding: `;
  // Quoted-printable spends three characters on an octet that is not ASCII, base64 4/3 on each.
  const foreign = Buffer.byteLength(whole) - whole.length;
  if (foreign * 6 > whole.length) return base64Part(`${head}base64${crlf}${crlf}`, fixed);
  const encoded = fixed.map((piece, index) => {
    const { encoded, column } = quotePiece(piece, 0);
    const before = index === 0 ? `${head}quoted-printable${crlf}${crlf}` : softBreak;
    return { octets: Buffer.from(before + encoded, 'latin1'), column };
  });
  return (out, values) => {
    let column = 0;
    for (let i = 0; i < encoded.length; i++) {
      const value = i === 0 ? '' : values[i - 1];
      if (value) out.text(quoteValue(value, column));
      const piece = encoded[i];
      if (!piece) break;
      out.add(piece.octets);
      column = piece.column;
    }
  };
}

/** Neither encoding can hold `=_`, so this never occurs in a body. */
const boundary = '=_mailroom_alternative';

/** The headers that begin the body. */
export const bodyHeaders = `MIME-Version: 1.0${crlf}Content-Type: multipart/alternative; boundary="${boundary}"${crlf}`;

const opening = Buffer.from(`${bodyHeaders}${crlf}--${boundary}${crlf}`, 'latin1');
const between = Buffer.from(`${crlf}--${boundary}${crlf}`, 'latin1');
const closing = Buffer.from(`${crlf}--${boundary}--${crlf}`, 'latin1');

/** A letter is headers, {@link beginBody}, the text part, {@link nextPart}, the HTML part, {@link endBody}. Ends in CRLF. */
export const beginBody = (out: Octets) => out.add(opening);
export const nextPart = (out: Octets) => out.add(between);
export const endBody = (out: Octets) => out.add(closing);

/** Names whose value is free text; all others keep their own grammar. */
const textual = /^(subject|comments|keywords)$/i;

/** Writes a letter as MIME: multipart/alternative of text and HTML, CRLF, ready for DATA. */
export function writeMime(letter: Letter, out: Octets): void {
  if (letter.writeMime) {
    letter.writeMime(out);
    return;
  }
  let headers = mailboxHeader('From', letter.from) + mailboxHeader('To', letter.to);
  if (letter.replyTo) headers += mailboxHeader('Reply-To', { name: '', address: letter.replyTo });
  headers += textHeader('Subject', letter.subject) + structuredHeader('Message-ID', `<${letter.messageId}>`);
  headers += dateHeader(letter.date);
  for (const [name, value] of letter.headers) {
    if (!/^[A-Za-z][A-Za-z0-9-]{0,60}$/.test(name)) continue;
    headers += textual.test(name) ? textHeader(name, value) : structuredHeader(name, value);
  }
  out.text(headers);
  beginBody(out);
  compilePart('text/plain', [letter.text])(out, []);
  nextPart(out);
  compilePart('text/html', [letter.html])(out, []);
  endBody(out);
}

/** A letter as MIME, one character an octet. */
export function buildMime(letter: Letter): string {
  const out = new Octets();
  writeMime(letter, out);
  return out.view().toString('latin1');
}
