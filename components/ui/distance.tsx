'use client';

import { useEffect, useState } from 'react';

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** By language: to make one takes longer than all it says on a page. */
const kept = new Map<string, Intl.RelativeTimeFormat>();

function distance(atMs: number, nowMs: number, locale: string): string {
  const seconds = Math.round((atMs - nowMs) / 1000);
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second' as const, 1];
  const formatter = kept.get(locale) ?? new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  kept.set(locale, formatter);
  return formatter.format(Math.round(seconds / size), unit);
}

/** How far an instant is from now. Goes on counting while the page stands, by the second where seconds are shown. */
export function Distance({ atMs, locale }: { atMs: number; locale: string }) {
  const [nowMs, setNowMs] = useState(() => Date.now());
  const isNear = Math.abs(atMs - nowMs) < 90_000;
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), isNear ? 1000 : 20_000);
    return () => clearInterval(timer);
  }, [isNear]);
  return <span suppressHydrationWarning>{distance(atMs, nowMs, locale)}</span>;
}
