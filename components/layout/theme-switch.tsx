'use client';

import { Monitor, Moon, Sun } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useSyncExternalStore } from 'react';
import { classNames } from '@/components/ui/class-names';
import { showTheme, type Theme } from './theme';

const themes = ['system', 'light', 'dark'] as const satisfies Theme[];
const icons = { system: Monitor, light: Sun, dark: Moon };
const changed = 'mailroom:theme';

function subscribe(onChange: () => void) {
  window.addEventListener(changed, onChange);
  window.addEventListener('storage', onChange);
  return () => {
    window.removeEventListener(changed, onChange);
    window.removeEventListener('storage', onChange);
  };
}

function chosenTheme(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

function choose(theme: Theme) {
  showTheme(theme);
  try {
    if (theme === 'system') window.localStorage.removeItem('theme');
    else window.localStorage.setItem('theme', theme);
  } catch {
    // Storage may be forbidden: the choice then lasts as long as the page.
  }
  window.dispatchEvent(new Event(changed));
}

/** As the system, light or dark; remembered in this browser. Without scripts the system decides. */
export function ThemeSwitch({ className }: { className?: string }) {
  const t = useTranslations('layout.theme');
  const current = useSyncExternalStore(subscribe, chosenTheme, () => null);
  return (
    <fieldset className={classNames('flex items-center gap-0.5', className)}>
      <legend className="sr-only">{t('label')}</legend>
      {themes.map((theme) => {
        const Icon = icons[theme];
        return (
          <button
            key={theme}
            type="button"
            aria-pressed={current === theme}
            aria-label={t(theme)}
            title={t(theme)}
            onClick={() => choose(theme)}
            className={classNames(
              'inline-flex size-7 items-center justify-center rounded-sm',
              current === theme ? 'bg-sunken text-ink' : 'text-muted hover:bg-sunken hover:text-ink',
            )}
          >
            <Icon aria-hidden className="size-4" />
          </button>
        );
      })}
    </fieldset>
  );
}
