import type { Metadata } from 'next';
import { notFound, permanentRedirect } from 'next/navigation';
import { getLocale } from 'next-intl/server';
import { PostList } from '@/components/posts/post-list';
import { env } from '@/lib/env';
import { localizedPath } from '@/lib/i18n/paths';
import { cachedPostPage } from '@/lib/posts/cache';
import { blogMetadata } from '@/lib/posts/metadata';

export const revalidate = 60;

/** None while building: each page is made at its first visit. */
export function generateStaticParams(): { n: string }[] {
  return [];
}

type Props = { params: Promise<{ n: string }> };

/** One address for each page: no signs, no zeros in front. */
const numberIn = (text: string) => (/^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0);

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return blogMetadata(numberIn((await params).n));
}

export default async function BlogPageOf({ params }: Props) {
  const number = numberIn((await params).n);
  if (number === 1) permanentRedirect(localizedPath(await getLocale(), '/blog', env().DEFAULT_LOCALE));
  const page = await cachedPostPage(number);
  if (!page) notFound();
  return <PostList page={page} number={number} />;
}
