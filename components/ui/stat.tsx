import type { ReactNode } from 'react';
import { classNames } from './class-names';
import { AppLink } from './link';

/** A number that counts something; with `href` the whole of it leads to what was counted. */
export function Stat({
  label,
  value,
  hint,
  href,
  className,
}: {
  label: ReactNode;
  value: ReactNode;
  hint?: ReactNode;
  href?: string | undefined;
  className?: string | undefined;
}) {
  const body = (
    <>
      <span className="block text-[0.8125rem] text-muted">{label}</span>
      <span className="mt-0.5 block text-2xl leading-8 font-semibold tracking-tight">{value}</span>
      {hint ? <span className="mt-0.5 block text-[0.8125rem] text-muted">{hint}</span> : null}
    </>
  );
  const box = classNames('block rounded-lg border border-line bg-surface px-4 py-3', className);
  if (!href) return <div className={box}>{body}</div>;
  return (
    <AppLink href={href} className={classNames(box, 'transition-colors hover:border-edge')}>
      {body}
    </AppLink>
  );
}
