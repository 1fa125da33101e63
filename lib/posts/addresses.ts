import { appUrl, env } from '@/lib/env';
import { type Locale, locales, localizedPath } from '@/lib/i18n/paths';

export const feedPath = '/blog/feed.xml';
export const picturePath = '/blog/picture.png';
/** The whole address of a page of ours in a language; `path` starts with `/` and carries no language. */
export function addressOf(path: string, locale: Locale = env().DEFAULT_LOCALE): string {
  return `${appUrl()}${localizedPath(locale, path, env().DEFAULT_LOCALE)}`;
}

/**
 * One page in each language of the interface, by language; `x-default` is the bare one (RFC 8288 `alternate`, as sitemaps and the heads
 * of pages name them).
 */
export function languagesOf(path: string): Record<Locale | 'x-default', string> {
  const [en, ru] = locales.map((locale) => addressOf(path, locale));
  return { en: en ?? '', ru: ru ?? '', 'x-default': addressOf(path) };
}

/** The picture of an article; another address after each change, because who shows it keeps it for long. */
export function pictureOf({ slug, updatedAt }: { slug: string; updatedAt: string }): string {
  return `${appUrl()}/blog/${slug}/picture.png?v=${new Date(updatedAt).getTime().toString(36)}`;
}
