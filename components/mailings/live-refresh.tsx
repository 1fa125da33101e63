'use client';

import { useRouter } from 'next/navigation';
import { useEffect, useState, useTransition } from 'react';

/**
 * Asks for the page anew every few seconds while somebody looks at it; the next time is counted from the answer, so that a
 * slow server is not asked over and over. Place it only while something moves.
 */
export function LiveRefresh({ everySeconds = 2.5 }: { everySeconds?: number }) {
  const router = useRouter();
  const [pending, startTransition] = useTransition();
  const [hiddenTurns, setHiddenTurns] = useState(0);
  // A hidden page only counts its turns, and so comes by again.
  useEffect(() => {
    if (pending) return;
    const timer = setTimeout(() => {
      if (document.visibilityState === 'visible') startTransition(() => router.refresh());
      else setHiddenTurns(hiddenTurns + 1);
    }, everySeconds * 1000);
    return () => clearTimeout(timer);
  }, [pending, hiddenTurns, router, everySeconds]);
  return null;
}
