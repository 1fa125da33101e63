import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { PostList } from '@/components/posts/post-list';
import { cachedPostPage } from '@/lib/posts/cache';
import { blogMetadata } from '@/lib/posts/metadata';

export const revalidate = 60;
export const dynamicParams = false;

export function generateMetadata(): Promise<Metadata> {
  return blogMetadata(1);
}

export default async function BlogPage() {
  const page = await cachedPostPage(1);
  if (!page) notFound();
  return <PostList page={page} number={1} />;
}
