import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { addressOf, feedPath, languagesOf, picturePath } from './addresses';
import { pictureSize } from './schema';

/** What links, search engines and messengers are told about a page of the blog; `path` carries no language. */
export async function shared(
  path: string,
  { title, description }: { title: string; description: string },
  picture: { url: string; alt: string } = { url: addressOf(picturePath), alt: 'Mailroom' },
) {
  const [t, locale] = await Promise.all([getTranslations('blog'), getLocale()]);
  const url = addressOf(path, locale);
  const images = [{ ...picture, ...pictureSize, type: 'image/png' }];
  return {
    title,
    description,
    alternates: {
      canonical: url,
      languages: languagesOf(path),
      types: { 'application/atom+xml': [{ url: addressOf(feedPath), title: t('feed') }] },
    },
    openGraph: {
      type: 'website',
      siteName: 'Mailroom',
      title,
      description,
      url,
      locale: locale === 'ru' ? 'ru_RU' : 'en_GB',
      images,
    },
    twitter: { card: 'summary_large_image', title, description, images },
  } satisfies Metadata;
}

/** Of a page of the list, counted from 1. */
export async function blogMetadata(number: number): Promise<Metadata> {
  const t = await getTranslations('blog');
  return shared(number > 1 ? `/blog/page/${number}` : '/blog', {
    title: number > 1 ? t('pageTitle', { number }) : t('title'),
    description: t('lead'),
  });
}
