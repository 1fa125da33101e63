'use client';

import { useTranslations } from 'next-intl';
import { SubmitButton } from '@/components/ui/button';
import { TextArea } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import { blockUserAction } from '@/lib/users/actions';
import { blockSchema, reasonMax } from '@/lib/users/schema';

/** Blocks a user for a reason that the user will read. */
export function BlockForm({ userId }: { userId: number }) {
  const t = useTranslations('manage.users');
  const form = useActionForm({ schema: blockSchema, action: blockUserAction, namespace: 'manage' });
  return (
    <Form form={form}>
      <input type="hidden" name="userId" value={userId} />
      <TextArea
        {...form.field('reason')}
        label={t('block.reason')}
        hint={t('block.reasonHint')}
        rows={2}
        maxLength={reasonMax}
        required
      />
      <div>
        <SubmitButton variant="danger">{t('block.submit')}</SubmitButton>
      </div>
    </Form>
  );
}
