'use client';

import { useTranslations } from 'next-intl';
import { useEffect, useState } from 'react';

/** A page that was in sight for so long has been opened, and not only passed by. */
const lookMs = 1000;

/**
 * How often an article was read. The page is static and knows the number of when it was made; a moment after it came into sight
 * the browser says that it is read, and shows what it is told. Says so once, and without cookies.
 */
export function ViewBeacon({ id, views }: { id: number; views: number }) {
  const t = useTranslations('blog');
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
  return <p className="text-[0.8125rem] text-muted">{t('views', { count: Math.max(known, views) })}</p>;
}
