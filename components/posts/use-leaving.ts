'use client';

import { useEffect, useRef } from 'react';

type Leaving = {
  isUnsaved: () => boolean;
  /** Asked where the browser does not ask by itself. */
  question: string;
  /** Saves what is unsaved without asking; false when it can not. */
  flush: () => boolean;
};

/**
 * Lets nobody leave with something unsaved unless they say so: by closing the window, by a link, or by going back. What can be
 * saved on the way out is saved.
 */
export function useLeaving(leaving: Leaving): void {
  const latest = useRef(leaving);
  useEffect(() => {
    latest.current = leaving;
  });
  useEffect(() => {
    const onUnload = (event: BeforeUnloadEvent) => {
      if (latest.current.isUnsaved()) event.preventDefault();
    };
    const mayLeave = () => {
      const { isUnsaved, question, flush } = latest.current;
      return !isUnsaved() || flush() || window.confirm(question);
    };
    const onClick = (event: MouseEvent) => {
      if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
      if (!(link instanceof HTMLAnchorElement) || link.target === '_blank') return;
      // In the text that is written a link leads nowhere.
      if (link.closest('[contenteditable="true"]') || link.origin !== window.location.origin) return;
      if (mayLeave()) return;
      event.preventDefault();
      event.stopPropagation();
    };
    const onNavigate = (event: NavigateEvent) => {
      if (event.navigationType !== 'traverse' || !event.cancelable) return;
      if (!mayLeave()) event.preventDefault();
    };
    window.addEventListener('beforeunload', onUnload);
    document.addEventListener('click', onClick, { capture: true });
    const { navigation } = window;
    // Not every browser has it; there the step back asks nothing.
    navigation?.addEventListener('navigate', onNavigate);
    return () => {
      window.removeEventListener('beforeunload', onUnload);
      document.removeEventListener('click', onClick, { capture: true });
      navigation?.removeEventListener('navigate', onNavigate);
    };
  }, []);
}
