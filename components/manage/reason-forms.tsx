'use client';

import { useTranslations } from 'next-intl';
import { SubmitButton } from '@/components/ui/button';
import { TextArea } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import { reasonMax } from '@/lib/audit/schema';
import { disableMailingAction } from '@/lib/runs/actions';
import { disableSchema } from '@/lib/runs/schema';
import { blockUserAction } from '@/lib/users/actions';
import { blockSchema } from '@/lib/users/schema';

/** Blocks a user for a reason that the user will read. */
export function BlockForm({ userId }: { userId: number }) {
  const t = useTranslations('manage.users.block');
  const form = useActionForm({ schema: blockSchema, action: blockUserAction, namespace: 'manage' });
  return (
    <Form form={form}>
      <input type="hidden" name="userId" value={userId} />
      <TextArea
        {...form.field('reason')}
        label={t('reason')}
        hint={t('reasonHint')}
        rows={2}
        maxLength={reasonMax}
        required
      />
      <div>
        <SubmitButton variant="danger">{t('submit')}</SubmitButton>
      </div>
    </Form>
  );
}

/** Disables a mailing for a reason that its owner will read. */
export function DisableForm({ mailingId }: { mailingId: number }) {
  const t = useTranslations('manage.mailings.disable');
  const form = useActionForm({ schema: disableSchema, action: disableMailingAction, namespace: 'manage' });
  return (
    <Form form={form}>
      <input type="hidden" name="mailingId" value={mailingId} />
      <TextArea
        {...form.field('reason')}
        label={t('reason')}
        hint={t('reasonHint')}
        rows={2}
        maxLength={reasonMax}
        required
      />
      <div>
        <SubmitButton variant="danger">{t('submit')}</SubmitButton>
      </div>
    </Form>
  );
}
