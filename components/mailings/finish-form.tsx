'use client';

import { useTranslations } from 'next-intl';
import { Alert } from '@/components/ui/alert';
import { SubmitButton } from '@/components/ui/button';
import { CheckField, FieldError } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import { finishRunAction } from '@/lib/runs/actions';
import { type FinishableOutcome, finishableOutcomes, finishRunSchema } from '@/lib/runs/schema';

/** Puts those who did not get the letter back into the queue: which of them, and what that risks. */
export function FinishForm({
  mailingId,
  runId,
  counts,
}: {
  mailingId: number;
  runId: number;
  counts: Record<FinishableOutcome, number>;
}) {
  const t = useTranslations('mailings.run');
  const form = useActionForm({ schema: finishRunSchema, action: finishRunAction, namespace: 'mailings' });
  const { error } = form.field('outcomes');
  return (
    <Form form={form} className="group grid gap-3">
      <p className="max-w-prose text-muted">{t('finishLead')}</p>
      <input type="hidden" name="mailingId" value={mailingId} />
      <input type="hidden" name="runId" value={runId} />
      <fieldset className="grid gap-1.5">
        <legend className="mb-1 text-[0.875rem] font-medium">{t('finishWhat')}</legend>
        {finishableOutcomes
          .filter((outcome) => counts[outcome] > 0)
          .map((outcome) => (
            <CheckField
              key={outcome}
              name="outcomes[]"
              value={outcome}
              // What may reach somebody twice is never ticked for them.
              defaultChecked={outcome !== 'unknown'}
              label={t(`outcomes.${outcome}`, { count: counts[outcome] })}
            />
          ))}
        {error ? <FieldError>{error}</FieldError> : null}
      </fieldset>
      {counts.unknown > 0 ? (
        <div className="hidden group-has-[input[value=unknown]:checked]:block">
          <Alert tone="warn">{t('finishUnknown')}</Alert>
        </div>
      ) : null}
      <div>
        <SubmitButton>{t('finish')}</SubmitButton>
      </div>
    </Form>
  );
}
