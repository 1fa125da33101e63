import { z } from 'zod';
import { type AnswerKind, answerKinds, type DeliveryStatus, deliveryStatuses } from '@/db/enums';
import { reasonSchema } from '@/lib/audit/schema';
import type { BoundedCount } from '@/lib/paging';

const rowId = z.coerce
  .number('invalid_value')
  .int('invalid_value')
  .positive('invalid_value')
  .max(2 ** 53 - 1, 'invalid_value');

/** Outcomes that "finish" can put back into the queue. */
export const finishableOutcomes = ['failed', 'expired', 'cancelled', 'unknown'] as const;
export type FinishableOutcome = (typeof finishableOutcomes)[number];

/** How a letter becomes unknown: no answer came after it was handed over, or the engine ended while it was on its way. */
export const unknownKinds = ['no_answer', 'interrupted'] as const satisfies AnswerKind[];

export const mailingCommandSchema = z.object({ mailingId: rowId });
export const disableSchema = z.object({ mailingId: rowId, reason: reasonSchema });

const listed = (value: unknown) =>
  value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value];
/** Some of these; left out: any. An empty one stands for the question, and names none. */
const someOf = <Kind extends AnswerKind>(kinds: readonly Kind[]) =>
  z.preprocess(
    (value) => (value === undefined ? value : listed(value).filter((kind) => kind !== '')),
    z.array(z.enum(kinds, 'invalid_value')).optional(),
  );

export const finishRunSchema = z
  .object({
    mailingId: rowId,
    runId: rowId,
    outcomes: z.preprocess(
      listed,
      z.array(z.enum(finishableOutcomes, 'invalid_value')).min(1, 'choose_outcome'),
    ),
    /** Of those that failed, only these kinds of answers. */
    kinds: someOf(answerKinds),
    /** Of those nobody knows of, only what became unknown so. */
    unknownKinds: someOf(unknownKinds),
    /** Ticked: whoever it is knows that a second copy may arrive. */
    mayRepeat: z.string().optional(),
  })
  .refine(({ outcomes, mayRepeat }) => mayRepeat === 'on' || !outcomes.includes('unknown'), {
    path: ['mayRepeat'],
    error: 'confirm_repeat',
  })
  .refine(({ outcomes, kinds }) => kinds?.length !== 0 || !outcomes.includes('failed'), {
    path: ['kinds'],
    error: 'choose_kind',
  })
  .refine(({ outcomes, unknownKinds: some }) => some?.length !== 0 || !outcomes.includes('unknown'), {
    path: ['unknownKinds'],
    error: 'choose_unknown_kind',
  });

/** By these answers the same letter is refused at the same address again, so a page proposes a finish without them. */
export const refusedAgain: ReadonlySet<AnswerKind> = new Set<AnswerKind>([
  'address_unknown',
  'address_invalid',
  'mailbox_disabled',
  'domain_unknown',
  'spam',
  'content',
  'too_big',
  'example_address',
  'letter_broken',
]);

/** Those of a run whom a finish brings the letter to. */
export type Unreached = {
  outcomes: readonly FinishableOutcome[];
  kinds?: readonly AnswerKind[] | undefined;
  unknownKinds?: readonly (typeof unknownKinds)[number][] | undefined;
};

/** The words of the filter of a run's list of clients; null for anything else. */
export function asDeliveryStatus(value: unknown) {
  return deliveryStatuses.find((status) => status === value) ?? null;
}

/** What a run is called by: its slot, a plan, in the zone of its mailing; where it has none its beginning, in that of who reads it. */
export function runMoment(
  run: { slotAt: Date | null; openedAt: Date; zone: string },
  readerZone: string,
): { at: Date; zone: string } {
  return run.slotAt ? { at: run.slotAt, zone: run.zone } : { at: run.openedAt, zone: readerZone };
}

