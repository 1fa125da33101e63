import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { Missing } from '@/components/layout/missing';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('layout.notFound');
  return { title: t('title'), robots: { index: false } };
}

/**
 * What the middleware shows, with status 404, in place of a page that is not there for this visitor. A page of its own and not
 * `notFound()`: that one is drawn by scripts only.
 */
export default function NotFoundPage() {
  return <Missing />;
}
