import { answerKinds, attemptStatuses } from '@/db/enums';

/** No page of a search looks through more attempts than this. */
export const attemptsSearched = 100_000;

/** The words of the status filter; null for anything else. */
export function asAttemptStatus(value: unknown) {
  return attemptStatuses.find((status) => status === value) ?? null;
}

/** The words of the filter by what an answer means; null for anything else. */
export function asAnswerKind(value: unknown) {
  return answerKinds.find((kind) => kind === value) ?? null;
}

/** Characters of what is looked for in lists of attempts and deliveries. */
export const searchMax = 200;

/**
 * One line of CSV (RFC 4180). What a spreadsheet would run as a formula gets an apostrophe in front: names are written by
 * strangers, and so is what a mail server answers. Full-width signs count, and so does whatever stands behind a semicolon, a tab
 * or the end of a line: where the comma is the decimal sign, a spreadsheet takes these for the beginning of a cell.
 */
export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

const formula = /(?<=^|[;\t\r\n])(?=["\s]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const harmless = value.replace(formula, "'").replace(/^(?=[\t\r\n])/, "'");
  return /[",;\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Rows that go out in one piece. */
const rowsPerPiece = 500;

/** A CSV file, streamed: any number of rows takes the memory of one piece. Ends the reading when nobody takes it any more. */
export function csvStream<Column extends string>(
  columns: readonly Column[],
  rows: AsyncGenerator<Record<Column, string | number>, void>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isFirst = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      // The mark tells spreadsheets that this is UTF-8.
      let piece = isFirst ? `\uFEFF${csvLine(columns)}` : '';
      isFirst = false;
      for (let count = 0; count < rowsPerPiece; count += 1) {
        const { value, done } = await rows.next();
        if (done) {
          if (piece) controller.enqueue(encoder.encode(piece));
          controller.close();
          return;
        }
        piece += csvLine(columns.map((column) => value[column]));
      }
      controller.enqueue(encoder.encode(piece));
    },
    async cancel() {
      await rows.return();
    },
  });
}
