'use client';

import { useTranslations } from 'next-intl';
import { useEffect, useRef } from 'react';
import { useLocalPath } from '@/components/layout/local-path';
import { Tabs } from '@/components/ui/tabs';

const places = ['users', 'mailings', 'messages', 'clients', 'attempts', 'reports', 'posts', 'audit'] as const;

/** The views of the managers' desk. Where they do not fit, the one that is open is in sight. */
export function DeskTabs() {
  const t = useTranslations('manage');
  const path = useLocalPath();
  const frame = useRef<HTMLDivElement>(null);
  const current = places.find((place) => path === `/manage/${place}` || path.startsWith(`/manage/${place}/`));
  useEffect(() => {
    if (current) frame.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  return (
    <div ref={frame} className="min-w-0">
      <Tabs
        label={t('places')}
        items={places.map((place) => ({
          href: `/manage/${place}`,
          label: t(`${place}.tab`),
          current: place === current,
        }))}
      />
    </div>
  );
}
