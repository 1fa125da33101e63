'use client';

import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { useTranslations } from 'next-intl';
import type { ReactElement, ReactNode } from 'react';
import { classNames } from './class-names';

/** The box of a dialog and the veil behind it. */
export const dialogStyle = {
  veil: 'fixed inset-0 z-40 bg-veil transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0',
  box: classNames(
    'fixed top-1/2 left-1/2 z-50 w-[min(32rem,calc(100vw-2rem))] max-h-[calc(100dvh-2rem)] -translate-x-1/2 -translate-y-1/2',
    'overflow-y-auto rounded-lg border border-line bg-surface p-5 text-ink shadow-lift transition-opacity',
    'data-ending-style:opacity-0 data-starting-style:opacity-0',
  ),
};

/** Something to look at or fill in before going on. `trigger` is the button that opens it; Escape and the cross close it. */
export function Dialog({
  trigger,
  title,
  description,
  className,
  children,
}: {
  trigger: ReactElement;
  title: ReactNode;
  description?: ReactNode;
  className?: string | undefined;
  children: ReactNode;
}) {
  const t = useTranslations('ui');
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Backdrop className={dialogStyle.veil} />
        <Base.Popup className={classNames(dialogStyle.box, className)}>
          <div className="mb-3 flex items-start justify-between gap-4">
            <Base.Title className="text-lg font-semibold">{title}</Base.Title>
            <Base.Close
              aria-label={t('close')}
              className="-m-1 rounded-sm p-1 text-muted hover:bg-sunken hover:text-ink"
            >
              <X aria-hidden className="size-5" />
            </Base.Close>
          </div>
          {description ? (
            <Base.Description className="mb-3 text-muted">{description}</Base.Description>
          ) : null}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
