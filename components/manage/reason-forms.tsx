'use client';

import { useTranslations } from 'next-intl';
import type { ComponentProps } from 'react';
import { SubmitButton } from '@/components/ui/button';
import { TextArea } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import { reasonMax } from '@/lib/audit/schema';
import { disableMailingAction } from '@/lib/runs/actions';
import { disableSchema } from '@/lib/runs/schema';
import { blockUserAction } from '@/lib/users/actions';
import { blockSchema } from '@/lib/users/schema';

type ReasonProps = {
  field: Pick<ComponentProps<typeof TextArea>, 'name'>;
  words: { label: string; hint: string; submit: string };
};

/** Why, and the button that does it. */
function Reason({ field, words }: ReasonProps) {
  return (
    <>
      <TextArea {...field} label={words.label} hint={words.hint} rows={2} maxLength={reasonMax} required />
      <div>
        <SubmitButton variant="danger">{words.submit}</SubmitButton>
      </div>
    </>
  );
}

/** Blocks a user for a reason that the user will read. */
export function BlockForm({ userId }: { userId: number }) {
  const t = useTranslations('manage.users.block');
  const form = useActionForm({ schema: blockSchema, action: blockUserAction, namespace: 'manage' });
  return (
    <Form form={form}>
      <input type="hidden" name="userId" value={userId} />
      <Reason
        field={form.field('reason')}
        words={{ label: t('reason'), hint: t('reasonHint'), submit: t('submit') }}
      />
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
      <Reason
        field={form.field('reason')}
        words={{ label: t('reason'), hint: t('reasonHint'), submit: t('submit') }}
      />
    </Form>
  );
}
