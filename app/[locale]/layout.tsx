import type { Metadata, Viewport } from 'next';
import { notFound } from 'next/navigation';
import { NextIntlClientProvider } from 'next-intl';
import { getLocale, getMessages, getTranslations } from 'next-intl/server';
import type { ReactNode } from 'react';
import { ThemeKeeper } from '@/components/layout/theme';
import { LinkPrefix } from '@/components/ui/link';
import { appUrl, env } from '@/lib/env';
import { isLocale, locales, localizedPath } from '@/lib/i18n/paths';
import '../globals.css';

/** Both languages are built ahead. Not `dynamicParams = false`: that would hold for every page below, and articles come later. */
export function generateStaticParams() {
  return locales.map((locale) => ({ locale }));
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('layout');
  return {
    metadataBase: new URL(appUrl()),
    title: { default: 'Mailroom', template: '%s · Mailroom' },
    description: t('description'),
  };
}

export const viewport: Viewport = {
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#faf7f1' },
    { media: '(prefers-color-scheme: dark)', color: '#161411' },
  ],
};

/** The root of every page. Public pages get only the sentences that their client components say; the workspace gets all. */
export default async function RootLayout({
  children,
  params,
}: {
  children: ReactNode;
  params: Promise<{ locale: string }>;
}) {
  if (!isLocale((await params).locale)) notFound();
  const locale = await getLocale();
  const { ui, layout, errors, notices } = await getMessages();
  const home = localizedPath(locale, '/', env().DEFAULT_LOCALE);
  return (
    <html lang={locale} suppressHydrationWarning>
      <body>
        <ThemeKeeper />
        <NextIntlClientProvider messages={{ ui, layout, errors, notices }}>
          <LinkPrefix prefix={home === '/' ? '' : home}>{children}</LinkPrefix>
        </NextIntlClientProvider>
      </body>
    </html>
  );
}
