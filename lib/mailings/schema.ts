import { z } from 'zod';
import { audiences, mailingStatuses, periodicities } from '@/db/enums';
import { bodySchema, subjectSchema } from '@/lib/messages/schema';

/** A form sends a list as one text, as several or not at all. */
const list = (value: unknown) =>
  value === undefined || value === null || value === '' ? [] : Array.isArray(value) ? value : [value];
const flag = z.preprocess(
  (value) => value === true || value === 'on' || value === '1' || value === 'true',
  z.boolean(),
);
const rowId = z.coerce
  .number('invalid_value')
  .int('invalid_value')
  .positive('invalid_value')
  .max(2 ** 53 - 1, 'invalid_value');

/** Ids that a form names one by one; more than this are chosen by a search or as everybody. */
export const maxNamedClients = 10_000;

/** The search that finds everybody there is. */
export const everybody = '*';

const ids = z.preprocess(list, z.array(rowId).max(maxNamedClients, 'too_many'));

type Half = {
  messageId?: unknown;
  newSubject?: unknown;
  newBody?: unknown;
  audience?: unknown;
  keep?: unknown;
  found?: unknown;
  clientIds?: unknown;
  newClients?: unknown;
  starts?: unknown;
  startsAt?: unknown;
  endsAt?: unknown;
};

/** What is wrong with several fields together: a letter without words, nobody chosen, an end before the beginning. */
function refuseTogether(half: Half, context: z.core.$RefinementCtx) {
  const say = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if (half.messageId === null) {
    const written = { newSubject: subjectSchema, newBody: bodySchema };
    for (const [name, schema] of Object.entries(written)) {
      const { error } = schema.safeParse(name === 'newBody' ? half.newBody : half.newSubject);
      for (const issue of error?.issues ?? []) context.addIssue({ ...issue, path: [name] });
    }
  }
  const some = (value: unknown) => Array.isArray(value) && value.some((one) => one !== '');
  const pasted = typeof half.newClients === 'string' && half.newClients.trim() !== '';
  if (half.audience === 'chosen' && !half.keep && !some(half.found) && !some(half.clientIds) && !pasted)
    say('clientIds', 'no_clients');
  if (half.starts === 'now') return;
  const { startsAt, endsAt } = half;
  if (half.starts === 'later' && startsAt === '') say('startsAt', 'required');
  const local = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;
  // Both are of one zone; whether these times exist there is the mutation's to say.
  if (typeof startsAt === 'string' && typeof endsAt === 'string')
    if (local.test(startsAt) && local.test(endsAt) && endsAt <= startsAt) say('endsAt', 'ends_before_start');
}

/**
 * A mailing as its form or a command names it. What needs the tz database, the clock or the rows (zones, dates, ownership)
 * is checked by the mutation, so that both doors refuse the same things.
 */
export const mailingSchema = z
  .object({
    name: z
      .string('required')
      .trim()
      .min(1, 'required')
      .max(200, 'too_long')
      .refine((value) => !/[\p{Cc}\u2028\u2029]/u.test(value), { error: 'one_line' }),
    /** A message that exists; null = it is written in place. */
    messageId: z.preprocess(
      (value) => (value === '' || value === 'new' || value === undefined ? null : value),
      rowId.nullable(),
    ),
    newSubject: z.string().default(''),
    newBody: z.string().default(''),
    audience: z.enum(audiences, 'invalid_value'),
    /** Editing: those chosen before stay chosen. */
    keep: flag,
    /** Searches whose every match is chosen. */
    found: z.preprocess(list, z.array(z.string().trim().max(200, 'too_long')).max(20, 'too_many')),
    clientIds: ids,
    /** Taken out again after everything above was put in. */
    without: ids,
    /** Pasted lines `Name <address>`: these clients are added and chosen. */
    newClients: z.string().max(2_000_000, 'too_long').default(''),
    /** `now` overrides `startsAt`. */
    starts: z.enum(['now', 'later'], 'invalid_value').optional(),
    /** `now`, or a local date and time of `zone`: 2026-12-01T09:00. */
    startsAt: z.string().trim().max(40, 'impossible_date').default('now'),
    zone: z.string('required').trim().min(1, 'required').max(100, 'unknown_zone'),
    /** A local date and time of `zone`; null = never. */
    endsAt: z.preprocess(
      (value) => (value === '' || value === undefined ? null : value),
      z.string().trim().max(40, 'impossible_date').nullable(),
    ),
    periodicity: z.enum(periodicities, 'invalid_value').default('once'),
  })
  // Asked although single fields are wrong: whoever sends a form reads all of its mistakes at once.
  .superRefine(refuseTogether, { when: () => true })
  .transform(({ starts, startsAt, ...rest }) => ({
    ...rest,
    found: rest.found.filter((term) => term !== ''),
    startsAt: startOf(starts, startsAt),
  }));

/** `now` unless a time is named. */
function startOf(starts: string | undefined, startsAt: string): string {
  return starts === 'now' || (starts === undefined && startsAt === '') ? 'now' : startsAt;
}

type Parsed = z.output<typeof mailingSchema>;
/** What the mutations take; everything that has a natural default may be left out. */
export type MailingInput = Pick<Parsed, 'name' | 'audience' | 'startsAt' | 'zone'> & Partial<Parsed>;

export const mailingIdSchema = z.object({ mailingId: rowId });

/** A mailing and what becomes of it. */
export const mailingUpdateSchema = z.intersection(mailingIdSchema, mailingSchema);
export type MailingUpdate = MailingInput & { mailingId: number };

/** The words of the status filter: the three statuses, the two switches, and `active` (running, neither switch set). */
export const mailingFilters = [...mailingStatuses, 'active', 'paused', 'disabled'] as const;
export type MailingFilter = (typeof mailingFilters)[number];

/** Null for anything that is no filter. */
export function asMailingFilter(value: unknown): MailingFilter | null {
  return mailingFilters.find((filter) => filter === value) ?? null;
}

const optionalId = z.preprocess((value) => value ?? null, rowId.nullable());

/** What the picker of clients asks for: a page of a search, and what is chosen as a whole so far. */
export const pickSchema = z.object({
  q: z.string().max(200).default(''),
  after: z.string().max(2000).nullable().default(null),
  mailingId: optionalId,
  keep: z.boolean().default(false),
  found: z.array(z.string().max(200)).max(20).default([]),
  clientIds: z.array(rowId).max(maxNamedClients).default([]),
  without: z.array(rowId).max(maxNamedClients).default([]),
});
export type PickInput = z.input<typeof pickSchema>;

/** The schedule of a half-filled form. */
export const schedulePreviewSchema = z.object({
  mailingId: optionalId,
  startsAt: z.string().max(40, 'impossible_date'),
  zone: z.string().max(100, 'unknown_zone'),
  endsAt: z.string().max(40, 'impossible_date').nullable(),
  periodicity: z.enum(periodicities, 'invalid_value'),
});
