import { NextIntlClientProvider } from 'next-intl';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { Time } from '@/components/ui/time';
import { runMoment } from '@/lib/runs/schema';

const nine = new Date('2026-03-20T06:00:00Z');

/** What is read of it. */
function written(zone: string, readerZone?: string, at = nine, locale: 'en' | 'ru' = 'en'): string {
  return renderToStaticMarkup(
    <NextIntlClientProvider locale={locale} timeZone="UTC" messages={{}}>
      <Time value={at} zone={zone} readerZone={readerZone} locale={locale} />
    </NextIntlClientProvider>,
  )
    .replace(/<[^>]+>/g, '')
    .replaceAll('\u00a0', ' ');
}

test('a plan tells its zone, and what the reader’s clock shows then where that is another time', () => {
  expect(written('Europe/Moscow')).toBe('20 Mar 2026, 09:00 GMT+3');
  expect(written('Europe/Moscow', 'Asia/Yekaterinburg')).toBe('20 Mar 2026, 09:00 GMT+3 (11:00 GMT+5)');
  expect(written('Europe/Moscow', 'Europe/Moscow')).toBe('20 Mar 2026, 09:00 GMT+3');
  // Two names of zones whose clocks show the same.
  expect(written('Europe/Moscow', 'Europe/Minsk')).toBe('20 Mar 2026, 09:00 GMT+3');
  expect(written('Europe/Moscow', 'America/Los_Angeles')).toBe(
    '20 Mar 2026, 09:00 GMT+3 (19 Mar 2026, 23:00 GMT-7)',
  );
  expect(written('Europe/Moscow', 'Asia/Yekaterinburg', nine, 'ru')).toContain('(11:00 GMT+5)');
});

test('a run is called by its slot on the clock of the mailing, one that somebody started by the reader’s', () => {
  const run = { openedAt: new Date('2026-03-20T06:00:05Z'), zone: 'Europe/Moscow' };
  expect(runMoment({ ...run, slotAt: nine }, 'Asia/Tokyo')).toEqual({ at: nine, zone: 'Europe/Moscow' });
  expect(runMoment({ ...run, slotAt: null }, 'Asia/Tokyo')).toEqual({ at: run.openedAt, zone: 'Asia/Tokyo' });
});
