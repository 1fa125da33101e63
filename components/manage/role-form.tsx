'use client';

import { useTranslations } from 'next-intl';
import { SubmitButton } from '@/components/ui/button';
import { RadioField } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import { changeRoleAction } from '@/lib/users/actions';
import { roleSchema, type UserRole, userRoles } from '@/lib/users/schema';

/** What a user may do here: one of three. */
export function RoleForm({ userId, role }: { userId: number; role: UserRole }) {
  const t = useTranslations('manage.users');
  const form = useActionForm({
    schema: roleSchema,
    action: changeRoleAction,
    namespace: 'manage',
    defaultValues: { role },
  });
  return (
    <Form form={form}>
      <input type="hidden" name="userId" value={userId} />
      <RadioField
        {...form.field('role')}
        label={t('role')}
        hideLabel
        options={userRoles.map((value) => ({
          value,
          label: t(`roles.${value}`),
          hint: t(`roleHints.${value}`),
        }))}
      />
      <div>
        <SubmitButton variant="secondary">{t('roleChange.submit')}</SubmitButton>
      </div>
    </Form>
  );
}
