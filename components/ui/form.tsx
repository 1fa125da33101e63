'use client';

import { toNestErrors } from '@hookform/resolvers';
import { useLocale, useTranslations } from 'next-intl';
import {
  type ComponentProps,
  type FormEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useRef,
  useState,
} from 'react';
import {
  type FieldError,
  type FieldPath,
  type FieldValues,
  type Resolver,
  type UseFormRegisterReturn,
  type UseFormReturn,
  useForm,
} from 'react-hook-form';
import type { z } from 'zod';
import { Alert } from './alert';
import { type FormAction, type FormState, type Problem, useAnswer, useProblemText } from './form-answer';
import { FormPending } from './form-pending';

/** What a form would send, as the server reads it: `name[]` and repeated names are lists. */
function readForm(element: HTMLFormElement): Record<string, unknown> {
  const form = new FormData(element);
  const values: Record<string, unknown> = {};
  for (const key of new Set(form.keys())) {
    const all = form.getAll(key);
    const file = all.find((item) => item instanceof File);
    if (file) values[key] = file;
    else if (key.endsWith('[]')) values[key.slice(0, -2)] = all;
    else values[key] = all.length > 1 ? all : all[0];
  }
  return values;
}

/** Focuses the first control, in the order of the page, that one of the names belongs to; else what `[data-form-alert]` says. */
function focusFirst(form: HTMLFormElement | null, names: string[]) {
  if (!form) return;
  const wrong = new Set(names);
  for (const element of form.querySelectorAll<HTMLElement>('[name], [data-field]')) {
    const name = element.dataset.field ?? element.getAttribute('name') ?? '';
    if (
      !wrong.has(name.replace(/\[\]$/, '')) ||
      (element instanceof HTMLInputElement && element.type === 'hidden')
    )
      continue;
    element.focus();
    // What is hidden by another choice takes no focus; the sentence beside it may.
    if (document.activeElement === element) return;
  }
  form.querySelector<HTMLElement>('[data-form-alert]')?.focus();
}

type Default = string | number | boolean | readonly string[] | null | undefined;

function asDefault(value: Default): string | string[] | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'boolean') return value ? 'on' : '';
  return typeof value === 'object' ? [...value] : String(value);
}

/** What {@link useActionForm} gives a field. */
export type FieldWiring = Pick<UseFormRegisterReturn, 'onChange' | 'onBlur' | 'ref' | 'name'> & {
  defaultValue: string | string[] | undefined;
  error: string | undefined;
  /** The first wrong field of a page that was made for a refused form: the browser goes there without a script. */
  autoFocus?: true;
};

type FormWiring = {
  element: RefObject<HTMLFormElement | null>;
  action: (form: FormData) => void;
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  pending: boolean;
  /** What no field shows. To be asked once the fields have been wired, which on a first render is after this hook. */
  problems: () => string[];
};

export type ActionForm<Input extends FieldValues, Output, T> = {
  state: FormState<T>;
  /** Props for one of the fields of `field.tsx`. */
  field: (name: FieldPath<Input>) => FieldWiring;
  control: UseFormReturn<Input, unknown, Output>;
  pending: boolean;
  wiring: FormWiring;
};

/**
 * A form that one server action answers. The same schema checks what would be sent here and again on the server; without
 * JavaScript the form posts, and comes back with what was typed and what is wrong.
 */
