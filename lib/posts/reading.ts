import type { Locale } from '@/lib/i18n/paths';

/** Words that a grown-up reads in a minute (IReST: Trauzettel-Klosinski and Dietz, 2012). */
const wordsPerMinute: Record<Locale, number> = { en: 228, ru: 184 };

/** What the sanitiser leaves of entities; any other is a space here. */
const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

/** The words of an HTML text, without its tags; code is shown, but not read word by word. */
function plainText(html: string): string {
  return html
    .replace(/<pre\b[^>]*>.*?<\/pre>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(?:#\d+|#x[\da-f]+|[a-z]+);/gi, (entity) => entities[entity] ?? ' ');
}

/** What an article is about in a sentence or two: its summary, or how it begins where nobody wrote one. */
export function summaryOf({ summary, body }: { summary: string; body: string }): string {
  if (summary) return summary;
  const text = plainText(body).replace(/\s+/g, ' ').trim();
  if (text.length <= 200) return text;
  const cut = text.slice(0, 200);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), 100))}…`;
}

const countOf = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

/**
 * What readers are told about a text before they begin: its language, and the whole minutes that it takes (at least one). Articles do
 * not say which language they are in, and the blog has those of the interface: it is Russian where more letters are Cyrillic than Latin.
 */
export function readingOf(title: string, html: string): { language: Locale; minutes: number } {
  const text = `${title} ${plainText(html)}`;
  const language = countOf(text, /\p{Script=Cyrillic}/gu) > countOf(text, /\p{Script=Latin}/gu) ? 'ru' : 'en';
  const words = countOf(text, /[\p{L}\p{N}]+(?:[-'’][\p{L}\p{N}]+)*/gu);
  return { language, minutes: Math.max(1, Math.round(words / wordsPerMinute[language])) };
}

/** Beginnings of words that are long and say nothing about what a text is about. */
const common = new Set(
  'about after again befor being could doing every other shoul since their there these thing those until where which while would более будет всегд зачем когда котор между может можно нужно перед после почем самые самый сразу такая также такой тогда тольк чтобы этого'.split(
    ' ',
  ),
);

/** Words by their first five letters, so that cases and plurals are one word; shorter ones say too little. */
function themes(text: string): Set<string> {
  const words =
    text
      .toLowerCase()
      .replaceAll('ё', 'е')
      .match(/\p{L}{5,}/gu) ?? [];
  return new Set(words.map((word) => word.slice(0, 5)).filter((word) => !common.has(word)));
}

/**
 * Which of the others are about the same: those that share words of title and summary with it, a word that few share counting more
 * (1 / the number of articles that have it). Best first, at most `count`, fewer when fewer share anything; equals stay as they came.
 */
export function relatedTo<T extends { title: string; summary: string }>(
  post: { title: string; summary: string },
  others: readonly T[],
  count: number,
): T[] {
  const themesOf = ({ title, summary }: { title: string; summary: string }) => themes(`${title} ${summary}`);
  const mine = themesOf(post);
  const shared = others.map((other) => [...themesOf(other)].filter((theme) => mine.has(theme)));
  const shares = new Map<string, number>();
  for (const theme of shared.flat()) shares.set(theme, (shares.get(theme) ?? 0) + 1);
  return others
    .map((other, at) => ({
      other,
      weight: (shared[at] ?? []).reduce((sum, theme) => sum + 1 / (shares.get(theme) ?? 1), 0),
    }))
    .filter(({ weight }) => weight > 0)
    .sort((one, two) => two.weight - one.weight)
    .slice(0, count)
    .map(({ other }) => other);
}
