import { type ComponentProps, type ReactNode, useId } from 'react';
import { classNames } from './class-names';

/** How a text control looks; for controls that are made elsewhere and stand among these. */
export const controlStyle = classNames(
  'block w-full min-h-9 rounded-md border border-edge bg-surface px-3 py-1.5 text-[0.9375rem] text-ink',
  'hover:border-ink/60 focus-visible:outline-2 focus-visible:outline-offset-0 focus-visible:outline-accent',
  'aria-invalid:border-bad disabled:bg-sunken disabled:text-muted [&[readonly]]:bg-sunken',
);

type Labelled = {
  label: ReactNode;
  /** One sentence that helps before anything is wrong. */
  hint?: ReactNode;
  /** What is wrong, as a sentence. */
  error?: string | undefined;
  /** The label is heard but not seen: where a heading beside it says the same. */
  hideLabel?: boolean | undefined;
};

type Described = { hintId: string; errorId: string; describedBy: string | undefined };

function useDescribed(id: string, hint: ReactNode, error: string | undefined): Described {
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  const describedBy = [hint ? hintId : '', error ? errorId : ''].filter(Boolean).join(' ');
  return { hintId, errorId, describedBy: describedBy || undefined };
}

function Required() {
  return (
    <span aria-hidden className="ml-0.5 text-accent">
      *
    </span>
  );
}

/** The sentence below a control that says what is wrong with it. */
export function FieldError({ id, children }: { id?: string | undefined; children: ReactNode }) {
  return (
    <p id={id} className="mt-1 text-[0.8125rem] font-medium text-bad">
      {children}
    </p>
  );
}

function Hint({ id, children }: { id: string; children: ReactNode }) {
  return (
    <div id={id} className="mt-1 text-[0.8125rem] text-muted">
      {children}
    </div>
  );
}

function Frame({
  id,
  label,
  hint,
  error,
  hideLabel,
  required,
  described,
  className,
  children,
}: Labelled & {
  id: string;
  required: boolean | undefined;
  described: Described;
  className: string | undefined;
  children: ReactNode;
}) {
  return (
    <div className={classNames('min-w-0', className)}>
      <label htmlFor={id} className={hideLabel ? 'sr-only' : 'mb-1 block text-[0.875rem] font-medium'}>
        {label}
        {required ? <Required /> : null}
      </label>
      {children}
      {error ? <FieldError id={described.errorId}>{error}</FieldError> : null}
      {hint ? <Hint id={described.hintId}>{hint}</Hint> : null}
    </div>
  );
}

type TextFieldProps = Labelled & Omit<ComponentProps<'input'>, 'size'>;

/** One line of text: also e-mail, password, number, date and time, file. `className` is that of the whole field. */
export function TextField({
  label,
  hint,
  error,
  hideLabel,
  className,
  id: givenId,
  ...input
}: TextFieldProps) {
  const ownId = useId();
  const id = givenId ?? ownId;
  const described = useDescribed(id, hint, error);
  const { defaultValue, ...rest } = input;
  return (
    <Frame {...{ id, label, hint, error, hideLabel, described, className }} required={input.required}>
      <input
        {...rest}
        {...(input.type === 'file' ? {} : { defaultValue })}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={described.describedBy}
        className={classNames(
          controlStyle,
          input.type === 'file' &&
            'py-1 file:mr-3 file:rounded-sm file:border-0 file:bg-sunken file:px-2.5 file:py-1 file:font-medium file:text-ink',
        )}
      />
    </Frame>
  );
}

type TextAreaProps = Labelled & ComponentProps<'textarea'>;

/** Several lines of text; grows with what is typed where the browser can. */
export function TextArea({
  label,
  hint,
  error,
  hideLabel,
  className,
  id: givenId,
  rows = 4,
  ...area
}: TextAreaProps) {
  const ownId = useId();
  const id = givenId ?? ownId;
  const described = useDescribed(id, hint, error);
  return (
    <Frame {...{ id, label, hint, error, hideLabel, described, className }} required={area.required}>
      <textarea
        {...area}
        rows={rows}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={described.describedBy}
        className={classNames(controlStyle, 'max-h-[32rem] [field-sizing:content]')}
        style={{ minHeight: `${rows * 1.5 + 0.9}rem` }}
      />
    </Frame>
  );
}

export type Option = { value: string; label: string; disabled?: boolean };

