import { getTranslations } from 'next-intl/server';
import { env } from '@/lib/env';
import { cachedFeed } from '@/lib/posts/cache';
import { atomFeed } from '@/lib/posts/feed';

export const dynamic = 'force-static';
export const revalidate = 60;

/** The newest articles for feed readers. One feed for all: the articles are the same, whatever the interface speaks. */
export async function GET() {
  const [posts, t] = await Promise.all([
    cachedFeed(),
    getTranslations({ locale: env().DEFAULT_LOCALE, namespace: 'blog' }),
  ]);
  return new Response(atomFeed(posts, { title: `Mailroom: ${t('title')}`, subtitle: t('lead') }), {
    headers: { 'content-type': 'application/atom+xml; charset=utf-8' },
  });
}
