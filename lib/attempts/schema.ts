import { attemptStatuses } from '@/db/enums';

/** The words of the status filter; null for anything else. */
export function asAttemptStatus(value: unknown) {
  return attemptStatuses.find((status) => status === value) ?? null;
}

/**
 * One line of CSV (RFC 4180). A cell that a spreadsheet would run as a formula gets an apostrophe in front: what a mail
 * server answers is written by strangers.
 */
export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
