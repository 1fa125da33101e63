import type { MetadataRoute } from 'next';
import { locales } from '@/lib/i18n/paths';
import { addressOf, languagesOf } from '@/lib/posts/addresses';
import { cachedAddresses } from '@/lib/posts/cache';

export const revalidate = 60;

/** Every page that anybody may read, in each language of the interface. */
export default async function sitemap(): Promise<MetadataRoute.Sitemap> {
  const posts = await cachedAddresses();
  const pages = [
    { path: '/' },
    { path: '/blog', ...(posts[0] ? { lastModified: posts[0].updatedAt } : {}) },
    ...posts.map(({ slug, updatedAt }) => ({ path: `/blog/${slug}`, lastModified: updatedAt })),
    { path: '/register' },
    { path: '/login' },
  ];
  return pages.flatMap(({ path, ...page }) =>
    locales.map((locale) => ({
      url: addressOf(path, locale),
      ...page,
      alternates: { languages: languagesOf(path) },
    })),
  );
}
