import type { ReactNode } from 'react';
import { Site } from '@/components/layout/site';
import { env } from '@/lib/env';
import { Document } from '../document';

export { generateMetadata, generateStaticParams, viewport } from '../document';

export default function PublicLayout({
  children,
  params,
}: {
  children: ReactNode;
  params: Promise<{ locale: string }>;
}) {
  return (
    <Document params={params} isWorkspace={false}>
      <Site defaultLocale={env().DEFAULT_LOCALE}>{children}</Site>
    </Document>
  );
}
