'use client';

import { useLocale, useTranslations } from 'next-intl';
import { Fragment, type ReactNode, useEffect, useId, useState } from 'react';
import { AnswerKindName } from '@/components/reports/answer';
import { Alert } from '@/components/ui/alert';
import { SubmitButton } from '@/components/ui/button';
import { classNames } from '@/components/ui/class-names';
import { CheckField, FieldError } from '@/components/ui/field';
import { Form, useActionForm } from '@/components/ui/form';
import type { AnswerKind } from '@/db/enums';
import { formatNumber } from '@/lib/format';
import { finishRunAction } from '@/lib/runs/actions';
import { type FinishableOutcome, finishableOutcomes, finishRunSchema, refusedAgain } from '@/lib/runs/schema';

type Counted = { kind: AnswerKind; count: number };
type KindsField = 'kinds' | 'unknownKinds';
const kindLegends = { kinds: 'finishKinds', unknownKinds: 'finishUnknownKinds' } as const;
const shownWith = {
  kinds: 'group-has-[input[value=failed]:checked]:grid',
  unknownKinds: 'group-has-[input[value=unknown]:checked]:grid',
};

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
  const kindFields = { kinds: form.field('kinds'), unknownKinds: form.field('unknownKinds') };
  const errorId = useId();
  const there = finishableOutcomes.filter((outcome) => counts[outcome] > 0);
  // What may reach somebody twice is never ticked for them; a refused form keeps what was.
  const [ticked, setTicked] = useState(() =>
    there.filter((outcome) =>
      form.state.ok === false ? [chosen].flat().includes(outcome) : outcome !== 'unknown',
    ),
  );
  const failedBy = kinds.flatMap(({ kind, failed: count }) => (count > 0 ? [{ kind, count }] : []));
  const unknownBy = kinds.flatMap(({ kind, unknown: count }) => (count > 0 ? [{ kind, count }] : []));
  // Where everything would be refused again, nothing else is left to propose.
  const again = failedBy.filter(({ kind }) => refusedAgain.has(kind)).length;
  const isAllRefusedAgain = again > 0 && again === failedBy.length;
  const leavesOut = again > 0 && !isAllRefusedAgain;
  const proposed = (name: KindsField, of: Counted[], isLeftOut: (kind: AnswerKind) => boolean) => {
    const { defaultValue: before } = kindFields[name];
    return of
      .map(({ kind }) => kind)
      .filter((kind) => (form.state.ok === false ? [before].flat().includes(kind) : !isLeftOut(kind)));
  };
  const [kindsTicked, setKindsTicked] = useState(() => ({
    kinds: proposed('kinds', failedBy, (kind) => leavesOut && refusedAgain.has(kind)),
    unknownKinds: proposed('unknownKinds', unknownBy, () => false),
  }));
  /** Of which outcomes some can be chosen by why they ended so. */
  const choices: Partial<Record<FinishableOutcome, { name: KindsField; of: Counted[] }>> = {
    ...(failedBy.length > 1 ? { failed: { name: 'kinds', of: failedBy } } : {}),
    ...(unknownBy.length > 1 ? { unknown: { name: 'unknownKinds', of: unknownBy } } : {}),
  };
  const countOf = (outcome: FinishableOutcome) => {
    const choice = choices[outcome];
    if (!choice) return counts[outcome];
    return choice.of.reduce(
      (sum, { kind, count: each }) => sum + (kindsTicked[choice.name].includes(kind) ? each : 0),
      0,
    );
  };
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
        {there.map((outcome) => {
          const choice = choices[outcome];
          const by = outcome === 'failed' ? failedBy : outcome === 'unknown' ? unknownBy : [];
          return (
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
                    {choice ? null : <Why kinds={by} />}
                    {outcome === 'failed' && isAllRefusedAgain ? (
                      <p className="mt-1">{t('finishAllRefusedAgain')}</p>
                    ) : null}
                  </>
                }
              />
              {choice ? (
                <KindChoice
                  name={choice.name}
                  error={kindFields[choice.name].error}
                  of={choice.of}
                  ticked={kindsTicked[choice.name]}
                  onTick={(next) => {
                    setKindsTicked((before) => ({ ...before, [choice.name]: next }));
                    form.control.clearErrors(choice.name);
                  }}
                >
                  {outcome === 'failed' && leavesOut ? (
                    <p className="text-[0.8125rem] text-muted">{t('finishRefusedAgain')}</p>
                  ) : null}
                </KindChoice>
              ) : null}
            </Fragment>
          );
        })}
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
              label={t('mayRepeat', { count: (follows && countOf('unknown')) || counts.unknown })}
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

/** Of one outcome, why it was so of which letters. It shows where that outcome is ticked, without a script too. */
function KindChoice({
  name,
  error,
  of,
  ticked,
  onTick,
  children,
}: {
  name: KindsField;
  error: string | undefined;
  of: Counted[];
  ticked: AnswerKind[];
  onTick: (next: AnswerKind[]) => void;
  children: ReactNode;
}) {
  const t = useTranslations('mailings.run');
  const errorId = useId();
  return (
    <fieldset
      className={classNames('ml-6.5 hidden gap-1.5', shownWith[name])}
      aria-describedby={error ? errorId : undefined}
    >
      <legend className="mb-1.5 text-[0.875rem] text-muted">{t(kindLegends[name])}</legend>
      {/* So that none of them is told from not having been asked. */}
      <input type="hidden" name={`${name}[]`} value="" />
      <div className="flex flex-wrap gap-x-6 gap-y-1.5">
        {of.map(({ kind, count }) => (
          <CheckField
            key={kind}
            name={`${name}[]`}
            value={kind}
            checked={ticked.includes(kind)}
            onChange={({ target }) =>
              onTick(target.checked ? [...ticked, kind] : ticked.filter((other) => other !== kind))
            }
            label={<KindCount kind={kind} count={count} />}
          />
        ))}
      </div>
      {children}
      {error ? <FieldError id={errorId}>{error}</FieldError> : null}
    </fieldset>
  );
}

/** Why letters ended so, and of how many each: what was refused for good is mostly refused again. */
function Why({ kinds }: { kinds: Counted[] }) {
  if (kinds.length === 0) return null;
  return (
    <ul className="mt-1 flex flex-wrap gap-x-4">
      {kinds.map(({ kind, count }) => (
        <li key={kind}>
          <KindCount kind={kind} count={count} />
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
