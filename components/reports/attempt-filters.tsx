import { useTranslations } from 'next-intl';
import { SelectField } from '@/components/ui/field';
import { SearchBox } from '@/components/ui/search';
import { attemptStatuses } from '@/db/enums';

/** The choice of a result, for a search of attempts. */
export function AttemptStatusField({ status }: { status: string | null }) {
  const t = useTranslations('reports.attempts');
  return (
    <SelectField
      key={`status ${status}`}
      name="status"
      label={t('status')}
      hideLabel
      defaultValue={status ?? ''}
      options={[
        { value: '', label: t('allStatuses') },
        ...attemptStatuses.map((value) => ({ value, label: t(`statuses.${value}`) })),
      ]}
    />
  );
}

/** Which attempts are shown: a plain GET form, so that the choice stays in the address. */
export function AttemptFilters({
  q,
  mailings,
  mailingId,
  status,
}: {
  q: string | undefined;
  mailings: { id: number; name: string }[];
  mailingId: number | null;
  status: string | null;
}) {
  const t = useTranslations('reports.attempts');
  return (
    <SearchBox defaultValue={q} placeholder={t('searchPlaceholder')}>
      <SelectField
        key={`mailing ${mailingId}`}
        name="mailing"
        label={t('mailing')}
        hideLabel
        defaultValue={mailingId === null ? '' : String(mailingId)}
        className="w-full sm:w-56"
        options={[
          { value: '', label: t('allMailings') },
          ...mailings.map((mailing) => ({ value: String(mailing.id), label: mailing.name })),
        ]}
      />
      <AttemptStatusField status={status} />
    </SearchBox>
  );
}
