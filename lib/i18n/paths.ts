/** Languages of the interface. The bare path belongs to the default one, the other carries its prefix. */
export const locales = ['en', 'ru'] as const;
export type Locale = (typeof locales)[number];

export function isLocale(value: unknown): value is Locale {
  return value === 'en' || value === 'ru';
}

/**
 * The address of an internal page in a language: `/clients` → `/ru/clients` where Russian is not the default.
 * `path` starts with `/` and carries no locale prefix.
 */
export function localizedPath(locale: Locale, path: string, defaultLocale: Locale): string {
  if (locale === defaultLocale) return path;
  return path === '/' ? `/${locale}` : `/${locale}${path}`;
}

/** Takes the locale off a path as typed in the address bar: `/ru/clients` → `{ locale: 'ru', path: '/clients' }`. */
export function splitLocale(pathname: string, defaultLocale: Locale): { locale: Locale; path: string } {
  const match = /^\/(en|ru)(?=\/|$)/.exec(pathname);
  if (!match) return { locale: defaultLocale, path: pathname };
  return { locale: match[1] as Locale, path: pathname.slice(match[0].length) || '/' };
}

/** Rewrites and redirects that put the locale into the path without a middleware, for `next.config.ts`. */
export function localeRewrites(defaultLocale: Locale) {
  return {
    rewrites: [
      { source: '/', destination: `/${defaultLocale}` },
      {
        source: '/:path((?!ru(?:/|$)|en(?:/|$)|api/|_next/|.*\\.).*)',
        destination: `/${defaultLocale}/:path`,
      },
    ],
    redirects: [
      { source: `/${defaultLocale}`, destination: '/', permanent: true },
      { source: `/${defaultLocale}/:path*`, destination: '/:path*', permanent: true },
    ],
  };
}
