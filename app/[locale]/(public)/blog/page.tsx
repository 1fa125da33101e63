import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { PostCards } from '@/components/posts/post-cards';
import { Empty } from '@/components/ui/empty';
import { cachedPosts } from '@/lib/posts/cache';

export const revalidate = 60;
export const dynamicParams = false;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('blog');
  return { title: t('title'), description: t('lead') };
}

export default async function BlogPage() {
  const [t, posts] = await Promise.all([getTranslations('blog'), cachedPosts()]);
  return (
    <div className="mx-auto max-w-6xl px-4 pt-10 pb-16 sm:px-6 lg:pt-14">
      <h1 className="text-4xl font-semibold tracking-[-0.02em]">{t('title')}</h1>
      <p className="mt-3 mb-9 max-w-prose text-[1.0625rem] text-muted">{t('lead')}</p>
      {posts.length > 0 ? (
        <PostCards posts={posts} heading="h2" />
      ) : (
        <Empty title={t('empty')} body={t('emptyBody')} />
      )}
    </div>
  );
}
