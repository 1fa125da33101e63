import { z } from 'zod';

/** One page of a list and the cursor of the next; null when this is the last. */
export type Page<T> = { items: T[]; next: string | null };

/** Rows of a page of a list in the interface. */
export const pageSize = 50;

/** A count that stops at a limit: `exact` is false when there are more than `value`. */
export type BoundedCount = { value: number; exact: boolean };

/** No request counts further than this many rows. */
export const countLimit = 10_000;

/** What a list says of how many it has: where its first page is its last, what stands there; else what is `known`, if anything is. */
export function countOf(
  page: { items: unknown[]; next: string | null },
  after: string | undefined,
  known: BoundedCount | null,
): BoundedCount | null {
  return !after && page.next === null ? { value: page.items.length, exact: true } : known;
}

const cursorSchema = z.array(z.union([z.string().max(600), z.number(), z.null()])).max(4);

/** The sort keys of a page's last row as an opaque word for the address bar. */
export function encodeCursor(keys: (string | number | null)[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

/** Null for anything that is no cursor: the list then starts at its beginning. */
export function decodeCursor(cursor: string | undefined): (string | number | null)[] | null {
  if (!cursor || cursor.length > 2000) return null;
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    return null;
  }
}

/** What the cursors of a list are made of; a `number` is a whole one. */
export type CursorKeys = readonly ('number' | 'fraction' | 'string')[];

const isKey: Record<CursorKeys[number], (key: unknown) => boolean> = {
  number: Number.isSafeInteger,
  fraction: Number.isFinite,
  string: (key) => typeof key === 'string',
};

/**
 * The cursor of an address, where it is one that lists with such keys give out; another is left out, and `isDamaged` says that there was
 * one, so that its reader is told why the list begins at its beginning.
 */
export function readCursor(
  params: Record<string, string | string[] | undefined>,
  keys: CursorKeys,
  name = 'after',
): { after: string | undefined; isDamaged: boolean } {
  const given = params[name];
  if (!given) return { after: undefined, isDamaged: false };
  const after = typeof given === 'string' ? given : undefined;
  const found = decodeCursor(after);
  const isOurs = found?.length === keys.length && keys.every((key, at) => isKey[key](found[at]));
  return isOurs ? { after, isDamaged: false } : { after: undefined, isDamaged: true };
}

/**
 * What the address of a list of one's own asks for that can be sorted: the first of `sorts` where it names none of them, and the cursor
 * as {@link readCursor} reads those of that sort.
 */
export function readSorted<Sort extends string>(
  params: Record<string, string | string[] | undefined>,
  sorts: readonly [Sort, ...Sort[]],
  keys: Record<Sort, CursorKeys>,
): { q: string | undefined; sort: Sort; after: string | undefined; isDamaged: boolean } {
  const sort = sorts.find((known) => known === params.sort) ?? sorts[0];
  const { q, after, isDamaged } = readAsked(params, keys[sort]);
  return { q, sort, after, isDamaged };
}

/** Cuts a list read with `limit size + 1` into a page. */
export function toPage<T>(
  rows: T[],
  size: number,
  cursorOf: (row: T) => (string | number | null)[],
): Page<T> {
  const items = rows.slice(0, size);
  const last = items.at(-1);
  return { items, next: rows.length > size && last ? encodeCursor(cursorOf(last)) : null };
}

/** A search term for `like '%…%'` on a lower-cased column; null for an empty one. */
export function likePattern(term: string | undefined): string | null {
  const trimmed = term?.replaceAll('\0', '').trim().toLowerCase().slice(0, 200);
  return trimmed ? `%${trimmed.replace(/[\\%_]/g, '\\$&')}%` : null;
}

/** A search term that is a whole address, in lower case; null for any other. */
export function wholeAddress(term: string | undefined): string | null {
  const text = term?.trim().toLowerCase() ?? '';
  return text.length <= 254 && /^[^\s@\0]+@[^\s@\0]+\.[^\s@\0]+$/.test(text) ? text : null;
}

/** What the address of a managers' list asks for. */
export type ListAsked = Record<'q' | 'owner' | 'after' | 'status', string | undefined> & {
  isDamaged: boolean;
};

/**
 * What the address of a list asks for: texts are trimmed and cut, empty or repeated ones left out; the cursor as {@link readCursor}
 * reads those with such keys.
 */
export function readAsked(
  params: Record<string, string | string[] | undefined>,
  keys: CursorKeys = ['number'],
): ListAsked {
  const text = (name: string, max: number) => {
    const value = params[name];
    return (typeof value === 'string' ? value.trim().slice(0, max) : '') || undefined;
  };
  return {
    q: text('q', 200),
    owner: text('owner', 200),
    status: text('status', 40),
    ...readCursor(params, keys),
  };
}
