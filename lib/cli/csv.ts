import { createReadStream } from 'node:fs';
import { access, constants, open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { CommandFailed } from './output';

const columns = ['email', 'full_name', 'comment'] as const;
type Column = (typeof columns)[number];

/** One row of a list of clients, with the line of the file it ends on. */
export type CsvClient = { line: number; email: string; fullName: string; comment: string };

/**
 * Reads clients from a CSV file with the columns email, full_name and comment in any order, row by row, so that a million take
 * little memory. A byte order mark is taken off; semicolons and tabs are recognised. Rows that do not fit the heading are passed
 * to `onMisfit` and come out with an empty address. Fails in plain words for a file that is no such list.
 */
export async function* readClientsCsv(
  file: string,
  onMisfit: (line: number) => void,
): AsyncGenerator<CsvClient> {
  await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw new CommandFailed(
      error.code === 'ENOENT' ? `There is no file ${file}.` : `${file} can not be read: ${error.message}`,
    );
  });
  const parser = pipeline(
    Readable.from(decoded(file)),
    parse({
      delimiter: await delimiterOf(file),
      info: true,
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      max_record_size: 1_000_000,
    }),
    // Told again by the loop that reads.
    () => {},
  );
  let order: Map<Column, number> | null = null;
  let width = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      if (!order) {
        order = readHeading(record);
        width = record.length;
        continue;
      }
      const cell = (column: Column) => record[order?.get(column) ?? -1]?.trim() ?? '';
      const fits = record.slice(width).every((extra) => extra.trim() === '');
      if (!fits) onMisfit(info.lines);
      yield {
        line: info.lines,
        email: fits ? cell('email') : '',
        fullName: cell('full_name'),
        comment: cell('comment'),
      };
    }
  } catch (error) {
    if (error instanceof CsvError)
      throw new CommandFailed(`${file} is no CSV file that can be read: ${error.message}.`);
    if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new CommandFailed(`${file} is not in UTF-8. Save it as “CSV UTF-8” and import it again.`);
    throw error;
  }
  if (!order)
    throw new CommandFailed(`${file} is empty. Its first line names the columns: ${columns.join(',')}`);
}

/** The file's text; throws at the first byte that is no UTF-8. */
async function* decoded(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of createReadStream(file)) yield decoder.decode(chunk as Buffer, { stream: true });
  yield decoder.decode();
}

function readHeading(record: string[]): Map<Column, number> {
  const titles = record.map((title) => title.trim().toLowerCase());
  const order = new Map<Column, number>();
  for (const [index, title] of titles.entries()) {
    const column = columns.find((name) => name === title);
    if (!column || order.has(column))
      throw new CommandFailed(
        `The first line has to name the columns email, full_name and comment (email is needed, their order is free). It says: ${titles.join(', ')}`,
      );
    order.set(column, index);
  }
  if (!order.has('email')) throw new CommandFailed('The first line names no column email.');
  return order;
}

/** Excel separates by semicolons where the comma is the decimal sign, which is where Russian is spoken. */
async function delimiterOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    const [heading = ''] = buffer.subarray(0, bytesRead).toString('utf8').split(/\r|\n/);
    const count = (sign: string) => heading.split(sign).length;
    return [',', ';', '\t'].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
  } finally {
    await handle.close();
  }
}