/** How many clients of a run its counts say a choice of them has; null where they do not tell. */
export function clientsChosen(
  { q, status, kind }: { q?: string | undefined; status: DeliveryStatus | null; kind: AnswerKind | null },
  counts: Record<DeliveryStatus | 'total', number>,
  kinds: readonly { kind: AnswerKind; failed: number; unknown: number }[],
): BoundedCount | null {
  if (q) return null;
  const { failed, unknown } = kinds.find((each) => each.kind === kind) ?? { failed: 0, unknown: 0 };
  // Only what failed or is unknown has a kind.
  const byKind = { failed, unknown, total: failed + unknown };
  const asked = status ?? 'total';
  const value = kind === null ? counts[asked] : asked in byKind ? byKind[asked as keyof typeof byKind] : 0;
  return { value, exact: true };
}

/** No page of a search through a run looks at more of its clients than this. */
export const clientsSearched = 5000;

/** Letters that had been tried for good at an instant of a clock that only goes forward, in milliseconds. */
export type PaceSample = { atMs: number; tried: number };

/** The last moments; where so little happened in them that a letter more or less would be another pace, the last minute. */
const momentsMs = 12_000;
const minuteMs = 60_000;
export const paceLettersMin = 10;

/**
 * Keeps of the samples what {@link paceOf} needs, with the new one at the end. A count that falls begins anew: letters that are queued
 * again were tried before.
 */
export function withSample(samples: readonly PaceSample[], sample: PaceSample): PaceSample[] {
  const holds = (each: PaceSample) => sample.atMs - each.atMs <= minuteMs && each.tried <= sample.tried;
  return [...samples.filter(holds), sample];
}

/** Letters a second over the last moments, or over the last minute when they are few; null before two seconds were watched. */
export function paceOf(samples: readonly PaceSample[]): number | null {
  const last = samples.at(-1);
  if (!last) return null;
  const since = (first: PaceSample | undefined) => {
    const seconds = first ? (last.atMs - first.atMs) / 1000 : 0;
    return first && seconds >= 2 ? { letters: last.tried - first.tried, seconds } : null;
  };
  const moments = since(samples.find((each) => last.atMs - each.atMs <= momentsMs));
  const found = moments && moments.letters >= paceLettersMin ? moments : since(samples[0]);
  return found && found.letters / found.seconds;
}

/** How many letters of a run have been tried for good; what was skipped, expired or cancelled took no time. */
export function triedOf(counts: { sent: number; failed: number; unknown: number }): number {
  return counts.sent + counts.failed + counts.unknown;
}

/** Seconds until the rest has been tried at this pace; null when it does not move. */
export function secondsLeft(counts: { queued: number; sending: number }, pace: number | null): number | null {
  return pace !== null && pace > 0 ? (counts.queued + counts.sending) / pace : null;
}

/** What `/api/runs/progress` answers. `atMs` is when the server looked. */
export type ProgressReading = {
  atMs: number;
  runs: { id: number; isOpen: boolean; counts: Record<DeliveryStatus | 'total', number>; standing: string }[];
  standing: string;
  isOver: boolean;
};

/** Milliseconds from an answer of `/api/runs/progress` to the next question, while runs move and few ask. */
export const askMs = 1000;
/** Of what stands still, and where many ask, it is asked ever more rarely. */
export const askMaxMs = 10_000;
/** A page says how long it had waited, and is told how long to wait at least; both in milliseconds. */
export const askedAfterHeader = 'asked-after-ms';
export const askAgainHeader = 'ask-again-ms';

/** How many pages ask a server at the moment, as far as it knows from their questions. */
export type Crowd = { atMs: number; pages: number };

/** A question counts for so long, ever less. */
const crowdMs = 5000;
/** Questions a second that a server wants to answer at most, so that many who watch a run do not slow it down. */
const asksMax = 10;

/** Takes a question into account: one that comes every five seconds stands for as many pages as five that come every second. */
export function withAsker(crowd: Crowd, atMs: number, waitedMs: number): Crowd {
  const left = Math.exp(Math.min(0, crowd.atMs - atMs) / crowdMs);
  const weight = Math.min(askMaxMs, Math.max(askMs, waitedMs || askMs)) / crowdMs;
  return { atMs, pages: crowd.pages * left + weight };
}

/** Milliseconds after which a page may ask again. */
export function askAgainMs({ pages }: Crowd): number {
  return Math.round(Math.min(askMaxMs, Math.max(askMs, (pages * 1000) / asksMax)));
}
