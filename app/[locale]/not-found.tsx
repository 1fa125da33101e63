import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { MessagePage } from '@/components/layout/message-page';
import { Site } from '@/components/layout/site';
import { env } from '@/lib/env';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('layout.notFound');
  return { title: t('title'), robots: { index: false } };
}

export default async function NotFound() {
  const t = await getTranslations('layout.notFound');
  return (
    <Site defaultLocale={env().DEFAULT_LOCALE}>
      <MessagePage title={t('title')} actions={<LinkButton href="/">{t('home')}</LinkButton>}>
        <p>{t('body')}</p>
      </MessagePage>
    </Site>
  );
}
