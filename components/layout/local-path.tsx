'use client';

import { usePathname } from 'next/navigation';
import { useLocale } from 'next-intl';
import { splitLocale } from '@/lib/i18n/paths';

/** The address without its language. The same on the server, which sees the rewritten path, and in the browser, which sees the typed one. */
export function useLocalPath(): string {
  const locale = useLocale();
  return splitLocale(usePathname(), locale).path;
}
