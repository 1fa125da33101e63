import { useTranslations } from 'next-intl';
import { Button } from '@/components/ui/button';
import { SelectField } from '@/components/ui/field';
import { attemptStatuses } from '@/db/enums';

/** Which attempts are shown: a plain GET form, so that the choice stays in the address. */
export function AttemptFilters({
  mailings,
  mailingId,
  status,
}: {
  mailings: { id: number; name: string }[];
  mailingId: number | null;
  status: string | null;
}) {
  const t = useTranslations('reports.attempts');
  return (
    <form method="get" className="flex flex-wrap items-end gap-3">
      <SelectField
        key={`mailing ${mailingId}`}
        name="mailing"
        label={t('mailing')}
        defaultValue={mailingId === null ? '' : String(mailingId)}
        className="w-full sm:w-72"
        options={[
          { value: '', label: t('allMailings') },
          ...mailings.map((mailing) => ({ value: String(mailing.id), label: mailing.name })),
        ]}
      />
      <SelectField
        key={`status ${status}`}
        name="status"
        label={t('status')}
        defaultValue={status ?? ''}
        options={[
          { value: '', label: t('allStatuses') },
          ...attemptStatuses.map((value) => ({ value, label: t(`statuses.${value}`) })),
        ]}
      />
      <Button type="submit">{t('apply')}</Button>
    </form>
  );
}
