'use client';

import { usePathname } from 'next/navigation';
import { classNames } from '@/components/ui/class-names';
import { type Locale, localizedPath, splitLocale } from '@/lib/i18n/paths';

/** The links of the language switch; their words come with them. */
export function LanguageLinks({
  choices,
  current,
  defaultLocale,
}: {
  choices: { locale: Locale; name: string; short: string }[];
  current: Locale;
  defaultLocale: Locale;
}) {
  const { path } = splitLocale(usePathname(), current);
  return choices.map(({ locale, name, short }) => (
    <a
      key={locale}
      href={localizedPath(locale, path, defaultLocale)}
      hrefLang={locale}
      lang={locale}
      aria-label={name}
      aria-current={locale === current ? 'true' : undefined}
      className={classNames(
        'inline-flex min-h-7 min-w-8 items-center justify-center rounded-sm px-1.5 text-[0.8125rem] font-medium',
        locale === current ? 'bg-sunken text-ink' : 'text-muted hover:bg-sunken hover:text-ink',
      )}
    >
      {short}
    </a>
  ));
}
