import type { FieldErrors } from '@/lib/errors';
import { toInstant } from './slots';

/** When a day (`2026-12-01`), or one so many days later, begins in a zone; null for what is no day. */
function dayBegin(day: string, zone: string, later = 0): Date | null {
  if (!/^[12]\d{3}-\d\d-\d\d$/.test(day) || !toInstant(`${day}T00:00`, zone)) return null;
  const moved = new Date(`${day}T00:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + later);
  return toInstant(`${moved.toISOString().slice(0, 10)}T00:00`, zone);
}

/**
 * A period as two days of `zone`, both with all their hours; an empty one leaves its side open. It holds from `from` until just before
 * `until`. Field codes: `invalid_date`, and `to_before_from` at `to`.
 */
export function readPeriod(
  asked: { from: string; to: string },
  zone: string,
): { from: Date | null; until: Date | null; errors: FieldErrors } {
  const errors: FieldErrors = {};
  const from = asked.from ? dayBegin(asked.from, zone) : null;
  const until = asked.to ? dayBegin(asked.to, zone, 1) : null;
  if (asked.from && !from) errors.from = { code: 'invalid_date' };
  if (asked.to && !until) errors.to = { code: 'invalid_date' };
  if (from && until && until <= from) errors.to = { code: 'to_before_from' };
  return { from, until, errors };
}
