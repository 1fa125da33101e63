'use client';

import { useTranslations } from 'next-intl';
import { useEffect, useRef } from 'react';
import { Button } from '@/components/ui/button';
import { MessagePage } from './message-page';

/** A surprise: says so plainly, with the number under which the server wrote it down, and offers another try. */
export function Broken({ digest, retry }: { digest: string | undefined; retry: () => void }) {
  const t = useTranslations('layout.broken');
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <div ref={box} tabIndex={-1} role="alert" className="outline-none">
      <MessagePage
        title={t('title')}
        actions={
          <Button variant="primary" onClick={retry}>
            {t('again')}
          </Button>
        }
      >
        <p>{t('body', { id: digest ?? '–' })}</p>
      </MessagePage>
    </div>
  );
}
