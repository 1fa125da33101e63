import { type ReactNode, useId } from 'react';
import { classNames } from './class-names';

/** A framed part of a page, with a heading of the second level when it has a title. */
export function Card({
  title,
  actions,
  className,
  children,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  className?: string | undefined;
  children: ReactNode;
}) {
  const heading = useId();
  return (
    <section
      aria-labelledby={title ? heading : undefined}
      className={classNames('min-w-0 rounded-lg border border-line bg-surface', className)}
    >
      {title || actions ? (
        <div className="flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b border-line px-4 py-2">
          {title ? (
            <h2 id={heading} className="text-[0.9375rem] font-semibold">
              {title}
            </h2>
          ) : null}
          {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
        </div>
      ) : null}
      <div className="p-4">{children}</div>
    </section>
  );
}
