import type { Metadata } from 'next';
import { notFound, permanentRedirect } from 'next/navigation';
import { getLocale } from 'next-intl/server';
import { Alone } from '@/components/layout/alone';
import { PostOnward } from '@/components/posts/post-onward';
import { PostView } from '@/components/posts/post-view';
import { ReadCount } from '@/components/posts/read-count';
import { env } from '@/lib/env';
import { localizedPath } from '@/lib/i18n/paths';
import { addressOf, pictureOf } from '@/lib/posts/addresses';
import { cachedMove, cachedPost, cachedSurroundings } from '@/lib/posts/cache';
import { shared } from '@/lib/posts/metadata';
import type { Post } from '@/lib/posts/queries';
import { summaryOf } from '@/lib/posts/reading';

export const revalidate = 60;

/** None while building: each article is made at its first visit. */
export function generateStaticParams(): { slug: string }[] {
  return [];
}

type Props = { params: Promise<{ slug: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const post = await cachedPost((await params).slug);
  if (!post) return {};
  const { title, publishedAt, updatedAt, author } = post;
  const tags = await shared(
    `/blog/${post.slug}`,
    { title, description: summaryOf(post) },
    { url: pictureOf(post), alt: title },
  );
  return {
    ...tags,
    ...(author ? { authors: [{ name: author }] } : {}),
    openGraph: {
      ...tags.openGraph,
      type: 'article',
      publishedTime: publishedAt,
      modifiedTime: updatedAt,
      ...(author ? { authors: [author] } : {}),
    },
  };
}

export default async function PostPage({ params }: Props) {
  const { slug } = await params;
  const post = await cachedPost(slug);
  if (!post) {
    const moved = await cachedMove(slug);
    if (!moved) notFound();
    permanentRedirect(localizedPath(await getLocale(), `/blog/${moved}`, env().DEFAULT_LOCALE));
  }
  const around = await cachedSurroundings(slug);
  return (
    <>
      <script type="application/ld+json">{linkedData(post)}</script>
      <PostView post={post}>
        <ReadCount id={post.id} views={post.views} />
      </PostView>
      <PostOnward around={around} />
      <Alone />
    </>
  );
}

/** The article for search engines (schema.org `BlogPosting`), as JSON that can not end the element it stands in. */
function linkedData(post: Post): string {
  const address = addressOf(`/blog/${post.slug}`);
  const cover = post.imageUrl ? new URL(post.imageUrl, address).href : null;
  const organization = { '@type': 'Organization', name: 'Mailroom', url: addressOf('/') };
  return JSON.stringify({
    '@context': 'https://schema.org',
    '@type': 'BlogPosting',
    headline: post.title,
    description: summaryOf(post),
    image: [cover, pictureOf(post)].filter(Boolean),
    datePublished: post.publishedAt,
    dateModified: post.updatedAt,
    author: post.author ? { '@type': 'Person', name: post.author } : organization,
    publisher: organization,
    mainEntityOfPage: address,
    url: address,
    inLanguage: post.language,
    timeRequired: `PT${post.minutes}M`,
  }).replaceAll('<', '\\u003c');
}
