import { Monitor, Moon, Sun } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { classNames } from '@/components/ui/class-names';
import { ThemeButtons } from './theme-buttons';

const choices = [
  { theme: 'system', Icon: Monitor },
  { theme: 'light', Icon: Sun },
  { theme: 'dark', Icon: Moon },
] as const;

/** As the system, light or dark; remembered in this browser. Without scripts the system decides. */
export function ThemeSwitch({ className }: { className?: string }) {
  const t = useTranslations('layout.theme');
  return (
    <fieldset className={classNames('flex items-center gap-0.5', className)}>
      <legend className="sr-only">{t('label')}</legend>
      <ThemeButtons
        choices={choices.map(({ theme, Icon }) => ({
          theme,
          name: t(theme),
          icon: <Icon aria-hidden className="size-4" />,
        }))}
      />
    </fieldset>
  );
}
