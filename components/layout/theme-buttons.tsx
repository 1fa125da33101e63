'use client';

import { type ReactNode, useSyncExternalStore } from 'react';
import { classNames } from '@/components/ui/class-names';
import { showTheme, type Theme } from './theme';

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

/** The buttons of the theme switch; words and pictures come with them. */
export function ThemeButtons({ choices }: { choices: { theme: Theme; name: string; icon: ReactNode }[] }) {
  const current = useSyncExternalStore(subscribe, chosenTheme, () => null);
  return choices.map(({ theme, name, icon }) => (
    <button
      key={theme}
      type="button"
      aria-pressed={current === theme}
      aria-label={name}
      title={name}
      onClick={() => choose(theme)}
      className={classNames(
        'inline-flex size-7 items-center justify-center rounded-sm',
        current === theme ? 'bg-sunken text-ink' : 'text-muted hover:bg-sunken hover:text-ink',
      )}
    >
      {icon}
    </button>
  ));
}
