'use client';

import { useServerInsertedHTML } from 'next/navigation';
import { useLayoutEffect, useRef } from 'react';
import { themeScript } from './theme-script';

export type Theme = 'system' | 'light' | 'dark';

function storedTheme(): Theme {
  try {
    const theme = window.localStorage.getItem('theme');
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

/** Shows a theme on this page, without remembering it. */
export function showTheme(theme: Theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** Keeps the page in the chosen theme: by the script at first, and again when a change of language draws `<html>` anew. */
export function ThemeKeeper() {
  const inserted = useRef(false);
  useServerInsertedHTML(() => {
    if (inserted.current) return null;
    inserted.current = true;
    return <script>{themeScript}</script>;
  });
  useLayoutEffect(() => {
    const theme = storedTheme();
    if (theme !== 'system') showTheme(theme);
  }, []);
  return null;
}
