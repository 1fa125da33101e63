'use client';

import { usePathname } from 'next/navigation';
import { useEffect } from 'react';
import { alive } from './alive';

/** {@link alive} in pages that React draws: ended and begun anew at every address. */
export function AliveKeeper() {
  return <Begin key={usePathname()} />;
}

function Begin() {
  useEffect(alive, []);
  return null;
}
