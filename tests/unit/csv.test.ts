import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { csvLine, csvStream } from '@/lib/attempts/schema';

const signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
const formulas = signs.flatMap((sign) => [
  `${sign}1+1`,
  `${sign}HYPERLINK("http://evil.example";"look")`,
  `  ${sign}1+1`,
  `\t${sign}1+1`,
  `\r${sign}1+1`,
  `\n${sign}1+1`,
  `"${sign}1+1"`,
  `550 no;${sign}cmd|' /C calc'!A0`,
  `550 no;"${sign}1+1"`,
  `550 no; ${sign}1+1`,
  `550-no\n${sign}1+1`,
  `550-no\r\n${sign}1+1;${sign}2`,
  `550 no\t${sign}1+1`,
]);

/** What a spreadsheet makes of a file, by the sign it separates cells by. */
const opened = (file: string, delimiter: string): string[] =>
  (parse(file, { delimiter, relax_quotes: true, relax_column_count: true, bom: true }) as string[][]).flat();
const runs = (cell: string) => /^["\s]*[=+\-@＝＋－＠]/.test(cell);

describe('a cell of an export', () => {
  it.each([',', ';', '\t'])('is no formula for a spreadsheet that separates cells by %j', (delimiter) => {
    for (const cell of formulas) {
      const file = csvLine(['first', 'a comma, and then', cell, 'last']);
      expect(opened(file, delimiter).filter(runs), JSON.stringify(cell)).toEqual([]);
    }
  });

  it('says what it said, but for the apostrophes', () => {
    for (const cell of formulas) {
      const [read = ''] = opened(csvLine([cell]), ',');
      expect(read.replaceAll(/(?<=^|[;\t\r\n])'/g, '')).toBe(cell);
    }
  });

  it('is left as it is where nothing would run', () => {
    const harmless = ['550 5.1.1 <a@b.example>: gone', 'Anna-Maria', 'a=b', '1 - 2; 3', '', "O'Hara", '12,5'];
    expect(opened(csvLine(harmless), ',')).toEqual(harmless);
    expect(csvLine([-5, 0])).toBe('-5,0\r\n');
  });
});

describe('a file of an export', () => {
  it('has all rows and an end, however many chunks of it are empty', async () => {
    for (const chunks of [[], [[]], [[], [{ n: 1 }], [], [], [{ n: 2 }, { n: 3 }], []]]) {
      const stream = csvStream(
        ['n'],
        (async function* () {
          yield* chunks;
        })(),
      );
      const file = await new Response(stream).text();
      expect(opened(file, ',')).toEqual(['n', ...chunks.flat().map(({ n }) => String(n))]);
    }
  });
});
