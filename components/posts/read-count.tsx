import { useLocale, useTranslations } from 'next-intl';
import { ViewBeacon } from './view-beacon';

/** A number of each kind that a language counts by; the number itself becomes a place for another. */
const samples = { zero: 0, one: 1, few: 2, many: 5, other: 5 } as const;

/** How often an article was read, counted by its being shown. The browser gets its few words, and no catalogue. */
export function ReadCount({ id, views }: { id: number; views: number }) {
  const t = useTranslations('blog');
  const word = (kind: keyof typeof samples) =>
    t('views', { count: samples[kind] }).replace(String(samples[kind]), '#');
  return (
    <ViewBeacon
      key={id}
      id={id}
      views={views}
      locale={useLocale()}
      words={{
        zero: word('zero'),
        one: word('one'),
        few: word('few'),
        many: word('many'),
        other: word('other'),
      }}
    />
  );
}
