import { useTranslations } from 'next-intl';
import { LinkButton } from './link';
import { MessagePage } from './message-page';

/** There is nothing at this address, or nothing for this visitor: the two are told in the same words. */
export function Missing() {
  const t = useTranslations('layout.notFound');
  return (
    <MessagePage title={t('title')} actions={<LinkButton href="/">{t('home')}</LinkButton>}>
      <p>{t('body')}</p>
    </MessagePage>
  );
}
