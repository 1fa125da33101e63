import { useTranslations } from 'next-intl';
import { OwnerField } from '@/components/manage/owner-field';
import { SelectField, TextField } from '@/components/ui/field';
import { SearchBox } from '@/components/ui/search';
import { answerKinds, attemptStatuses } from '@/db/enums';
import { type AttemptsAsked, searchMax } from '@/lib/attempts/schema';
import type { FieldErrors } from '@/lib/errors';
import { useFilterError } from './filter-error';

/**
 * Which attempts are shown: a plain GET form, so that the choice stays in the address. What is wrong stands beside its field. Without
 * mailings to choose from they are everybody's, to be chosen by their owner.
 */
export function AttemptFilters({
  asked,
  errors,
  mailings,
  zone,
}: {
  asked: AttemptsAsked;
  errors: FieldErrors;
  mailings?: { id: number; name: string }[];
  zone: string;
}) {
  const t = useTranslations('reports.attempts');
  const tKinds = useTranslations('reports.answers.kinds');
  const errorOf = useFilterError(errors, { max: searchMax, not_found: t('noSuchMailing') });
  return (
    <SearchBox
      defaultValue={asked.q}
      placeholder={t(mailings ? 'searchPlaceholder' : 'searchPlaceholderAll')}
      error={errorOf('q')}
      folded={{
        active: [asked.mailing, asked.owner, asked.status, asked.kind, asked.from, asked.to].filter(Boolean)
          .length,
        isWrong: Object.keys(errors).length > 0,
      }}
    >
      <div className="grid basis-full grid-cols-[minmax(0,1fr)] items-start gap-3 sm:grid-cols-2 sm:max-lg:*:first:col-span-2 lg:grid-cols-5">
        {mailings ? (
          <SelectField
            key={`mailing ${asked.mailing}`}
            name="mailing"
            label={t('mailing')}
            error={errorOf('mailing')}
            defaultValue={errors.mailing ? '' : asked.mailing}
            options={[
              { value: '', label: t('allMailings') },
              ...mailings.map((mailing) => ({ value: String(mailing.id), label: mailing.name })),
            ]}
          />
        ) : (
          <OwnerField owner={asked.owner} error={errorOf('owner')} hideLabel={false} className="" />
        )}
        <SelectField
          key={`status ${asked.status}`}
          name="status"
          label={t('status')}
          error={errorOf('status')}
          defaultValue={asked.status}
          options={[
            { value: '', label: t('allStatuses') },
            ...attemptStatuses.map((value) => ({ value, label: t(`statuses.${value}`) })),
          ]}
        />
        <SelectField
          key={`kind ${asked.kind}`}
          name="kind"
          label={t('kind')}
          error={errorOf('kind')}
          defaultValue={asked.kind}
          options={[
            { value: '', label: t('allKinds') },
            ...answerKinds.map((kind) => ({ value: kind, label: tKinds(`${kind}.name`) })),
          ]}
        />
        {(['from', 'to'] as const).map((name) => (
          <TextField
            key={`${name} ${asked[name]}`}
            type={errors[name]?.code === 'invalid_date' ? 'text' : 'date'}
            name={name}
            label={t(name)}
            hint={zone.replaceAll('_', ' ')}
            defaultValue={asked[name]}
            error={errorOf(name)}
            maxLength={10}
          />
        ))}
      </div>
    </SearchBox>
  );
}
