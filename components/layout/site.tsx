import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import type { Locale } from '@/lib/i18n/paths';
import { AccountLinks } from './account-links';
import { AliveKeeper } from './alive-keeper';
import { LanguageSwitch } from './language-switch';
import { AppLink } from './link';
import { Logo } from './logo';
import { SkipLink } from './skip-link';
import { ThemeSwitch } from './theme-switch';

/** Header and footer of the pages that anybody may read. */
export function Site({ defaultLocale, children }: { defaultLocale: Locale; children: ReactNode }) {
  const t = useTranslations('layout');
  return (
    <div className="flex min-h-dvh flex-col">
      <AliveKeeper />
      <SkipLink />
      <header className="border-b border-line print:hidden">
        <div className="mx-auto flex min-h-14 max-w-6xl flex-wrap items-center gap-x-2 gap-y-1 px-4 max-[24rem]:gap-x-1 py-2 sm:gap-x-5 sm:px-6">
          <Logo href="/" />
          <nav aria-label={t('mainNavigation')} className="mr-auto">
            <AppLink href="/blog" prefetch className="rounded-sm px-1.5 py-1 text-muted hover:text-ink">
              {t('nav.blog')}
            </AppLink>
          </nav>
          <ThemeSwitch className="max-sm:hidden" />
          <LanguageSwitch defaultLocale={defaultLocale} />
          <AccountLinks />
        </div>
      </header>
      <main id="content" tabIndex={-1} className="flex-1 outline-none">
        {children}
      </main>
      <footer className="border-t border-line print:hidden">
        <div className="mx-auto flex max-w-6xl flex-wrap items-center justify-between gap-3 px-4 py-5 text-[0.8125rem] text-muted sm:px-6">
          <p>{t('footer')}</p>
          <ThemeSwitch className="sm:hidden" />
        </div>
      </footer>
    </div>
  );
}
