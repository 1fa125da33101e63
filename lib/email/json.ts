/*
 * JSON as strings of one character an octet ("binary" strings, as in mime.ts), so that text encoded once can be joined to the text
 * of one letter without copying.
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

/** The same string in one piece of memory, a byte a character: joined to a wider or scattered one, all would be copied wide. */
const flat = (octets: string) => Buffer.from(octets, 'latin1').toString('latin1');

/**
 * Prepares a text of `pieces` with one value between each two: takes the values and answers the whole as a JSON string, quotes
 * included. The pieces are encoded here, once.
 */
export function compileJson(pieces: readonly string[]): (values: readonly string[]) => string {
  const fixed = pieces.map((piece) => flat(escaped(piece)));
  return (values) => {
    let text = `"${fixed[0] ?? ''}`;
    for (let i = 1; i < fixed.length; i++) text += escaped(values[i - 1] ?? '') + fixed[i];
    return `${text}"`;
  };
}
