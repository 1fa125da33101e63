import type { ReactNode } from 'react';
import { DeskTabs } from '@/components/manage/desk-tabs';

/** The places of the managers' desk. It is no gate: each page asks for itself. */
export default function ManageLayout({ children }: { children: ReactNode }) {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-6">
      <DeskTabs />
      {children}
    </div>
  );
}
