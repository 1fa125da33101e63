import type { ReactNode } from 'react';
import { Site } from '@/components/layout/site';
import { env } from '@/lib/env';

export default function PublicLayout({ children }: { children: ReactNode }) {
  return <Site defaultLocale={env().DEFAULT_LOCALE}>{children}</Site>;
}
