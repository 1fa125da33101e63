import type { ReactNode } from 'react';
import { Postmark } from './postmark';

/** A page that has only this to say: what is the matter, and where to go from here. */
export function MessagePage({
  title,
  children,
  actions,
}: {
  title: string;
  children: ReactNode;
  actions: ReactNode;
}) {
  return (
    <div className="mx-auto grid max-w-xl justify-items-start gap-3 px-4 py-16 sm:px-6">
      <Postmark className="mb-2 size-14 -rotate-6 text-accent" />
      <h1 className="text-3xl font-semibold tracking-tight">{title}</h1>
      <div className="text-muted">{children}</div>
      <div className="mt-3 flex flex-wrap gap-2">{actions}</div>
    </div>
  );
}