export function useActionForm<Input extends FieldValues, Output, T>({
  schema,
  action,
  defaultValues,
  namespace,
}: {
  schema: z.ZodType<Output, Input>;
  action: FormAction<T>;
  defaultValues?: { [Name in keyof NoInfer<Input>]?: Default } | undefined;
  /** Where the sentences of its error codes are looked up first. */
  namespace?: string | undefined;
}): ActionForm<Input, Output, T> {
  const text = useProblemText(namespace);
  const element = useRef<HTMLFormElement>(null);
  const { state, posted, formAction, pending, send } = useAnswer(action);

  // Typed values come back from the server only where no script ran; afterwards the page itself keeps them.
  const [initial] = useState<Record<string, string | string[] | undefined>>(() => {
    if (posted.ok === false) return posted.values;
    return Object.fromEntries(
      Object.entries(defaultValues ?? {}).map(([name, value]) => [name, asDefault(value)]),
    );
  });

  const resolver: Resolver<Input, unknown, Output> = async (values, _context, options) => {
    const parsed = await schema.safeParseAsync(element.current ? readForm(element.current) : values);
    if (parsed.success) return { values: parsed.data, errors: {} };
    const errors: Record<string, FieldError> = {};
    for (const issue of parsed.error.issues) {
      const name = issue.path.map(String).join('.') || 'form';
      errors[name] ??= { type: issue.code, message: text(problemOf(issue)) };
    }
    return { values: {}, errors: toNestErrors<Input>(errors as never, options) };
  };

  const control = useForm<Input, unknown, Output>({
    resolver,
    shouldFocusError: false,
    defaultValues: initial as never,
  });
  const { errors } = control.formState;

  // What the server refused becomes ordinary field errors, which go away as the field is mended.
  const [applied, setApplied] = useState<FormState<T> | null>(null);
  const known = useRef(new Set<string>());
  const refused = state.ok === false ? state.error : null;
  const { setError } = control;
  useEffect(() => {
    if (!refused || applied === state) return;
    for (const [name, problem] of Object.entries(refused.fields ?? {})) {
      if (known.current.has(name))
        setError(name as FieldPath<Input>, { type: 'server', message: text(problem) });
    }
    setApplied(state);
    requestAnimationFrame(() => focusFirst(element.current, Object.keys(refused.fields ?? {})));
  }, [state, applied, refused, setError, text]);

  // Fields are wired in the order of the page, so the first wrong one is the first that is asked for.
  let firstWrong: string | null = null;
  const field = (name: FieldPath<Input>): FieldWiring => {
    known.current.add(name);
    const { onChange, onBlur, ref } = control.register(name);
    const fromServer = applied === state ? undefined : refused?.fields?.[name];
    const found = control.getFieldState(name, control.formState).error?.message;
    if (posted.ok === false && posted.error.fields?.[name]) firstWrong ??= name;
    return {
      name,
      onChange,
      onBlur,
      ref,
      defaultValue: initial[name],
      error: found ?? (fromServer ? text(fromServer) : undefined),
      ...(firstWrong === name ? { autoFocus: true } : {}),
    };
  };

  const problems = () => {
    const found: string[] = [];
    if (refused && refused.code !== 'invalid') found.push(text(refused));
    for (const [name, problem] of Object.entries(refused?.fields ?? {})) {
      if (!known.current.has(name)) found.push(text(problem));
    }
    for (const [name, error] of Object.entries(errors)) {
      const message = error && 'message' in error ? error.message : undefined;
      if (typeof message === 'string' && !known.current.has(name)) found.push(message);
    }
    return [...new Set(found)];
  };

  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (pending) return;
    const form = event.currentTarget;
    const submitter = event.nativeEvent instanceof SubmitEvent ? event.nativeEvent.submitter : null;
    void control.handleSubmit(
      () => send(new FormData(form, submitter)),
      (found) => {
        requestAnimationFrame(() => focusFirst(form, Object.keys(found)));
      },
    )(event);
  };

  return {
    state,
    field,
    control,
    pending,
    wiring: { element, action: formAction, onSubmit, pending, problems },
  };
}

export { ActionButton } from './action-button';

/** The code and the numbers of what zod found; schemas name the code as the message. */
function problemOf(issue: z.core.$ZodIssue): Problem {
  const params: Record<string, string | number> = {};
  if (issue.code === 'too_big') params.max = Number(issue.maximum);
  if (issue.code === 'too_small') params.min = Number(issue.minimum);
  const own =
    issue.code === 'custom' ? (issue.params as Record<string, string | number> | undefined) : undefined;
  return {
    code: /^[a-z_]+$/.test(issue.message) ? issue.message : 'invalid_value',
    params: { ...params, ...own },
  };
}

/** The form itself: says the language, shows what concerns the whole of it, and knows when it is on its way. */
export function Form({
  form: { wiring },
  className,
  children,
  ...rest
}: Omit<ComponentProps<'form'>, 'action' | 'onSubmit' | 'ref' | 'noValidate'> & {
  form: { wiring: FormWiring };
  children: ReactNode;
}) {
  const t = useTranslations('ui');
  const locale = useLocale();
  const problems = wiring.problems();
  return (
    <FormPending value={wiring.pending}>
      <form
        {...rest}
        ref={wiring.element}
        action={wiring.action}
        onSubmit={wiring.onSubmit}
        noValidate
        className={className ?? 'grid grid-cols-[minmax(0,1fr)] gap-4'}
      >
        <input type="hidden" name="locale" value={locale} />
        {problems.length > 0 ? (
          <Alert tone="bad" role="alert" tabIndex={-1} data-form-alert="" aria-label={t('formErrors')}>
            {problems.map((problem) => (
              <p key={problem}>{problem}</p>
            ))}
          </Alert>
        ) : null}
        {children}
      </form>
    </FormPending>
  );
}
