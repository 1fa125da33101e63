import { createTranslator } from 'next-intl';
import { describe, expect, test } from 'vitest';
import { catalogues } from '@/lib/i18n/catalogues';

type Tree = { [key: string]: string | Tree };

function sentences(tree: Tree, prefix = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + key, value]] : sentences(value, `${prefix}${key}.`),
  );
}

/** The names in braces and tags of a sentence, whatever its plural forms. */
const names = (sentence: string) =>
  [
    ...new Set(
      [...sentence.matchAll(/(?<!\b(?:one|few|many|other) |=\d+ )\{(\w+)[,}]|(?<!')<(\w+)>/g)].map(
        ([, name, tag]) => name ?? `<${tag}>`,
      ),
    ),
  ].sort();

describe('every sentence of the interface', () => {
  const en = sentences(catalogues.en);
  const ru = new Map(sentences(catalogues.ru));

  test('exists in both languages', () => {
    expect([...ru.keys()].sort()).toEqual(en.map(([key]) => key).sort());
  });

  test('asks for the same numbers and words in both', () => {
    const differing = en.filter(
      ([key, sentence]) => names(sentence).join() !== names(ru.get(key) ?? '').join(),
    );
    expect(differing.map(([key]) => key)).toEqual([]);
  });

  test.each(['en', 'ru'] as const)('can be put together in %s', (locale) => {
    const broken: string[] = [];
    const t = createTranslator({
      locale,
      messages: catalogues[locale] as Tree,
      onError: (error) => broken.push(error.message),
    }) as unknown as { markup(key: string, values: Record<string, unknown>): string };
    for (const [key, sentence] of sentences(catalogues[locale])) {
      const values = Object.fromEntries([
        ...[...sentence.matchAll(/\{(\w+)/g)].map(([, name]) => [name, 3]),
        ...[...sentence.matchAll(/(?<!')<(\w+)>/g)].map(([, tag]) => [tag, (inner: string) => inner]),
      ]);
      t.markup(key, values);
    }
    expect(broken).toEqual([]);
  });
});
