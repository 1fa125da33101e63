import { InvalidArgumentError } from 'commander';
import { readCursor } from '@/lib/paging';

/** Reads a whole number of an option; anything else is wrong usage. */
export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It has to be a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** The id of a row. */
export const rowId = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** Ids of rows, of an option that takes several and may be repeated. */
export function rowIds(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), rowId(text)];
}

/** The cursor of a list by id; one that is damaged is wrong usage, since the list would begin at its beginning. */
export function cursor(text: string): string {
  const { after } = readCursor({ after: text }, ['number']);
  if (!after) throw new InvalidArgumentError('It has to be the `next` of the page before, whole.');
  return after;
}
