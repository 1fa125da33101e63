import type { z } from 'zod';

/** What is wrong with one field: a code of the catalogue (`errors.<code>`) and the numbers or words its sentence needs. */
export type FieldError = { code: string; params?: Record<string, string | number> };
export type FieldErrors = Record<string, FieldError>;

/** A refusal that was expected: it is returned, never thrown, and carries codes instead of sentences. */
export type Refusal = { code: string; params?: Record<string, string | number>; fields?: FieldErrors };
export type Result<T> = { ok: true; data: T } | { ok: false; error: Refusal };

export function done<T>(data: T): Result<T> {
  return { ok: true, data };
}

export function refuse(
  code: string,
  fields?: FieldErrors,
  params?: Record<string, string | number>,
): { ok: false; error: Refusal } {
  return { ok: false, error: { code, ...(fields ? { fields } : {}), ...(params ? { params } : {}) } };
}

/** Refuses one field. */
export function refuseField(
  field: string,
  code: string,
  params?: Record<string, string | number>,
): { ok: false; error: Refusal } {
  return refuse('invalid', { [field]: { code, ...(params ? { params } : {}) } });
}

/** What several checks of one form have found wrong, as one refusal; null when none has. A refusal of no field goes first. */
export function refusedTogether(...results: Result<unknown>[]): Extract<Result<never>, { ok: false }> | null {
  const refused = results.flatMap((result) => (result.ok ? [] : [result]));
  const whole = refused.find(({ error }) => !error.fields) ?? refused[0];
  if (!whole?.error.fields) return whole ?? null;
  return refuse('invalid', Object.assign({}, ...refused.reverse().map(({ error }) => error.fields)));
}

/**
 * Turns what zod found into codes by field. Schemas name the code as the message (`z.string().max(200, 'too_long')`);
 * limits travel as `max` and `min`.
 */
export function fieldErrors(error: z.ZodError): FieldErrors {
  const fields: FieldErrors = {};
  for (const issue of error.issues) {
    const field = issue.path.map(String).join('.') || 'form';
    if (fields[field]) continue;
    const params: Record<string, string | number> = {};
    if (issue.code === 'too_big') params.max = Number(issue.maximum);
    if (issue.code === 'too_small') params.min = Number(issue.minimum);
    const own =
      issue.code === 'custom' ? (issue.params as Record<string, string | number> | undefined) : undefined;
    fields[field] = {
      code: /^[a-z_]+$/.test(issue.message) ? issue.message : 'invalid_value',
      params: { ...params, ...own },
    };
  }
  return fields;
}

/** Postgres' own code of a failed statement (drizzle wraps the driver's error), for example `23505`; null for other errors. */
export function databaseErrorCode(error: unknown): string | null {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const code = (current as { code?: unknown }).code;
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  return null;
}
