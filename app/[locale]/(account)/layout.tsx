import { NextIntlClientProvider } from 'next-intl';
import { getMessages } from 'next-intl/server';
import type { ReactNode } from 'react';
import { Site } from '@/components/layout/site';
import { env } from '@/lib/env';

export default async function AccountLayout({ children }: { children: ReactNode }) {
  const { ui, layout, errors, notices, account } = await getMessages();
  return (
    <NextIntlClientProvider messages={{ ui, layout, errors, notices, account }}>
      <Site defaultLocale={env().DEFAULT_LOCALE}>{children}</Site>
    </NextIntlClientProvider>
  );
}
