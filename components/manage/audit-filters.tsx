import { useTranslations } from 'next-intl';
import { SelectField, TextField } from '@/components/ui/field';
import { SearchBox } from '@/components/ui/search';
import { auditActions } from '@/lib/audit/schema';

type Asked = Record<'q' | 'who' | 'whom' | 'action' | 'user' | 'from' | 'to', string>;

/** By whom, to whom, what and when; what is wrong with a range stands beside its field. */
export function AuditFilters({
  asked,
  errors,
  zone,
}: {
  asked: Asked;
  errors: Record<string, { code: string }>;
  zone: string;
}) {
  const t = useTranslations('manage.audit');
  const tErrors = useTranslations('errors');
  const errorOf = (name: string) => {
    const code = errors[name]?.code;
    return code
      ? code === 'to_before_from'
        ? tErrors('to_before_from')
        : t('errors.invalid_date')
      : undefined;
  };
  return (
    <SearchBox
      defaultValue={asked.q}
      placeholder={t('searchPlaceholder')}
      hidden={{ user: asked.user || undefined }}
      folded={{
        active: [asked.who, asked.whom, asked.action, asked.from, asked.to].filter(Boolean).length,
        isWrong: Object.keys(errors).length > 0,
      }}
    >
      <div className="grid basis-full items-start gap-3 sm:grid-cols-2 lg:grid-cols-5">
        {(['who', 'whom'] as const).map((name) => (
          <TextField
            key={`${name} ${asked[name]}`}
            type="search"
            name={name}
            label={t(`filters.${name}`)}
            defaultValue={asked[name]}
            maxLength={200}
          />
        ))}
        <SelectField
          key={asked.action}
          name="action"
          label={t('action')}
          defaultValue={asked.action}
          options={[
            { value: '', label: t('anyAction') },
            ...auditActions.map((value) => ({ value, label: t(`actions.${value}`) })),
          ]}
        />
        {(['from', 'to'] as const).map((name) => (
          <TextField
            key={`${name} ${asked[name]}`}
            type={errors[name]?.code === 'invalid_date' ? 'text' : 'date'}
            name={name}
            label={t(`filters.${name}`)}
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
