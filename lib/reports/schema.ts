export { periodSteps, presets } from '@/lib/recurrence/periods';

/** Tables of a report that are paged, with what each may be sorted by; the first is how it is sorted unless another is asked for. */
export const reportSorts = {
  mailings: ['sent', 'failed', 'share', 'name'],
  messages: ['sent', 'failed', 'share', 'name'],
  domains: ['sent', 'failed', 'share', 'name'],
  senders: ['sent', 'failed', 'share', 'complained'],
} as const;
export type ReportList = keyof typeof reportSorts;
export type ReportSort = (typeof reportSorts)[ReportList][number];

/** All tables of a report: each can be taken along as CSV, the last two by managers. */
export const reportTables = [
  'steps',
  'answers',
  'mailings',
  'messages',
  'domains',
  'senders',
  'attention',
] as const;
export type ReportTable = (typeof reportTables)[number];
/** Told of all users alone. */
export const deskTables: readonly ReportTable[] = ['senders', 'attention'];

/** Rows of a page of a table in a report. */
export const reportPageSize = 10;

/** Characters of what is looked for when an owner is chosen. */
export const ownerMax = 200;

/** A sender needs attention from this share of refused attempts on, when so many were made. */
export const refusedShareMin = 0.1;
export const refusedAttemptsMin = 100;
/** Mail providers want fewer complaints than this share of letters (Gmail, Yahoo: below 0.1 %). */
export const complainedShareMin = 0.001;
