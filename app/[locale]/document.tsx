import type { Metadata, Viewport } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import type { ReactNode } from 'react';
import { preload } from 'react-dom';
import { BrokenGround } from '@/components/layout/broken';
import { ThemeKeeper } from '@/components/layout/theme';
import { LinkGround } from '@/components/ui/link';
import { workspaceAreas } from '@/lib/auth/route-rules';
import { appUrl, env } from '@/lib/env';
import { isLocale, type Locale, locales, localizedPath } from '@/lib/i18n/paths';
import '../globals.css';

/*
 * There are two documents, and no layout above them: the one of public pages, which are made once and kept, and the one of the workspace,
 * whose scripts carry a nonce of the request. Next takes a step from one root layout to another as a full load, whatever led there (a
 * link, an action that redirects, the back button), so each document lives under its own content security policy.
 */

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

const latin = new URL(
  '@fontsource-variable/golos-text/files/golos-text-latin-wght-normal.woff2',
  import.meta.url,
);
const cyrillic = new URL(
  '@fontsource-variable/golos-text/files/golos-text-cyrillic-wght-normal.woff2',
  import.meta.url,
);
/** The files of the typeface that a page of a language is sure to need: the first paint waits for them a moment, and no other does. */
const typeface: Record<Locale, URL[]> = { en: [latin], ru: [latin, cyrillic] };

/**
 * The root of every page. No catalogue goes to the browser from here, because the code that reads one is a tenth of all that a public
 * page would load: what is alive there gets its words from the server. The workspace and the forms of accounts bring theirs.
 */
export async function Document({
  children,
  params,
  isWorkspace,
}: {
  children: ReactNode;
  params: Promise<{ locale: string }>;
  isWorkspace: boolean;
}) {
  if (!isLocale((await params).locale)) notFound();
  const locale = await getLocale();
  for (const file of typeface[locale])
    preload(String(file), { as: 'font', type: 'font/woff2', crossOrigin: 'anonymous' });
  const t = await getTranslations('layout.broken');
  const home = localizedPath(locale, '/', env().DEFAULT_LOCALE);
  return (
    <html lang={locale} suppressHydrationWarning>
      <body>
        <ThemeKeeper />
        <LinkGround
          prefix={home === '/' ? '' : home}
          workspaceAreas={workspaceAreas}
          isWorkspace={isWorkspace}
        >
          <BrokenGround words={{ title: t('title'), body: t('body', { id: '{id}' }), again: t('again') }}>
            {children}
          </BrokenGround>
        </LinkGround>
      </body>
    </html>
  );
}
