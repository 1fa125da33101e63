'use client';

import { unstable_rethrow, useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useActionState, useRef, useState, useTransition } from 'react';

/** A code of the catalogue and what its sentence needs. */
export type Problem = { code: string; params?: Record<string, string | number> };

/** What an action answers: nothing yet, done, or refused with codes and with what was typed. */
export type FormState<T> =
  | { ok: null }
  | { ok: true; data: T }
  | {
      ok: false;
      error: Problem & { fields?: Record<string, Problem> };
      values: Record<string, string | string[]>;
    };

export type FormAction<T> = (previous: FormState<T>, form: FormData) => Promise<FormState<T>>;

type LooseTranslator = {
  (key: string, values?: Record<string, string | number>): string;
  has(key: string): boolean;
};

/** The sentence of a code: the namespace's own (`clients.errors.taken`) before the common one (`errors.taken`). */
export function useProblemText(namespace?: string): (problem: Problem) => string {
  // Codes come from the server, so their keys cannot be checked while compiling; `has` does it while running.
  const t = useTranslations() as unknown as LooseTranslator;
  return ({ code, params }) => {
    const keys = [
      ...(namespace ? [`${namespace}.errors.${code}`] : []),
      `errors.${code}`,
      'errors.unexplained',
    ];
    return t(keys.find((key) => t.has(key)) ?? 'errors.unexplained', params);
  };
}

/** Runs an action so that it works before any script is there, and survives a lost connection once one is. */
export function useAnswer<T>(action: FormAction<T>) {
  const router = useRouter();
  const [posted, formAction, posting] = useActionState(action, { ok: null } as FormState<T>);
  const [answered, setAnswered] = useState<FormState<T> | null>(null);
  const [sending, startTransition] = useTransition();
  const state = answered ?? posted;
  const pending = posting || sending;
  const busy = useRef(false);

  const send = (form: FormData, then?: (state: FormState<T>) => void) => {
    if (busy.current) return;
    busy.current = true;
    startTransition(async () => {
      let next: FormState<T>;
      try {
        next = await action(state, form);
      } catch (error) {
        // A redirect travels as an error; anything else is a server that did not answer, and the form stays as it is.
        unstable_rethrow(error);
        next = { ok: false, error: { code: 'unreachable' }, values: {} };
      } finally {
        busy.current = false;
      }
      startTransition(() => {
        setAnswered(next);
        then?.(next);
        if (next.ok) router.refresh();
      });
    });
  };

  return { state, posted, formAction, pending, send };
}
