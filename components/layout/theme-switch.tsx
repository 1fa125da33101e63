import { useTranslations } from 'next-intl';
import { classNames } from '@/components/ui/class-names';

// Drawn here, and not taken from lucide: its pictures are alive in the browser, and public pages would load what that takes.
const choices = [
  {
    theme: 'system',
    lines: 'M4 4h16a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1ZM12 17v3.5M8 20.5h8',
  },
  {
    theme: 'light',
    lines:
      'M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  },
  { theme: 'dark', lines: 'M20.5 14.5A8.5 8.5 0 1 1 9.5 3.5a6.8 6.8 0 0 0 11 11Z' },
] as const;

/** As the system, light or dark; `alive` does what is pressed, and remembers it in this browser. Without scripts the system decides. */
export function ThemeSwitch({ className }: { className?: string }) {
  const t = useTranslations('layout.theme');
  return (
    <fieldset className={classNames('flex items-center gap-0.5', className)}>
      <legend className="sr-only">{t('label')}</legend>
      {choices.map(({ theme, lines }) => (
        <button
          key={theme}
          type="button"
          data-choose-theme={theme}
          aria-pressed="false"
          aria-label={t(theme)}
          title={t(theme)}
          className="inline-flex size-7 items-center justify-center rounded-sm text-muted hover:bg-sunken hover:text-ink aria-pressed:bg-sunken aria-pressed:text-ink"
        >
          <svg
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            strokeWidth="2"
            strokeLinecap="round"
            strokeLinejoin="round"
            aria-hidden="true"
            className="size-4"
          >
            <path d={lines} />
          </svg>
        </button>
      ))}
    </fieldset>
  );
}
