import { useTranslations } from 'next-intl';

/** A number of each kind that a language counts by; the number itself becomes a place for another. */
const samples = { one: 1, few: 2, many: 5, other: 5 } as const;

/**
 * How often an article was read, counted by its being shown. The page is static and knows the number of when it was made; the browser
 * says that it is read, and shows what it is told (`alive`). It gets its few words, and no catalogue.
 */
export function ReadCount({ id, views }: { id: number; views: number }) {
  const t = useTranslations('blog');
  const words = Object.entries(samples).map(([kind, count]) => [
    kind,
    t('views', { count }).replace(String(count), '#'),
  ]);
  return (
    <p
      data-read={id}
      data-views={views}
      data-words={JSON.stringify(Object.fromEntries(words))}
      className="text-[0.8125rem] text-muted"
    >
      {t('views', { count: views })}
    </p>
  );
}
