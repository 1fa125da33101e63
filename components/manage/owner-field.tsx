import { useTranslations } from 'next-intl';
import { TextField } from '@/components/ui/field';

/** Narrows a list down to owners whose address or name contains what is typed; stands in a search box. */
export function OwnerField({
  owner,
  error,
  hideLabel = true,
  className = 'w-full sm:w-64',
}: {
  owner: string | undefined;
  error?: string | undefined;
  hideLabel?: boolean;
  className?: string;
}) {
  const t = useTranslations('manage');
  return (
    <TextField
      key={owner ?? ''}
      type="search"
      name="owner"
      label={t('owner')}
      hideLabel={hideLabel}
      placeholder={t('ownerPlaceholder')}
      defaultValue={owner}
      error={error}
      maxLength={200}
      className={className}
    />
  );
}
