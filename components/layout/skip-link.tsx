import { useTranslations } from 'next-intl';

/** The first stop of the keyboard: past header and navigation, to what the page is about. */
export function SkipLink() {
  const t = useTranslations('layout');
  return (
    <a
      href="#content"
      className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-3 py-2 font-medium text-accent-ink focus:translate-y-0"
    >
      {t('skip')}
    </a>
  );
}
