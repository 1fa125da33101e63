import { classNames } from './class-names';

/** A grey block of the size of what will stand there. */
export function Skeleton({ className }: { className?: string | undefined }) {
  return <div aria-hidden className={classNames('animate-pulse rounded-sm bg-line/70', className)} />;
}
