'use client';

import { useLocale, useTranslations } from 'next-intl';
import { Fragment, useEffect, useId, useState } from 'react';
import { AnswerKindName } from '@/components/reports/answer';
import { Alert } from '@/components/ui/alert';
import { SubmitButton } from '@/components/ui/button';
import { CheckField, FieldError } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import type { AnswerKind } from '@/db/enums';
import { formatNumber } from '@/lib/format';
import { finishRunAction } from '@/lib/runs/actions';
import { type FinishableOutcome, finishableOutcomes, finishRunSchema, refusedAgain } from '@/lib/runs/schema';

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
  const { error: noKind, defaultValue: chosenKinds } = form.field('kinds');
  const errorId = useId();
  const kindErrorId = useId();
  const there = finishableOutcomes.filter((outcome) => counts[outcome] > 0);
  // What may reach somebody twice is never ticked for them; a refused form keeps what was.
  const [ticked, setTicked] = useState(() =>
    there.filter((outcome) =>
      form.state.ok === false ? [chosen].flat().includes(outcome) : outcome !== 'unknown',
    ),
  );
  const failedBy = kinds.filter(({ failed }) => failed > 0);
  const choosesKinds = failedBy.length > 1;
  // Where everything would be refused again, nothing else is left to propose.
  const again = failedBy.filter(({ kind }) => refusedAgain.has(kind)).length;
  const isAllRefusedAgain = again > 0 && again === failedBy.length;
  const leavesOut = again > 0 && !isAllRefusedAgain;
  const [kindsTicked, setKindsTicked] = useState(() =>
    failedBy
      .map(({ kind }) => kind)
      .filter((kind) =>
        form.state.ok === false
          ? [chosenKinds].flat().includes(kind)
          : !(leavesOut && refusedAgain.has(kind)),
      ),
  );
  const countOf = (outcome: FinishableOutcome) =>
    outcome === 'failed' && choosesKinds
      ? failedBy.reduce((sum, { kind, failed }) => sum + (kindsTicked.includes(kind) ? failed : 0), 0)
      : counts[outcome];
  // Without a script the button cannot follow what is ticked, and names no number.
  const [follows, setFollows] = useState(false);
  useEffect(() => setFollows(true), []);
  const count = follows ? ticked.reduce((sum, outcome) => sum + countOf(outcome), 0) : 0;
  return (
    <Form form={form} className="group grid gap-4">
      <p className="max-w-prose text-muted">{t('finishLead')}</p>
      <input type="hidden" name="mailingId" value={mailingId} />
      <input type="hidden" name="runId" value={runId} />
      <fieldset className="grid gap-2.5" aria-describedby={error ? errorId : undefined}>
        <legend className="mb-1.5 text-[0.875rem] font-medium">{t('finishWhat')}</legend>
        {there.map((outcome) => (
          <Fragment key={outcome}>
            <CheckField
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
                  {outcome === 'failed' && !choosesKinds ? <Why kinds={failedBy} /> : null}
                  {outcome === 'failed' && isAllRefusedAgain ? (
                    <p className="mt-1">{t('finishAllRefusedAgain')}</p>
                  ) : null}
                </>
              }
            />
            {outcome === 'failed' && choosesKinds ? (
              <fieldset
                className="ml-6.5 hidden gap-1.5 group-has-[input[value=failed]:checked]:grid"
                aria-describedby={noKind ? kindErrorId : undefined}
              >
                <legend className="mb-1.5 text-[0.875rem] text-muted">{t('finishKinds')}</legend>
                {/* So that none of them is told from not having been asked. */}
                <input type="hidden" name="kinds[]" value="" />
                <div className="flex flex-wrap gap-x-6 gap-y-1.5">
                  {failedBy.map(({ kind, failed }) => (
                    <CheckField
                      key={kind}
                      name="kinds[]"
                      value={kind}
                      checked={kindsTicked.includes(kind)}
                      onChange={({ target }) => {
                        setKindsTicked((before) =>
                          target.checked ? [...before, kind] : before.filter((other) => other !== kind),
                        );
                        form.control.clearErrors('kinds');
                      }}
                      label={<KindCount kind={kind} count={failed} />}
                    />
                  ))}
                </div>
                {leavesOut ? <p className="text-[0.8125rem] text-muted">{t('finishRefusedAgain')}</p> : null}
                {noKind ? <FieldError id={kindErrorId}>{noKind}</FieldError> : null}
              </fieldset>
            ) : null}
          </Fragment>
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
  if (kinds.length === 0) return null;
  return (
    <ul className="mt-1 flex flex-wrap gap-x-4">
      {kinds.map(({ kind, failed }) => (
        <li key={kind}>
          <KindCount kind={kind} count={failed} />
        </li>
      ))}
    </ul>
  );
}

function KindCount({ kind, count }: { kind: AnswerKind; count: number }) {
  const locale = useLocale();
  return (
    <>
      <AnswerKindName kind={kind} />: {formatNumber(locale, count)}
    </>
  );
}
