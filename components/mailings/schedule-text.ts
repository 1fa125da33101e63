import type { useTranslations } from 'next-intl';
import type { Periodicity } from '@/db/enums';
import { formatLocal } from '@/lib/format';
import type { Locale } from '@/lib/i18n/paths';

type Schedule = { startsLocal: string; zone: string; periodicity: Periodicity };

/** A schedule as a sentence. The wall-clock time is written as it was typed, so it is formatted without any zone. */
export function scheduleText(
  t: ReturnType<typeof useTranslations<'mailings.schedule'>>,
  locale: Locale,
  { startsLocal, zone, periodicity }: Schedule,
): string {
  const written = (options: Intl.DateTimeFormatOptions) => formatLocal(locale, startsLocal, options);
  const time = written({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const date = written({ day: 'numeric', month: 'long', year: 'numeric' });
  const day = new Date(`${startsLocal}Z`).getUTCDate();
  switch (periodicity) {
    case 'once':
      return t('once', { start: `${date}, ${time}`, zone });
    case 'daily':
      return t('daily', { time, start: date, zone });
    case 'weekly':
      return t('weekly', { weekday: written({ weekday: 'long' }), time, start: date, zone });
    case 'monthly':
      return t(day > 28 ? 'monthlyLast' : 'monthly', { day: String(day), time, start: date, zone });
  }
}
