import type { Refusal } from '@/lib/errors';

/** Said on standard error, so that standard output stays what a script reads. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A command that could not do what was asked: one plain sentence, exit 1. */
export class CommandFailed extends Error {
  constructor(
    message: string,
    readonly detail: object = {},
  ) {
    super(message);
  }
}

/** A command that was used wrongly: exit 2. */
export class WrongUsage extends Error {}

export type OutputOptions = { json?: boolean };

/** Prints a result: as one JSON object with `--json`, else as lines a person reads. */
export function print(value: object, options: OutputOptions, lines?: () => string[]): void {
  const text = options.json ? JSON.stringify(value) : (lines ?? (() => plainLines(value)))().join('\n');
  process.stdout.write(`${text}\n`);
}

function plainLines(value: object): string[] {
  return Object.entries(value).map(([key, item]) => `${key}: ${plainValue(item)}`);
}

function plainValue(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `1 letter`, `1,200 letters`. */
export function lettersText(count: number): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? 'letter' : 'letters'}`;
}

/** Rows as aligned columns under a heading. */
export function table(heading: string[], rows: string[][]): string[] {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [heading, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** The data of a result, or the refusal as a failed command in plain English. */
export async function unwrap<T>(
  result: { ok: true; data: T } | { ok: false; error: Refusal },
  namespace: string,
): Promise<T> {
  if (result.ok) return result.data;
  const { code, params, fields = {} } = result.error;
  const sentence = await loadSentences(namespace);
  const wrong = Object.entries(fields).map(([field, it]) => `${field}: ${sentence(it.code, it.params)}`);
  throw new CommandFailed(wrong.length > 0 ? wrong.join('\n') : sentence(code, params), {
    error: result.error,
  });
}

/** Turns codes of `<namespace>.errors` or `errors` into sentences of the English catalogue; a code it lacks into its own words. */
export async function loadSentences(namespace: string) {
  const [{ createTranslator }, { catalogues }] = await Promise.all([
    import('next-intl'),
    import('@/lib/i18n/catalogues'),
  ]);
  // Codes are only known at run time; a sentence that lacks a number shows its key.
  const translate = createTranslator<Record<string, never>>({
    locale: 'en',
    messages: catalogues.en as unknown as Record<string, never>,
    onError: () => {},
  }) as unknown as {
    (key: string, params?: Record<string, string | number>): string;
    has: (key: string) => boolean;
  };
  return (code: string, params: Record<string, string | number> = {}): string => {
    const key = [`${namespace}.errors.${code}`, `${namespace}.reasons.${code}`, `errors.${code}`].find(
      (name) => translate.has(name),
    );
    return key ? translate(key, params) : code.replaceAll('_', ' ');
  };
}
