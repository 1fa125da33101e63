import { NextIntlClientProvider } from 'next-intl';
import { getMessages } from 'next-intl/server';
import type { ReactNode } from 'react';

/** Forms of accounts say more sentences in the browser than the other public pages do. */
export default async function AccountLayout({ children }: { children: ReactNode }) {
  const { ui, layout, errors, notices, account } = await getMessages();
  return (
    <NextIntlClientProvider messages={{ ui, layout, errors, notices, account }}>
      {children}
    </NextIntlClientProvider>
  );
}
