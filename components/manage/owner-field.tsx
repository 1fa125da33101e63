import { useTranslations } from 'next-intl';
import { TextField } from '@/components/ui/field';

/** Narrows a list down to owners whose address or name contains what is typed; stands in a search box. */
export function OwnerField({ owner }: { owner: string | undefined }) {
  const t = useTranslations('manage');
  return (
    <TextField
      key={owner ?? ''}
      type="search"
      name="owner"
      label={t('owner')}
      hideLabel
      placeholder={t('ownerPlaceholder')}
      defaultValue={owner}
      maxLength={200}
      className="w-full sm:w-64"
    />
  );
}
