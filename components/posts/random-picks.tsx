'use client';

import { useServerInsertedHTML } from 'next/navigation';
import { type ReactNode, useLayoutEffect, useRef } from 'react';

/** How many are in sight. */
const shown = 3;
/** The places that are in sight stand on the root, where `globals.css` looks for them: `2 5 11`. */
const attribute = 'picks';

/** The same choice as {@link choose}, for the first page: before anything is painted, so that nothing moves or changes. */
const script = (candidates: number) =>
  `for(var p=[],i;p.length<${shown};)p.indexOf(i=1+Math.floor(Math.random()*${candidates}))<0&&p.push(i);document.documentElement.dataset.${attribute}=p.join(' ')`;

function choose(candidates: number): string {
  const places = new Set<number>();
  while (places.size < shown) places.add(1 + Math.floor(Math.random() * candidates));
  return [...places].join(' ');
}

/**
 * Shows three of the items of the list within, at most 12 of them, others at each visit, though the page is static: the browser
 * chooses. Where no script runs the first three are shown, where there are no more than three all of them.
 */
export function RandomPicks({ candidates, children }: { candidates: number; children: ReactNode }) {
  const isChoice = candidates > shown;
  const inserted = useRef(false);
  useServerInsertedHTML(() => {
    if (inserted.current || !isChoice) return null;
    inserted.current = true;
    return <script>{script(candidates)}</script>;
  });
  const last = useRef<string>(undefined);
  useLayoutEffect(() => {
    const { dataset } = document.documentElement;
    // What the script chose stays; who comes from another page of ours has no script run for them.
    if (isChoice) dataset[attribute] ??= last.current ?? choose(candidates);
    return () => {
      // In development effects run twice: the second time shows the same.
      last.current = dataset[attribute];
      delete dataset[attribute];
    };
  }, [candidates, isChoice]);
  return <div className="picks">{children}</div>;
}
