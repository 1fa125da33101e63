import { expect, test } from 'vitest';
import { formatCount, formatDay, formatInstant, formatNumber, formatTime } from '@/lib/format';

const at = new Date('2026-12-01T06:00:00Z');

test('a time is shown on the wall clock of its zone, with the zone', () => {
  expect(formatInstant('en', at, 'Europe/Moscow')).toBe('1 Dec 2026, 09:00 GMT+3');
  expect(formatInstant('ru', at, 'Europe/Moscow')).toBe('1 дек. 2026 г., 09:00 GMT+3');
  expect(formatInstant('en', at.toISOString(), 'America/New_York')).toBe('1 Dec 2026, 01:00 GMT-5');
});

test('a day is the day of its zone', () => {
  expect(formatDay('en', new Date('2026-12-01T22:30:00Z'), 'Europe/Moscow')).toBe('2 December 2026');
});

test('numbers are grouped as the language does, and a count that stopped says so', () => {
  expect(formatNumber('en', 12_345)).toBe('12,345');
  expect(formatNumber('ru', 12_345).replace(/\s/g, ' ')).toBe('12 345');
  expect(formatCount('en', { value: 10_000, exact: false })).toBe('10,000+');
  expect(formatCount('en', { value: 7, exact: true })).toBe('7');
});

test('every zone keeps its own wall clock, however many are asked for', () => {
  const zones = Intl.supportedValuesOf('timeZone').slice(0, 250);
  const fresh = (zone: string) =>
    new Intl.DateTimeFormat('en-GB', {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      timeZone: zone,
    });
  for (const zone of [...zones, ...zones.reverse()])
    expect(formatTime('en', at, zone), zone).toBe(fresh(zone).format(at));
});
