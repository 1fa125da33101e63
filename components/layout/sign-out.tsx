'use client';

import type { ReactNode } from 'react';
import { forgetUnsavedTexts } from '@/components/ui/unsaved-text';

/** Around the button that signs out: what this browser kept of unsaved text goes with the session. */
export function SignOut({ children }: { children: ReactNode }) {
  return <div onSubmitCapture={forgetUnsavedTexts}>{children}</div>;
}
