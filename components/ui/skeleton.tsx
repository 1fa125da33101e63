import { classNames } from './class-names';

/** A grey block of the size of what will stand there. */
export function Skeleton({ className }: { className?: string | undefined }) {
  return <div aria-hidden className={classNames('animate-pulse rounded-sm bg-line/70', className)} />;
}

/** As high as a table of so many rows, so that nothing jumps when it comes. */
export function TableSkeleton({ rows = 8, className }: { rows?: number; className?: string | undefined }) {
  return (
    <div aria-hidden className={classNames('rounded-lg border border-line bg-surface', className)}>
      <div className="h-9 border-b border-line" />
      {Array.from({ length: rows }, (_, row) => `row-${row}`).map((row) => (
        <div key={row} className="flex h-10.5 items-center gap-6 border-b border-line px-3 last:border-b-0">
          <Skeleton className="h-3.5 w-1/3" />
          <Skeleton className="h-3.5 w-1/5" />
          <Skeleton className="ml-auto h-3.5 w-16" />
        </div>
      ))}
    </div>
  );
}
