'use client';

import { useLocale, useTranslations } from 'next-intl';
import { useEffect, useId, useState } from 'react';
import { AnswerKindName } from '@/components/reports/answer';
import { Alert } from '@/components/ui/alert';
import { SubmitButton } from '@/components/ui/button';
import { CheckField, FieldError } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import type { AnswerKind } from '@/db/enums';
import { formatNumber } from '@/lib/format';
import { finishRunAction } from '@/lib/runs/actions';
import { type FinishableOutcome, finishableOutcomes, finishRunSchema } from '@/lib/runs/schema';

/** Puts those who did not get the letter back into the queue: which of them, and what that risks. */
export function FinishForm({
  mailingId,
  runId,
  counts,
  kinds,
}: {
  mailingId: number;
  runId: number;
  counts: Record<FinishableOutcome, number>;
  /** What kept those without the letter from it, of how many it did so. */
  kinds: { kind: AnswerKind; failed: number; unknown: number }[];
}) {
  const t = useTranslations('mailings.run');
  const form = useActionForm({ schema: finishRunSchema, action: finishRunAction, namespace: 'mailings' });
  const { error, defaultValue: chosen } = form.field('outcomes');
  const { error: notConfirmed, defaultValue: confirmed } = form.field('mayRepeat');
  const errorId = useId();
  const there = finishableOutcomes.filter((outcome) => counts[outcome] > 0);
  // What may reach somebody twice is never ticked for them; a refused form keeps what was.
  const [ticked, setTicked] = useState(() =>
    there.filter((outcome) =>
      form.state.ok === false ? [chosen].flat().includes(outcome) : outcome !== 'unknown',
    ),
  );
  // Without a script the button cannot follow what is ticked, and names no number.
  const [follows, setFollows] = useState(false);
  useEffect(() => setFollows(true), []);
  const count = follows ? ticked.reduce((sum, outcome) => sum + counts[outcome], 0) : 0;
  return (
    <Form form={form} className="group grid gap-4">
      <p className="max-w-prose text-muted">{t('finishLead')}</p>
      <input type="hidden" name="mailingId" value={mailingId} />
      <input type="hidden" name="runId" value={runId} />
      <fieldset className="grid gap-2.5" aria-describedby={error ? errorId : undefined}>
        <legend className="mb-1.5 text-[0.875rem] font-medium">{t('finishWhat')}</legend>
        {there.map((outcome) => (
          <CheckField
            key={outcome}
            name="outcomes[]"
            value={outcome}
            checked={ticked.includes(outcome)}
            onChange={({ target }) => {
              setTicked((before) =>
                target.checked ? [...before, outcome] : before.filter((other) => other !== outcome),
              );
              form.control.clearErrors('outcomes');
            }}
            label={t(`outcomes.${outcome}`, { count: counts[outcome] })}
            hint={
              <>
                {t(`outcomeHints.${outcome}`)}
                {outcome === 'failed' ? <Why kinds={kinds} /> : null}
              </>
            }
          />
        ))}
        {error ? <FieldError id={errorId}>{error}</FieldError> : null}
      </fieldset>
      {counts.unknown > 0 ? (
        <div className="hidden group-has-[input[value=unknown]:checked]:block">
          <Alert tone="warn" title={t('repeatTitle')}>
            <p>{t('finishUnknown')}</p>
            <CheckField
              className="mt-2"
              name="mayRepeat"
              defaultValue={confirmed}
              label={t('mayRepeat', { count: counts.unknown })}
              error={notConfirmed}
            />
          </Alert>
        </div>
      ) : null}
      <div>
        <SubmitButton>{count > 0 ? t('finishCount', { count }) : t('finish')}</SubmitButton>
      </div>
    </Form>
  );
}

/** Why letters failed, and of how many each: what was refused for good is mostly refused again. */
function Why({ kinds }: { kinds: { kind: AnswerKind; failed: number }[] }) {
  const locale = useLocale();
  const some = kinds.filter(({ failed }) => failed > 0);
  if (some.length === 0) return null;
  return (
    <ul className="mt-1 flex flex-wrap gap-x-4">
      {some.map(({ kind, failed }) => (
        <li key={kind}>
          <AnswerKindName kind={kind} />: {formatNumber(locale, failed)}
        </li>
      ))}
    </ul>
  );
}
