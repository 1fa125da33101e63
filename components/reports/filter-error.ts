import { useTranslations } from 'next-intl';
import type { FieldErrors } from '@/lib/errors';

/** The sentence beside a filter that makes no sense. `own` has those of codes that mean something else on each page. */
export function useFilterError(
  errors: FieldErrors,
  { max, ...own }: { max: number } & Record<string, string | number | undefined>,
) {
  const t = useTranslations('errors');
  return (name: string): string | undefined => {
    const code = errors[name]?.code;
    if (code === undefined) return undefined;
    const sentence = own[`${code} ${name}`] ?? own[code];
    if (sentence !== undefined) return String(sentence);
    switch (code) {
      case 'to_before_from':
      case 'invalid_date':
      case 'invalid_zone':
        return t(code);
      case 'too_long':
        return t('too_long', { max });
      default:
        return t('invalid_value');
    }
  };
}
