'use client';

import { useTranslations } from 'next-intl';
import { useLocalPath } from '@/components/layout/local-path';
import { Tabs } from '@/components/ui/tabs';

const places = ['users', 'mailings', 'messages', 'clients', 'attempts', 'audit'] as const;

/** The views of the managers' desk. */
export function DeskTabs() {
  const t = useTranslations('manage');
  const path = useLocalPath();
  return (
    <Tabs
      label={t('places')}
      items={places.map((place) => ({
        href: `/manage/${place}`,
        label: t(`${place}.tab`),
        current: path === `/manage/${place}` || path.startsWith(`/manage/${place}/`),
      }))}
    />
  );
}
