import { useLocale, useTranslations } from 'next-intl';
import { classNames } from '@/components/ui/class-names';
import { type Locale, locales } from '@/lib/i18n/paths';
import { LanguageLinks } from './language-links';

/**
 * The same page in the other language. Plain links and a full load, so that `lang` and everything else change with it; the
 * query goes along where scripts run.
 */
export function LanguageSwitch({ defaultLocale, className }: { defaultLocale: Locale; className?: string }) {
  const t = useTranslations('layout.language');
  return (
    <nav aria-label={t('label')} className={classNames('flex items-center gap-0.5', className)}>
      <LanguageLinks
        choices={locales.map((locale) => ({ locale, name: t(locale), short: t(`short.${locale}`) }))}
        current={useLocale()}
        defaultLocale={defaultLocale}
      />
    </nav>
  );
}
