import { locale as localeOfPath } from 'next/root-params';
import { getRequestConfig } from 'next-intl/server';
import { catalogues } from './catalogues';
import { isLocale } from './paths';

/** What next-intl asks for on every render: the language is the path's unless the caller names one. */
export default getRequestConfig(async ({ locale }) => {
  const wanted: unknown = locale ?? (await localeOfPath());
  const known = isLocale(wanted) ? wanted : 'en';
  return { locale: known, messages: catalogues[known], timeZone: 'UTC' };
});
