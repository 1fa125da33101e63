import { useTranslations } from 'next-intl';
import { SelectField } from '@/components/ui/field';
import { type MailingFilter, mailingFilters } from '@/lib/mailings/schema';

/** The choice of a status, for a search of mailings. */
export function MailingStatusField({ status }: { status: MailingFilter | null }) {
  const t = useTranslations('mailings');
  return (
    <SelectField
      key={status ?? 'all'}
      name="status"
      label={t('filter')}
      hideLabel
      defaultValue={status ?? ''}
      options={[
        { value: '', label: t('filters.all') },
        ...mailingFilters.map((filter) => ({ value: filter, label: t(`filters.${filter}`) })),
      ]}
    />
  );
}
