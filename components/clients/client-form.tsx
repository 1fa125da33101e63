'use client';

import { useTranslations } from 'next-intl';
import { LinkButton } from '@/components/layout/link';
import { SubmitButton } from '@/components/ui/button';
import { TextArea, TextField } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import { createClientAction, updateClientAction } from '@/lib/clients/actions';
import { clientSchema } from '@/lib/clients/schema';

/** One client: a new one, or the one given. */
export function ClientForm({
  client,
}: {
  client?: { id: number; email: string; fullName: string; comment: string } | undefined;
}) {
  const t = useTranslations('clients');
  const form = useActionForm({
    schema: clientSchema,
    action: client ? updateClientAction : createClientAction,
    defaultValues: client
      ? { email: client.email, fullName: client.fullName, comment: client.comment }
      : undefined,
    namespace: 'clients',
  });
  return (
    <Form form={form}>
      {client ? <input type="hidden" name="id" value={client.id} /> : null}
      <TextField
        {...form.field('email')}
        type="email"
        inputMode="email"
        autoComplete="off"
        required
        maxLength={254}
        label={t('form.email')}
      />
      <TextField
        {...form.field('fullName')}
        autoComplete="off"
        maxLength={200}
        label={t('form.fullName')}
        hint={t('form.fullNameHint')}
      />
      <TextArea
        {...form.field('comment')}
        rows={3}
        maxLength={2000}
        label={t('form.comment')}
        hint={t('form.commentHint')}
      />
      <div className="flex flex-wrap gap-2">
        <SubmitButton>{client ? t('edit.submit') : t('new.submit')}</SubmitButton>
        {client ? <LinkButton href={`/clients/${client.id}`}>{t('edit.cancel')}</LinkButton> : null}
      </div>
    </Form>
  );
}