type SelectFieldProps = Labelled & Omit<ComponentProps<'select'>, 'size'> & { options: readonly Option[] };

/** A choice of one from a list that opens; the browser's own, so that it works everywhere. */
export function SelectField({
  label,
  hint,
  error,
  hideLabel,
  className,
  id: givenId,
  options,
  children,
  ...select
}: SelectFieldProps) {
  const ownId = useId();
  const id = givenId ?? ownId;
  const described = useDescribed(id, hint, error);
  return (
    <Frame {...{ id, label, hint, error, hideLabel, described, className }} required={select.required}>
      <select
        {...select}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={described.describedBy}
        className={classNames(controlStyle, 'pr-8')}
      >
        {children}
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

type CheckFieldProps = Labelled &
  Omit<ComponentProps<'input'>, 'type' | 'size' | 'defaultValue'> & {
    /** As a form sends it: `on` or `true` for checked. `defaultChecked` says the same. */
    defaultValue?: string | number | boolean | readonly string[] | undefined;
  };

/** Yes or no. Sends `on` (or `value`) when checked, nothing when not. */
export function CheckField({
  label,
  hint,
  error,
  hideLabel,
  className,
  id: givenId,
  defaultValue,
  defaultChecked,
  ...input
}: CheckFieldProps) {
  const ownId = useId();
  const id = givenId ?? ownId;
  const described = useDescribed(id, hint, error);
  const checked =
    defaultChecked ?? (defaultValue === true || defaultValue === 'on' || defaultValue === 'true');
  return (
    <div className={classNames('min-w-0', className)}>
      <div className="flex items-start gap-2.5">
        <input
          {...input}
          {...('checked' in input ? {} : { defaultChecked: checked })}
          type="checkbox"
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={described.describedBy}
          className="mt-1 size-4 shrink-0 accent-accent"
        />
        <div className="min-w-0">
          <label htmlFor={id} className={hideLabel ? 'sr-only' : 'block'}>
            {label}
            {input.required ? <Required /> : null}
          </label>
          {error ? <FieldError id={described.errorId}>{error}</FieldError> : null}
          {hint ? <Hint id={described.hintId}>{hint}</Hint> : null}
        </div>
      </div>
    </div>
  );
}

export type RadioOption = { value: string; label: ReactNode; hint?: ReactNode; disabled?: boolean };

type RadioFieldProps = Labelled &
  Omit<ComponentProps<'input'>, 'type' | 'size' | 'value' | 'defaultValue'> & {
    options: readonly RadioOption[];
    defaultValue?: string | number | readonly string[] | undefined;
    /** Side by side instead of one below the other. */
    inline?: boolean | undefined;
  };

/** A choice of one from a few that are all in sight. */
export function RadioField({
  label,
  hint,
  error,
  hideLabel,
  className,
  options,
  defaultValue,
  inline,
  required,
  ...input
}: RadioFieldProps) {
  const id = useId();
  const described = useDescribed(id, hint, error);
  return (
    <fieldset
      aria-describedby={described.describedBy}
      aria-invalid={error ? true : undefined}
      className={classNames('min-w-0', className)}
    >
      <legend className={hideLabel ? 'sr-only' : 'mb-1 text-[0.875rem] font-medium'}>
        {label}
        {required ? <Required /> : null}
      </legend>
      <div className={inline ? 'flex flex-wrap gap-x-5 gap-y-1.5' : 'grid gap-1.5'}>
        {options.map((option) => {
          const optionId = `${id}-${option.value}`;
          return (
            <div key={option.value} className="flex items-start gap-2.5">
              <input
                {...input}
                type="radio"
                id={optionId}
                value={option.value}
                defaultChecked={String(defaultValue ?? '') === option.value}
                disabled={option.disabled ?? input.disabled}
                aria-describedby={option.hint ? `${optionId}-hint` : undefined}
                className="mt-1 size-4 shrink-0 accent-accent"
              />
              <div className="min-w-0">
                <label htmlFor={optionId} className="block">
                  {option.label}
                </label>
                {option.hint ? <Hint id={`${optionId}-hint`}>{option.hint}</Hint> : null}
              </div>
            </div>
          );
        })}
      </div>
      {error ? <FieldError id={described.errorId}>{error}</FieldError> : null}
      {hint ? <Hint id={described.hintId}>{hint}</Hint> : null}
    </fieldset>
  );
}
