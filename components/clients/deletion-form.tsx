'use client';

import { useTranslations } from 'next-intl';
import { LinkButton } from '@/components/layout/link';
import { SubmitButton } from '@/components/ui/button';
import { Form, useActionForm } from '@/components/ui/form';
import { deleteClientsAction } from '@/lib/clients/actions';
import { clientsDeletionSchema } from '@/lib/clients/schema';

/** The last step before many clients go: those of the ids, or all that `q` finds. */
export function DeletionForm({
  ids,
  q,
  count,
  cancelHref,
}: {
  /** Null: all that `q` finds. */
  ids: number[] | null;
  q: string;
  count: { value: number; exact: boolean };
  cancelHref: string;
}) {
  const t = useTranslations('clients.deleteMany');
  const form = useActionForm({
    schema: clientsDeletionSchema,
    action: deleteClientsAction,
    namespace: 'clients',
  });
  return (
    <Form form={form}>
      {ids ? (
        ids.map((id) => <input key={id} type="hidden" name="ids[]" value={id} />)
      ) : (
        <>
          <input type="hidden" name="all" value="1" />
          <input type="hidden" name="q" value={q} />
        </>
      )}
      <div className="flex flex-wrap gap-2">
        <SubmitButton variant="danger">
          {t('confirm', { value: count.value, exact: count.exact ? 'yes' : 'no' })}
        </SubmitButton>
        <LinkButton href={cancelHref}>{t('cancel')}</LinkButton>
      </div>
    </Form>
  );
}
