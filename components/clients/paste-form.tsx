'use client';

import { useTranslations } from 'next-intl';
import { useEffect } from 'react';
import { AppLink } from '@/components/layout/link';
import { Alert } from '@/components/ui/alert';
import { SubmitButton } from '@/components/ui/button';
import { TextArea } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import { addPastedClientsAction } from '@/lib/clients/actions';
import { pastedClientsSchema, pastedLinesMax } from '@/lib/clients/schema';

/** A whole list at once, a client a line. */
export function PasteForm() {
  const t = useTranslations('clients.new');
  const form = useActionForm({
    schema: pastedClientsSchema,
    action: addPastedClientsAction,
    namespace: 'clients',
  });
  const added = form.state.ok ? form.state.data : null;
  const { element } = form.wiring;
  useEffect(() => {
    if (added) element.current?.reset();
  }, [added, element]);
  return (
    <Form form={form}>
      {added ? (
        <Alert tone="good" role="status">
          {t('added', { created: added.created, updated: added.updated, unchanged: added.unchanged })}{' '}
          <AppLink href="/clients" className="underline underline-offset-2">
            {t('toList')}
          </AppLink>
        </Alert>
      ) : null}
      <TextArea
        {...form.field('text')}
        rows={11}
        required
        wrap="off"
        spellCheck={false}
        autoComplete="off"
        placeholder={'Anna Petrova <anna@shop.example>\nboris@shop.example\nvera@shop.example, Vera Orlova'}
        label={t('pasteLabel')}
        hint={t('pasteHint', { max: pastedLinesMax })}
      />
      <div>
        <SubmitButton>{t('submitMany')}</SubmitButton>
      </div>
    </Form>
  );
}
