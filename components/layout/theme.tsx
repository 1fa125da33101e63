'use client';

import { useServerInsertedHTML } from 'next/navigation';
import { useLayoutEffect, useRef } from 'react';
import { themeScript } from './theme-script';

/** Keeps the page in the chosen theme: by the script at first, and again when a change of language draws `<html>` anew. */
export function ThemeKeeper() {
  const inserted = useRef(false);
  useServerInsertedHTML(() => {
    if (inserted.current) return null;
    inserted.current = true;
    return <script>{themeScript}</script>;
  });
  useLayoutEffect(() => {
    try {
      const theme = window.localStorage.getItem('theme');
      if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    } catch {
      // Storage may be forbidden: then nothing was chosen.
    }
  }, []);
  return null;
}
