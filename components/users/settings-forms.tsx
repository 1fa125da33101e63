'use client';

import { useTranslations } from 'next-intl';
import { type ReactNode, useEffect, useState } from 'react';
import { LinkButton } from '@/components/layout/link';
import { ActionButton } from '@/components/ui/action-button';
import { Alert } from '@/components/ui/alert';
import { Button, SubmitButton } from '@/components/ui/button';
import { type Option, SelectField, TextField } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import {
  cancelEmailChangeAction,
  changeEmailAction,
  changePasswordAction,
  deleteAccountAction,
  repeatEmailChangeAction,
  updateProfileAction,
} from '@/lib/users/actions';
import {
  changeEmailSchema,
  changePasswordSchema,
  currentPasswordSchema,
  nameMax,
  profileSchema,
} from '@/lib/users/schema';
import { EmailField, PasswordField } from './fields';
import { DefaultSubmit, NewPasswordField } from './new-password';

export function ProfileForm({
  profile,
  zones,
}: {
  profile: { name: string; timeZone: string; language: string };
  zones: Option[];
}) {
  const t = useTranslations('settings');
  const form = useActionForm({
    schema: profileSchema,
    action: updateProfileAction,
    namespace: 'settings',
    defaultValues: profile,
  });
  // Known only in the browser, and so only after the first picture.
  const [here, setHere] = useState<string | null>(null);
  useEffect(() => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone !== profile.timeZone && zones.some(({ value }) => value === zone)) setHere(zone);
  }, [profile.timeZone, zones]);
  return (
    <Form form={form} className="grid max-w-md gap-4">
      <TextField
        {...form.field('name')}
        label={t('name')}
        hint={t('nameHint')}
        autoComplete="name"
        maxLength={nameMax}
        required
      />
      <div>
        <SelectField
          {...form.field('timeZone')}
          label={t('timeZone')}
          hint={t('timeZoneHint')}
          options={zones}
          required
        />
        {here ? (
          <Button
            size="sm"
            variant="ghost"
            className="mt-1"
            onClick={() => {
              form.control.setValue('timeZone', here, { shouldValidate: true });
              setHere(null);
            }}
          >
            {t('useBrowserZone', { zone: here })}
          </Button>
        ) : null}
      </div>
      <SelectField
        {...form.field('language')}
        label={t('language')}
        hint={t('languageHint')}
        options={[
          { value: 'en', label: t('languages.en') },
          { value: 'ru', label: t('languages.ru') },
        ]}
        required
      />
      <SubmitButton className="justify-self-start">{t('save')}</SubmitButton>
    </Form>
  );
}

export function ChangeEmailForm() {
  const t = useTranslations('settings');
  const form = useActionForm({
    schema: changeEmailSchema,
    action: changeEmailAction,
    namespace: 'settings',
  });
  return (
    <Form form={form} className="grid max-w-md gap-4">
      <EmailField {...form.field('email')} label={t('newEmail')} autoComplete="email" />
      <PasswordField {...form.field('currentPassword')} label={t('yourPassword')} />
      <SubmitButton variant="secondary" className="justify-self-start">
        {t('changeEmail')}
      </SubmitButton>
    </Form>
  );
}

/** The change of address that waits for its link: until when, the letter once more, and the way back. */
export function PendingEmail({ email, until }: { email: string; until: ReactNode }) {
  const t = useTranslations('settings.pendingEmail');
  return (
    <Alert title={t('title')} className="mb-4 max-w-prose [overflow-wrap:anywhere]">
      <p>{t.rich('body', { email, until: () => until })}</p>
      <div className="mt-2.5 flex flex-wrap items-start gap-2">
        <ActionButton action={repeatEmailChangeAction} namespace="settings" size="sm">
          {t('again')}
        </ActionButton>
        <ActionButton action={cancelEmailChangeAction} namespace="settings" size="sm">
          {t('cancel')}
        </ActionButton>
      </div>
    </Alert>
  );
}

export function ChangePasswordForm({ email }: { email: string }) {
  const t = useTranslations('settings');
  const form = useActionForm({
    schema: changePasswordSchema,
    action: changePasswordAction,
    namespace: 'settings',
  });
  return (
    <Form form={form} className="grid max-w-md gap-4">
      <DefaultSubmit />
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <PasswordField {...form.field('oldPassword')} label={t('oldPassword')} />
      <NewPasswordField
        field={form.field('password')}
        label={t('newPassword')}
        form={form}
        onMade={(made) => form.control.setValue('password', made, { shouldValidate: true })}
      />
      <SubmitButton variant="secondary" className="justify-self-start">
        {t('changePassword')}
      </SubmitButton>
    </Form>
  );
}

/** The last step before an account goes. */
export function DeleteAccountForm({ email }: { email: string }) {
  const t = useTranslations('settings');
  const form = useActionForm({
    schema: currentPasswordSchema,
    action: deleteAccountAction,
    namespace: 'settings',
  });
  return (
    <Form form={form} className="grid max-w-md gap-4">
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <PasswordField {...form.field('currentPassword')} label={t('yourPassword')} />
      <div className="flex flex-wrap gap-2">
        <SubmitButton variant="danger">{t('deletion.confirm')}</SubmitButton>
        <LinkButton href="/settings">{t('deletion.cancel')}</LinkButton>
      </div>
    </Form>
  );
}
