import type { MetadataRoute } from 'next';
import { workspaceAreas } from '@/lib/auth/route-rules';
import { appUrl } from '@/lib/env';
import { locales } from '@/lib/i18n/paths';

export const revalidate = 60;

/** Links that come by mail and work once or for one person. */
const personal = ['verify-email', 'reset-password', 'unsubscribe'];

/** What is private is closed by its own doors; here crawlers are spared the walk to them. */
export default function robots(): MetadataRoute.Robots {
  const areas = [...workspaceAreas, ...personal].flatMap((area) => [
    `/${area}`,
    ...locales.map((locale) => `/${locale}/${area}`),
  ]);
  return {
    // Pictures of articles are there.
    rules: { userAgent: '*', allow: ['/', '/api/uploads/'], disallow: ['/api/', ...areas] },
    sitemap: `${appUrl()}/sitemap.xml`,
  };
}
