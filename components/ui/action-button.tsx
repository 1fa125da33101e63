'use client';

import { AlertDialog } from '@base-ui/react/alert-dialog';
import { useLocale, useTranslations } from 'next-intl';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { Alert } from './alert';
import { Button } from './button';
import type { ButtonSize, ButtonVariant } from './button-style';
import { dialogStyle } from './dialog-style';
import { type FormAction, useAnswer, useProblemText } from './form-answer';

/** What is asked before something that cannot be undone; `body` says in numbers what will happen. */
export type Confirmation = { title: ReactNode; body?: ReactNode; confirm: ReactNode; cancel?: ReactNode };

/**
 * One button that does one thing: a form of hidden fields, so that it works without JavaScript too. With `confirm` it asks
 * first (only where scripts run). What the action refuses stands below the button, or in the question.
 */
export function ActionButton<T>({
  action,
  hidden = {},
  variant = 'secondary',
  size,
  confirm,
  namespace,
  disabled,
  onDone,
  className,
  children,
}: {
  action: FormAction<T>;
  hidden?: Record<string, string | number> | undefined;
  variant?: ButtonVariant | undefined;
  size?: ButtonSize | undefined;
  confirm?: Confirmation | undefined;
  namespace?: string | undefined;
  disabled?: boolean | undefined;
  /** Called with what the action answered, where scripts run. */
  onDone?: ((data: T) => void) | undefined;
  className?: string | undefined;
  children: ReactNode;
}) {
  const t = useTranslations('ui');
  const locale = useLocale();
  const text = useProblemText(namespace);
  const { state, formAction, pending, send } = useAnswer(action);
  const [asking, setAsking] = useState(false);
  const element = useRef<HTMLFormElement>(null);

  const refused = state.ok === false && !pending ? state.error : null;
  const problems = refused
    ? [
        ...(refused.code === 'invalid' && refused.fields ? [] : [refused]),
        ...Object.values(refused.fields ?? {}),
      ].map(text)
    : [];
  const problemBox =
    problems.length > 0 ? (
      <Alert tone="bad" role="alert" className="mt-2 text-left whitespace-normal">
        {[...new Set(problems)].map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
      </Alert>
    ) : null;

  const go = () => {
    if (element.current)
      send(new FormData(element.current), (next) => {
        if (!next.ok) return;
        setAsking(false);
        onDone?.(next.data);
      });
  };

  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (confirm) setAsking(true);
    else go();
  };

  return (
    <form ref={element} action={formAction} onSubmit={onSubmit} className={className ?? 'inline-block'}>
      <input type="hidden" name="locale" value={locale} />
      {Object.entries(hidden).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <Button type="submit" variant={variant} size={size} pending={pending && !asking} disabled={disabled}>
        {children}
      </Button>
      {asking ? null : problemBox}
      {confirm ? (
        <AlertDialog.Root open={asking} onOpenChange={(open) => !pending && setAsking(open)}>
          <AlertDialog.Portal>
            <AlertDialog.Backdrop className={dialogStyle.veil} />
            <AlertDialog.Popup className={dialogStyle.box}>
              <AlertDialog.Title className="text-lg font-semibold">{confirm.title}</AlertDialog.Title>
              {confirm.body ? (
                <AlertDialog.Description render={<div />} className="mt-2 text-muted">
                  {confirm.body}
                </AlertDialog.Description>
              ) : null}
              {problemBox}
              <div className="mt-5 flex flex-wrap justify-end gap-2">
                <AlertDialog.Close render={<Button />}>{confirm.cancel ?? t('cancel')}</AlertDialog.Close>
                <Button variant={variant === 'danger' ? 'danger' : 'primary'} pending={pending} onClick={go}>
                  {confirm.confirm}
                </Button>
              </div>
            </AlertDialog.Popup>
          </AlertDialog.Portal>
        </AlertDialog.Root>
      ) : null}
    </form>
  );
}
