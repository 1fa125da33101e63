import type { FieldErrors } from '@/lib/errors';
import { type CursorKeys, readCursor } from '@/lib/paging';
import { isDay, type PeriodStep, type Preset, periodSteps, presets } from '@/lib/recurrence/periods';
import { isZone } from '@/lib/recurrence/slots';

export { periodSteps, presets };

/** Whose numbers: the actor's own, or, for managers, everybody's. */
export type Whose = 'own' | 'all';

/** Tables of a report that are paged, with what each may be sorted by; the first is how it is sorted unless another is asked for. */
export const reportSorts = {
  mailings: ['sent', 'failed', 'share', 'name'],
  messages: ['sent', 'failed', 'share', 'name'],
  domains: ['sent', 'failed', 'share', 'name'],
  senders: ['sent', 'failed', 'share', 'complained'],
} as const;
export type ReportList = keyof typeof reportSorts;
export type ReportSort = (typeof reportSorts)[ReportList][number];

/** What their cursors are made of: the value by which the table is sorted, and the row's id. */
const reportCursors: Record<ReportSort, CursorKeys> = {
  sent: ['number', 'string'],
  failed: ['number', 'string'],
  share: ['fraction', 'string'],
  complained: ['number', 'string'],
  name: ['string', 'string'],
};

/** How a table is sorted, and where its page begins; `isDamaged` as {@link readCursor} says it. */
export type TableAsked = { sort: ReportSort; after: string | undefined; isDamaged: boolean };

/** Reads from an address how the tables of a report are sorted (`sort_…`), and where their pages begin (`after_…`). */
export function readTablesAsked(
  params: Record<string, string | string[] | undefined>,
): Record<ReportList, TableAsked> {
  const read = (list: ReportList): TableAsked => {
    const sort = reportSorts[list].find((each) => each === params[`sort_${list}`]) ?? reportSorts[list][0];
    return { sort, ...readCursor(params, reportCursors[sort], `after_${list}`) };
  };
  return {
    mailings: read('mailings'),
    messages: read('messages'),
    domains: read('domains'),
    senders: read('senders'),
  };
}

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

/** What an address asks for, as it was typed. */
export type ReportAsked = Record<
  'period' | 'from' | 'to' | 'by' | 'zone' | 'mailing' | 'message' | 'owner',
  string
>;

/** Days that were named one by one, either of them perhaps left open (empty), or that go with the day on which they are looked at. */
export type DaysWanted = { preset: Preset } | { from: string; to: string };

/** An asking as far as it can be understood without looking anything up; null is what was not asked for, or makes no sense. */
export type ReportReading = {
  whose: Whose;
  asked: ReportAsked;
  errors: FieldErrors;
  wanted: {
    owner: string | null;
    mailingId: number | null;
    messageId: number | null;
    /** Null: the zone of who asks. */
    zone: string | null;
    /** Null: what fits the period. */
    step: PeriodStep | null;
    days: DaysWanted | null;
  };
};

/**
 * Reads what a report is asked about from an address. Field codes: `invalid_value` at `period` and `by`; `invalid_date` at `from` and `to`,
 * and `to_before_from` at `to`; `invalid_zone`; `not_found` at `mailing` and `message` for what is no id; `too_long` (`max`) at `owner`. All
 * mistakes are named at once.
 */
export function readReportAsked(
  params: Record<string, string | string[] | undefined>,
  whose: Whose,
): ReportReading {
  const text = (name: keyof ReportAsked) => {
    const value = params[name];
    return typeof value === 'string' ? value.replaceAll('\0', '').trim() : '';
  };
  const asked: ReportAsked = {
    period: text('period').slice(0, 40),
    from: text('from').slice(0, 40),
    to: text('to').slice(0, 40),
    by: text('by').slice(0, 40),
    zone: text('zone').slice(0, 100),
    mailing: text('mailing').slice(0, 40),
    message: text('message').slice(0, 40),
    owner: whose === 'all' ? text('owner').slice(0, ownerMax) : '',
  };
  const errors: FieldErrors = {};
  const idOf = (name: 'mailing' | 'message') => {
    const isId = /^[1-9]\d{0,14}$/.test(text(name));
    if (text(name) && !isId) errors[name] = { code: 'not_found' };
    return isId ? Number(text(name)) : null;
  };
  const isOwnerLong = whose === 'all' && text('owner').length > ownerMax;
  if (isOwnerLong) errors.owner = { code: 'too_long', params: { max: ownerMax } };
  if (text('zone') && !(text('zone').length <= 100 && isZone(asked.zone)))
    errors.zone = { code: 'invalid_zone' };
  const step = periodSteps.find((each) => each === text('by')) ?? null;
  if (text('by') && !step) errors.by = { code: 'invalid_value' };
  const wanted = {
    owner: isOwnerLong ? null : asked.owner || null,
    mailingId: idOf('mailing'),
    messageId: idOf('message'),
    zone: errors.zone ? null : asked.zone || null,
    step,
    days: readDays({ period: text('period'), from: text('from'), to: text('to') }, errors),
  };
  return { whose, asked, errors, wanted };
}

/** Days that are named go before a preset; without either it is the last 30. */
function readDays(
  { period, from, to }: { period: string; from: string; to: string },
  errors: FieldErrors,
): DaysWanted | null {
  if (from || to) {
    if (from && !isDay(from)) errors.from = { code: 'invalid_date' };
    if (to && !isDay(to)) errors.to = { code: 'invalid_date' };
    if (!errors.from && !errors.to && from && to && to < from) errors.to = { code: 'to_before_from' };
    return errors.from || errors.to ? null : { from, to };
  }
  const preset = period ? presets.find((each) => each === period) : '30d';
  if (!preset) errors.period = { code: 'invalid_value' };
  return preset ? { preset } : null;
}
