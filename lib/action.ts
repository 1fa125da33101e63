import { headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { after } from 'next/server';
import type { z } from 'zod';
import { isForeign } from '@/lib/auth/foreign';
import { requireActor } from '@/lib/auth/session';
import { env } from '@/lib/env';
import { type FieldErrors, fieldErrors, type Refusal, type Result, refuse } from '@/lib/errors';
import { isLocale, localizedPath } from '@/lib/i18n/paths';
import { log } from '@/lib/log';
import type { Actor } from '@/lib/policy/rules';

/** What a form was filled with, so that it can be shown again; secrets are left out. */
export type FormValues = Record<string, string | string[]>;

/** What an action answers. `values` are what was typed, for a page without JavaScript. */
export type ActionState<T> =
  | { ok: null }
  | { ok: true; data: T }
  | { ok: false; error: Refusal; values: FormValues };

export type FormAction<T> = (previous: ActionState<T>, form: FormData) => Promise<ActionState<T>>;

const secret = /password|secret|token/i;

/**
 * Text fields of a form as an object; a name ending in `[]` or sent more than once is a list (without the brackets). NUL, which no
 * keyboard types and no database takes, is left out. One pass: whoever sends a form chooses how many fields it has.
 */
export function formObject(form: FormData): Record<string, string | string[] | File> {
  // What stands here comes from outside, whatever its type says.
  if (!(form instanceof FormData)) return {};
  const sent = new Map<string, (string | File)[]>();
  for (const [key, value] of form) {
    if (key.startsWith('$ACTION')) continue;
    const item = typeof value === 'string' ? value.replaceAll('\0', '') : value;
    const others = sent.get(key);
    if (others) others.push(item);
    else sent.set(key, [item]);
  }
  // As entries, so that a field called __proto__ is a field like others.
  return Object.fromEntries(
    [...sent].map(([key, all]): [string, string | string[] | File] => {
      const file = all.find((item) => item instanceof File);
      const texts = all.filter((item) => typeof item === 'string');
      if (file) return [key, file];
      if (key.endsWith('[]')) return [key.slice(0, -2), texts];
      return [key, texts.length > 1 ? texts : (texts[0] ?? '')];
    }),
  );
}

/**
 * Characters that are shown again after a refusal: more than any form of ours takes, and than any that is open to everybody. In a
 * page each of them may become fifteen.
 */
const shownAgainMax = { actor: 1_000_000, anybody: 10_000 };

/** What was typed, without secrets and files, in the order of the form as far as `room` goes; what is too long for it is left out. */
function typedValues(sent: ReturnType<typeof formObject>, room: number): FormValues {
  let left = room;
  const values: [string, string | string[]][] = [];
  for (const [name, value] of Object.entries(sent)) {
    if (secret.test(name) || value instanceof File) continue;
    const length = [name, ...[value].flat()].reduce((sum, text) => sum + text.length + 1, 0);
    if (length > left) continue;
    left -= length;
    values.push([name, value]);
  }
  return Object.fromEntries(values);
}

type Options<T, In> = {
  /** Where to go when it is done: a path without locale. The language comes with the form (`locale`). */
  redirectTo?: (data: T, input: In) => string;
  /** What is wrong besides what the schema has refused, by field: what only the rows and the clock know. */
  alsoWrong?: (actor: Actor, sent: Record<string, unknown>) => Promise<FieldErrors>;
  /** Runs after the response has been sent. */
  afterwards?: (data: T, actor: Actor) => Promise<void>;
};

/**
 * Makes a server action of a schema and a mutation: refuses what another site sent (`foreign_request`), finds the actor anew,
 * parses again, calls the mutation. Surprises are logged with an id and come back as the code `surprise`; redirects pass through.
 */
export function actorAction<S extends z.ZodType, T>(
  schema: S,
  mutation: (actor: Actor, input: z.output<S>) => Promise<Result<T>>,
  options: Options<T, z.output<S>> = {},
): FormAction<T> {
  return async (_previous, form) => {
    const foreign = await refuseForeign(form, shownAgainMax.actor);
    if (foreign) return foreign;
    const actor = await requireActor();
    return answer(form, shownAgainMax.actor, schema, (input) => mutation(actor, input), {
      ...(options.redirectTo ? { redirectTo: options.redirectTo } : {}),
      alsoWrong: async (sent) => options.alsoWrong?.(actor, sent) ?? {},
      ...(options.afterwards
        ? { afterwards: (data: T) => options.afterwards?.(data, actor) ?? Promise.resolve() }
        : {}),
    });
  };
}

/** The same for actions that nobody has to be signed in for: registration, sign-in, unsubscribing. */
export function publicAction<S extends z.ZodType, T>(
  schema: S,
  mutation: (input: z.output<S>) => Promise<Result<T>>,
  options: {
    redirectTo?: (data: T, input: z.output<S>) => string;
    afterwards?: (data: T) => Promise<void>;
  } = {},
): FormAction<T> {
  return async (_previous, form) =>
    (await refuseForeign(form, shownAgainMax.anybody)) ??
    answer(form, shownAgainMax.anybody, schema, mutation, options);
}

/** Next compares `Origin` with the host, and takes a post that has none: those are refused here. See {@link isForeign}. */
async function refuseForeign(
  form: FormData,
  room: number,
): Promise<Extract<ActionState<never>, { ok: false }> | null> {
  return isForeign(await headers())
    ? { ...refuse('foreign_request'), values: typedValues(formObject(form), room) }
    : null;
}

async function answer<S extends z.ZodType, T>(
  form: FormData,
  room: number,
  schema: S,
  mutation: (input: z.output<S>) => Promise<Result<T>>,
  options: {
    redirectTo?: (data: T, input: z.output<S>) => string;
    alsoWrong?: (sent: Record<string, unknown>) => Promise<FieldErrors>;
    afterwards?: (data: T) => Promise<void>;
  },
): Promise<ActionState<T>> {
  const sent = formObject(form);
  const parsed = schema.safeParse(sent);
  let result: Result<T>;
  try {
    if (!parsed.success) {
      const wrong = { ...(await options.alsoWrong?.(sent)), ...fieldErrors(parsed.error) };
      return { ...refuse('invalid', wrong), values: typedValues(sent, room) };
    }
    result = await mutation(parsed.data);
  } catch (error) {
    if (isControlFlow(error)) throw error;
    const id = log.surprise('action_failed', error);
    return { ...refuse('surprise', undefined, { id }), values: typedValues(sent, room) };
  }
  if (!result.ok) return { ...result, values: typedValues(sent, room) };
  const { data } = result;
  if (options.afterwards) {
    const { afterwards } = options;
    after(() => afterwards(data));
  }
  if (options.redirectTo) {
    const { locale } = sent;
    const { DEFAULT_LOCALE } = env();
    redirect(
      localizedPath(
        isLocale(locale) ? locale : DEFAULT_LOCALE,
        options.redirectTo(data, parsed.data),
        DEFAULT_LOCALE,
      ),
    );
  }
  return { ok: true, data };
}

/** Redirects and notFound() travel as errors with a digest; they are answers, not surprises. */
function isControlFlow(error: unknown): boolean {
  const digest = error instanceof Error && 'digest' in error ? error.digest : undefined;
  return typeof digest === 'string' && digest.startsWith('NEXT_');
}
