'use client';

import { useEffect, useState } from 'react';
import { formatNumber } from '@/lib/format';
import type { Locale } from '@/lib/i18n/paths';

/** A page that was in sight for so long has been opened, and not only passed by. */
const lookMs = 1000;

/**
 * How often an article was read. The page is static and knows the number of when it was made; a moment after it came into sight
 * the browser says that it is read, and shows what it is told. Says so once, and without cookies.
 */
export function ViewBeacon({
  id,
  views,
  locale,
  words,
}: {
  id: number;
  views: number;
  locale: Locale;
  /** By the kind of number, `two` left out; `#` is the number. */
  words: Record<'zero' | 'one' | 'few' | 'many' | 'other', string>;
}) {
  const [known, setKnown] = useState(views);
  useEffect(() => {
    let timer: number | undefined;
    let isSaid = false;
    const say = async () => {
      isSaid = true;
      document.removeEventListener('visibilitychange', look);
      const answer = await fetch(`/api/posts/${id}/view`, {
        method: 'POST',
        keepalive: true,
        credentials: 'omit',
      });
      const told: unknown = answer.status === 200 ? await answer.json() : null;
      if (typeof told === 'object' && told !== null && 'views' in told && typeof told.views === 'number')
        setKnown(told.views);
    };
    const look = () => {
      window.clearTimeout(timer);
      if (!isSaid && document.visibilityState === 'visible')
        // Nobody misses a number that does not come.
        timer = window.setTimeout(() => void say().catch(() => {}), lookMs);
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [id]);
  const count = Math.max(known, views);
  const kind = count === 0 ? 'zero' : new Intl.PluralRules(locale).select(count);
  return (
    <p className="text-[0.8125rem] text-muted">
      {words[kind === 'two' ? 'other' : kind].replace('#', formatNumber(locale, count))}
    </p>
  );
}
