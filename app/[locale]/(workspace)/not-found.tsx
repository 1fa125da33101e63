import { getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { MessagePage } from '@/components/layout/message-page';

export default async function NotFound() {
  const t = await getTranslations('layout.notFound');
  return (
    <MessagePage title={t('title')} actions={<LinkButton href="/dashboard">{t('dashboard')}</LinkButton>}>
      <p>{t('body')}</p>
    </MessagePage>
  );
}
