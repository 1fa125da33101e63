import { getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { Alert } from '@/components/ui/alert';

/** Where letters of the system are read when nothing leaves this machine. */
export async function OutboxHint() {
  const t = await getTranslations('account.check');
  return (
    <Alert tone="warn">
      <p>{t('outbox')}</p>
      <LinkButton href="/outbox" size="sm" className="mt-2">
        {t('openOutbox')}
      </LinkButton>
    </Alert>
  );
}
