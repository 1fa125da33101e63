import type { Locale } from '@/lib/i18n/paths';

// English here is written the international way: day before month, 24 hours.
const languages: Record<Locale, string> = { en: 'en-GB', ru: 'ru' };

/** `12345` → `12,345`, `12 345`. */
export function formatNumber(locale: Locale, value: number): string {
  return new Intl.NumberFormat(languages[locale]).format(value);
}

/** A count that stopped at a limit says so: `10,000+`. */
export function formatCount(locale: Locale, count: { value: number; exact: boolean }): string {
  return `${formatNumber(locale, count.value)}${count.exact ? '' : '+'}`;
}

/** A share of one in hundreds: `0.123` → `12%`, `12 %`. */
export function formatShare(locale: Locale, share: number): string {
  return new Intl.NumberFormat(languages[locale], { style: 'percent' }).format(share);
}

/** An instant on the wall clock of `zone` (IANA), to the minute, with the zone's offset: `1 Dec 2026, 09:00 GMT+3`. */
export function formatInstant(locale: Locale, at: Date | string, zone: string): string {
  return new Intl.DateTimeFormat(languages[locale], {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
    timeZoneName: 'shortOffset',
  }).format(typeof at === 'string' ? new Date(at) : at);
}

/** The wall clock of `zone` at an instant, without the day: `09:00`. */
export function formatTime(locale: Locale, at: Date, zone: string): string {
  return new Intl.DateTimeFormat(languages[locale], {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  }).format(at);
}

/** The day of an instant in `zone`: `1 December 2026`. */
export function formatDay(locale: Locale, at: Date | string, zone: string): string {
  return new Intl.DateTimeFormat(languages[locale], { dateStyle: 'long', timeZone: zone }).format(
    typeof at === 'string' ? new Date(at) : at,
  );
}

/** The same in short, without the year: `1 Dec`. */
export function formatShortDay(locale: Locale, at: Date | string, zone: string): string {
  return new Intl.DateTimeFormat(languages[locale], {
    day: 'numeric',
    month: 'short',
    timeZone: zone,
  }).format(typeof at === 'string' ? new Date(at) : at);
}
