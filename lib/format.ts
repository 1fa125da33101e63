import type { Locale } from '@/lib/i18n/paths';

// English here is written the international way: day before month, 24 hours.
const languages: Record<Locale, string> = { en: 'en-GB', ru: 'ru' };

/** Formatters kept of each kind: a page has few, and zones are chosen by whoever asks. */
const keptMax = 100;

/** Makes each formatter once: to make one takes hundreds of microseconds, and a table wants one a cell. */
function keep<Options, Formatter>(make: (language: string, options: Options) => Formatter) {
  const kept = new Map<string, Formatter>();
  return (locale: Locale, options: Options): Formatter => {
    const key = `${locale} ${JSON.stringify(options)}`;
    const found = kept.get(key) ?? make(languages[locale], options);
    // The one used last stands last, and the first goes.
    kept.delete(key);
    kept.set(key, found);
    for (const oldest of kept.keys()) {
      if (kept.size <= keptMax) break;
      kept.delete(oldest);
    }
    return found;
  };
}

const dates = keep(
  (language, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, options),
);
const numbers = keep(
  (language, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(language, options),
);

/** `12345` → `12,345`, `12 345`. */
export function formatNumber(locale: Locale, value: number): string {
  return numbers(locale, {}).format(value);
}

/** A count that stopped at a limit says so: `10,000+`. */
export function formatCount(locale: Locale, count: { value: number; exact: boolean }): string {
  return `${formatNumber(locale, count.value)}${count.exact ? '' : '+'}`;
}

/** An instant on the wall clock of `zone` (IANA), to the minute, with the zone's offset: `1 Dec 2026, 09:00 GMT+3`. */
export function formatInstant(locale: Locale, at: Date | string, zone: string): string {
  return dates(locale, {
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

/** Parts of a wall-clock time as it was typed, `2026-12-01T09:00`, whatever its zone. */
export function formatLocal(
  locale: Locale,
  local: string,
  options: Omit<Intl.DateTimeFormatOptions, 'timeZone'>,
): string {
  return dates(locale, { ...options, timeZone: 'UTC' }).format(new Date(`${local}Z`));
}

/** The wall clock of `zone` at an instant, without the day: `09:00`. */
export function formatTime(locale: Locale, at: Date, zone: string): string {
  return dates(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  }).format(at);
}

/** The day of an instant in `zone`: `1 December 2026`. */
export function formatDay(locale: Locale, at: Date | string, zone: string): string {
  return dates(locale, { dateStyle: 'long', timeZone: zone }).format(
    typeof at === 'string' ? new Date(at) : at,
  );
}

/** The same in short, without the year: `1 Dec`. */
export function formatShortDay(locale: Locale, at: Date | string, zone: string): string {
  return dates(locale, {
    day: 'numeric',
    month: 'short',
    timeZone: zone,
  }).format(typeof at === 'string' ? new Date(at) : at);
}

/** A part of a whole: `0.5012` → `50.1%`, `50,1 %`; what is less than a hundredth to one digit more, `0.04%`. */
export function formatShare(locale: Locale, share: number): string {
  const maximumFractionDigits = share < 0.01 ? 2 : 1;
  return numbers(locale, { style: 'percent', maximumFractionDigits }).format(share);
}

/** How something has changed, with its sign: `+12`, `−3`, `0`; as a share `+4.2%`. */
export function formatChange(
  locale: Locale,
  change: number,
  style: 'decimal' | 'percent' = 'decimal',
): string {
  return numbers(locale, {
    style,
    signDisplay: 'exceptZero',
    maximumFractionDigits: 1,
  }).format(change);
}

/** Days of a calendar, from the first to the last: `1 December 2026`, `30 Nov – 6 Dec 2026`, `December 2026` for a whole month. */
export function formatDays(locale: Locale, first: string, last: string): string {
  const [from, to] = [new Date(`${first}T00:00:00Z`), new Date(`${last}T00:00:00Z`)];
  const isMonth =
    first.endsWith('-01') && to.getTime() === Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 0);
  const form: Intl.DateTimeFormatOptions = isMonth
    ? { year: 'numeric', month: 'long' }
    : { year: 'numeric', month: first === last ? 'long' : 'short', day: 'numeric' };
  return dates(locale, { ...form, timeZone: 'UTC' }).formatRange(from, to);
}

/** The month of a day in short: `Dec 2026`. */
export function formatShortMonth(locale: Locale, day: string): string {
  return dates(locale, {
    year: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  }).format(new Date(`${day}T00:00:00Z`));
}
