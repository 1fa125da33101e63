'use client';

import { useTranslations } from 'next-intl';
import { useEffect, useState } from 'react';
import { AppLink } from '@/components/layout/link';
import { SubmitButton } from '@/components/ui/button';
import { TextField } from '@/components/ui/field';
import { ActionButton, Form, useActionForm } from '@/components/ui/form';
import type { FormAction } from '@/components/ui/form-answer';
import {
  confirmAction,
  confirmEmailChangeAction,
  registerAction,
  requestResetAction,
  resendAction,
  resetPasswordAction,
  signInAction,
} from '@/lib/users/actions';
import { addressSchema, registerSchema, resetSchema, signInSchema, tokenSchema } from '@/lib/users/schema';
import { EmailField, PasswordField } from './fields';
import { DefaultSubmit, NewPasswordField } from './new-password';

export function RegisterForm() {
  const t = useTranslations('account');
  const form = useActionForm({
    schema: registerSchema,
    action: registerAction,
    namespace: 'account',
  });
  const [zone, setZone] = useState('UTC');
  useEffect(() => setZone(Intl.DateTimeFormat().resolvedOptions().timeZone), []);
  return (
    <Form form={form}>
      <DefaultSubmit />
      <input type="hidden" name="timeZone" value={zone} />
      <TextField
        {...form.field('name')}
        label={t('name')}
        hint={t('nameHint')}
        autoComplete="name"
        required
      />
      <EmailField {...form.field('email')} label={t('email')} />
      <NewPasswordField
        field={form.field('password')}
        label={t('password')}
        form={form}
        onMade={(made) => form.control.setValue('password', made, { shouldValidate: true })}
      />
      <SubmitButton>{t('register.submit')}</SubmitButton>
    </Form>
  );
}

export function SignInForm({ next }: { next: string | undefined }) {
  const t = useTranslations('account');
  const form = useActionForm({ schema: signInSchema, action: signInAction, namespace: 'account' });
  const refused = form.state.ok === false ? form.state : null;
  const typed = refused?.values.email;
  return (
    <div className="grid gap-4">
      <Form form={form}>
        {next ? <input type="hidden" name="next" value={next} /> : null}
        <EmailField {...form.field('email')} label={t('email')} />
        <PasswordField {...form.field('password')} label={t('password')} />
        <div className="flex flex-wrap items-center justify-between gap-3">
          <SubmitButton>{t('login.submit')}</SubmitButton>
          <AppLink href="/forgot-password" className="rounded-sm underline underline-offset-4">
            {t('login.forgot')}
          </AppLink>
        </div>
      </Form>
      {refused?.error.code === 'not_confirmed' && typeof typed === 'string' ? (
        <ActionButton action={resendAction} hidden={{ email: typed }} namespace="account">
          {t('login.resend')}
        </ActionButton>
      ) : null}
    </div>
  );
}

/** Asks for a letter: the confirmation again, or the link for a new password. */
export function LetterForm({ kind, email }: { kind: 'confirm' | 'reset'; email?: string | undefined }) {
  const t = useTranslations('account');
  const form = useActionForm({
    schema: addressSchema,
    action: kind === 'confirm' ? resendAction : requestResetAction,
    namespace: 'account',
    defaultValues: { email },
  });
  return (
    <Form form={form}>
      <EmailField {...form.field('email')} label={t('email')} />
      <SubmitButton variant={kind === 'confirm' ? 'secondary' : 'primary'} className="justify-self-start">
        {t(kind === 'confirm' ? 'check.again' : 'forgot.submit')}
      </SubmitButton>
    </Form>
  );
}

/** Presses itself where scripts run; one press where they do not. Opening the address alone changes nothing. */
function TokenForm<T>({ token, action }: { token: string; action: FormAction<T> }) {
  const t = useTranslations('account');
  const form = useActionForm({ schema: tokenSchema, action, namespace: 'account' });
  const { element } = form.wiring;
  useEffect(() => element.current?.requestSubmit(), [element]);
  return (
    <Form form={form}>
      <input type="hidden" name="token" value={token} />
      <SubmitButton pendingLabel={t('verify.working')} className="justify-self-start">
        {t('verify.submit')}
      </SubmitButton>
    </Form>
  );
}

/** Confirms a new account. */
export function ConfirmForm({ token }: { token: string }) {
  return <TokenForm token={token} action={confirmAction} />;
}

/** Confirms the new address of an account. */
export function ConfirmEmailChangeForm({ token }: { token: string }) {
  return <TokenForm token={token} action={confirmEmailChangeAction} />;
}

export function ResetForm({ token }: { token: string }) {
  const t = useTranslations('account');
  const form = useActionForm({
    schema: resetSchema,
    action: resetPasswordAction,
    namespace: 'account',
  });
  return (
    <Form form={form}>
      <DefaultSubmit />
      <input type="hidden" name="token" value={token} />
      <NewPasswordField
        field={form.field('password')}
        label={t('newPassword')}
        form={form}
        onMade={(made) => form.control.setValue('password', made, { shouldValidate: true })}
      />
      <SubmitButton className="justify-self-start">{t('reset.submit')}</SubmitButton>
    </Form>
  );
}
