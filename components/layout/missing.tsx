import { useTranslations } from 'next-intl';
import type { Locale } from '@/lib/i18n/paths';
import { LinkButton } from './link';
import { MessagePage } from './message-page';
import { Site } from './site';

/** There is nothing at this address, or nothing for this visitor: the two are told in the same words. */
export function Missing({ defaultLocale }: { defaultLocale: Locale }) {
  const t = useTranslations('layout.notFound');
  return (
    <Site defaultLocale={defaultLocale}>
      <MessagePage title={t('title')} actions={<LinkButton href="/">{t('home')}</LinkButton>}>
        <p>{t('body')}</p>
      </MessagePage>
    </Site>
  );
}
