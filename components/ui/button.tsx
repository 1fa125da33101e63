'use client';

import { LoaderCircle } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { type ComponentProps, type ReactNode, useContext } from 'react';
import { useFormStatus } from 'react-dom';
import { type ButtonSize, type ButtonVariant, buttonStyle } from './button-style';
import { FormPending } from './form-pending';

type ButtonProps = ComponentProps<'button'> & {
  variant?: ButtonVariant | undefined;
  size?: ButtonSize | undefined;
  /** Something is on its way: the button says so and takes no second press. */
  pending?: boolean | undefined;
};

export function Button({
  variant = 'secondary',
  size = 'md',
  type = 'button',
  pending = false,
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-disabled={pending || undefined}
      aria-busy={pending || undefined}
      onClick={pending ? (event) => event.preventDefault() : onClick}
      className={buttonStyle({ variant, size, className })}
    >
      {pending ? <LoaderCircle aria-hidden className="size-4 animate-spin" /> : null}
      {children}
    </button>
  );
}

type SubmitButtonProps = Omit<ButtonProps, 'type' | 'pending'> & { pendingLabel?: ReactNode };

/** The button that sends the form around it. While the form is on its way it says so, and a second press does nothing. */
export function SubmitButton({ variant = 'primary', pendingLabel, children, ...rest }: SubmitButtonProps) {
  const t = useTranslations('ui');
  const native = useFormStatus().pending;
  const pending = useContext(FormPending) || native;
  return (
    <Button {...rest} variant={variant} type="submit" pending={pending}>
      {pending ? (pendingLabel ?? t('working')) : children}
    </Button>
  );
}
