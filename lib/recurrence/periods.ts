import { Temporal } from 'temporal-polyfill';
import { toInstant, toLocal } from './slots';

/** Periods that go with the day on which they are looked at. */
export const presets = ['today', '7d', '30d', 'month', 'last_month', 'year', 'all'] as const;
export type Preset = (typeof presets)[number];

/** What a period is divided into; weeks begin on Monday. */
export const periodSteps = ['day', 'week', 'month'] as const;
export type PeriodStep = (typeof periodSteps)[number];

/** No period is divided into more steps than this. */
export const periodStepsMax = 400;

/** Days of a calendar, both with all their hours: `2026-12-01`. */
export type Days = { first: string; last: string };

/**
 * A period in a zone: from `from` until just before `until`. `steps` are its parts in order, the first and the last cut off where the
 * period begins and ends; step n begins at `bounds[n]`, and the last bound is `until`.
 */
export type Period = Days & { from: Date; until: Date; step: PeriodStep; steps: Days[]; bounds: Date[] };

const date = (day: string) => Temporal.PlainDate.from(day);
const earlier = (day: string, other: string) => (day < other ? day : other);
const daysIn = ({ first, last }: Days) => date(first).until(date(last)).days + 1;

/** The day of an instant in a zone. */
export function dayOf(at: Date, zone: string): string {
  return toLocal(at, zone).slice(0, 10);
}

/** Is it a day of the calendar, of the years 1970 to 2199? The very first and last are none: they end or begin outside. */
export function isDay(day: string): boolean {
  const isWritten = /^\d{4}-\d\d-\d\d$/.test(day) && toInstant(`${day}T00:00`, 'UTC') !== null;
  return isWritten && day > '1970-01-01' && day < '2199-12-31';
}

/** When these days begin in a zone, and when they are over. By the zone's own calendar, whatever daylight saving makes of a day. */
export function instantsOf(days: Days, zone: string): { from: Date; until: Date } {
  return {
    from: beginOf(days.first, zone),
    until: beginOf(date(days.last).add({ days: 1 }).toString(), zone),
  };
}

function beginOf(day: string, zone: string): Date {
  const at = toInstant(`${day}T00:00`, zone);
  if (!at) throw new RangeError(`${day} is no day, or ${zone} no zone`);
  return at;
}

/** The days of a preset on the day `today`; `all` begins with `begin`. */
export function daysOf(preset: Preset, today: string, begin: string): Days {
  const day = date(today);
  switch (preset) {
    case 'today':
      return { first: today, last: today };
    case '7d':
      return { first: day.subtract({ days: 6 }).toString(), last: today };
    case '30d':
      return { first: day.subtract({ days: 29 }).toString(), last: today };
    case 'month':
      return { first: day.with({ day: 1 }).toString(), last: today };
    case 'last_month': {
      const first = day.with({ day: 1 }).subtract({ months: 1 });
      return { first: first.toString(), last: day.with({ day: 1 }).subtract({ days: 1 }).toString() };
    }
    case 'year':
      return { first: day.with({ month: 1, day: 1 }).toString(), last: today };
    case 'all':
      return { first: earlier(begin, today), last: today };
  }
}

/**
 * What a period is compared with: of a month or a year so far the same days of the one before, of the last month the month before
 * it, else as many days just before. Null for all there is.
 */
export function daysBefore(days: Days, preset: Preset | null): Days | null {
  const first = date(days.first);
  const last = date(days.last);
  switch (preset) {
    case 'all':
      return null;
    case 'last_month':
      return {
        first: first.subtract({ months: 1 }).toString(),
        last: first.subtract({ days: 1 }).toString(),
      };
    case 'month':
      return {
        first: first.subtract({ months: 1 }).toString(),
        last: last.subtract({ months: 1 }).toString(),
      };
    case 'year':
      return { first: first.subtract({ years: 1 }).toString(), last: last.subtract({ years: 1 }).toString() };
    default:
      return {
        first: first.subtract({ days: daysIn(days) }).toString(),
        last: first.subtract({ days: 1 }).toString(),
      };
  }
}

/** A step that leaves few enough bars to look at. */
export function fittingStep(days: Days): PeriodStep {
  const howMany = daysIn(days);
  return howMany <= 62 ? 'day' : howMany <= 366 ? 'week' : 'month';
}

/** The period of these days in a zone, divided into steps; null when there would be more than {@link periodStepsMax}. */
export function periodOf(days: Days, step: PeriodStep, zone: string): Period | null {
  const end = date(days.last);
  const steps: Days[] = [];
  for (let first = date(days.first); Temporal.PlainDate.compare(first, end) <= 0; ) {
    if (steps.length === periodStepsMax) return null;
    const last =
      step === 'day'
        ? first
        : step === 'week'
          ? first.add({ days: 7 - first.dayOfWeek })
          : first.with({ day: first.daysInMonth });
    steps.push({ first: first.toString(), last: earlier(last.toString(), days.last) });
    first = last.add({ days: 1 });
  }
  const { from, until } = instantsOf(days, zone);
  const bounds = [...steps.map(({ first }) => beginOf(first, zone)), until];
  return { ...days, from, until, step, steps, bounds };
}
