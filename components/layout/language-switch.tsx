'use client';

import { useLocale, useTranslations } from 'next-intl';
import { classNames } from '@/components/ui/class-names';
import { type Locale, locales, localizedPath } from '@/lib/i18n/paths';
import { useLocalPath } from './local-path';

/**
 * The same page in the other language. Plain links and a full load, so that `lang` and everything else change with it; the
 * query goes along where scripts run.
 */
export function LanguageSwitch({ defaultLocale, className }: { defaultLocale: Locale; className?: string }) {
  const t = useTranslations('layout');
  const current = useLocale();
  const path = useLocalPath();
  return (
    <nav aria-label={t('language.label')} className={classNames('flex items-center gap-0.5', className)}>
      {locales.map((locale) => (
        <a
          key={locale}
          href={localizedPath(locale, path, defaultLocale)}
          hrefLang={locale}
          lang={locale}
          aria-label={t(`language.${locale}`)}
          aria-current={locale === current ? 'true' : undefined}
          onClick={(event) => {
            event.currentTarget.search = window.location.search;
          }}
          className={classNames(
            'inline-flex min-h-7 min-w-8 items-center justify-center rounded-sm px-1.5 text-[0.8125rem] font-medium',
            locale === current ? 'bg-sunken text-ink' : 'text-muted hover:bg-sunken hover:text-ink',
          )}
        >
          {t(`language.short.${locale}`)}
        </a>
      ))}
    </nav>
  );
}
