import type { ComponentProps } from 'react';
import { TextField } from '@/components/ui/field';

type Props = Omit<ComponentProps<typeof TextField>, 'type' | 'inputMode' | 'required'>;

/** An e-mail address that has to be given: the one that somebody signs in with, unless `autoComplete` says otherwise. */
export function EmailField(props: Props) {
  return <TextField autoComplete="username" {...props} type="email" inputMode="email" required />;
}

/** The password that somebody has. */
export function PasswordField(props: Omit<Props, 'autoComplete'>) {
  return <TextField {...props} type="password" autoComplete="current-password" required />;
}
