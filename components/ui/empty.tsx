import type { ReactNode } from 'react';
import { classNames } from './class-names';

/** What stands where a list would be: what is missing, and what to do next. */
export function Empty({
  title,
  body,
  action,
  className,
}: {
  title: ReactNode;
  body?: ReactNode;
  action?: ReactNode;
  className?: string | undefined;
}) {
  return (
    <div
      className={classNames(
        'flex flex-col items-center gap-1.5 rounded-lg border border-dashed border-edge/50 px-6 py-12 text-center',
        className,
      )}
    >
      <p className="text-base font-semibold">{title}</p>
      {body ? <div className="max-w-prose text-muted">{body}</div> : null}
      {action ? <div className="mt-3 flex flex-wrap justify-center gap-2">{action}</div> : null}
    </div>
  );
}
