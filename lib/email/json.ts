import type { Octets } from './octets';

/*
 * JSON in UTF-8: as strings of one character an octet ("binary" strings, as in mime.ts), or written into memory, what many letters
 * share as it was encoded once.
 */

/** Text in UTF-8, one character an octet. */
export function utf8Octets(text: string): string {
  return isAscii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
const isAscii = /^[\0-\x7f]*$/;

/** Inside of a JSON string. */
function escaped(text: string): string {
  return standsAsItIs.test(text) ? text : utf8Octets(JSON.stringify(text).slice(1, -1));
}
const standsAsItIs = /^[ !#-[\]-~]*$/;

/**
 * Prepares a text of `pieces` with one value between each two: takes the values and writes the whole as a JSON string, quotes
 * included. The pieces are encoded here, once.
 */
export function compileJson(pieces: readonly string[]): (out: Octets, values: readonly string[]) => void {
  const fixed = pieces.map((piece) => Buffer.from(escaped(piece), 'latin1'));
  return (out, values) => {
    out.text('"');
    for (const [index, piece] of fixed.entries()) {
      if (index > 0) out.text(escaped(values[index - 1] ?? ''));
      out.add(piece);
    }
    out.text('"');
  };
}
