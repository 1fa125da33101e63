'use client';

import { useLocale, useTranslations } from 'next-intl';
import { Alert } from '@/components/ui/alert';
import { Button } from '@/components/ui/button';
import { Time } from '@/components/ui/time';
import type { UnsavedText } from '@/components/ui/unsaved-text';

/** Text that was typed here before and never saved: it can be had back, or be thrown away. */
export function UnsavedOffer({
  text,
  isOlder,
  zone,
  onRestore,
  onDrop,
}: {
  text: UnsavedText;
  /** The article was saved since, so that there are two texts now. */
  isOlder: boolean;
  zone: string;
  onRestore: () => void;
  onDrop: () => void;
}) {
  const t = useTranslations('posts.unsaved');
  const locale = useLocale();
  return (
    <Alert tone="warn" role="status">
      <p>
        {t.rich('title', { at: () => <Time value={text.at} zone={zone} locale={locale} /> })}{' '}
        {isOlder ? t('older') : null}
      </p>
      <div className="mt-2 flex flex-wrap gap-2">
        <Button size="sm" onClick={onRestore}>
          {t('restore')}
        </Button>
        <Button size="sm" variant="ghost" onClick={onDrop}>
          {t('drop')}
        </Button>
      </div>
    </Alert>
  );
}
