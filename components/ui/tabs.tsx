import type { ReactNode } from 'react';
import { classNames } from './class-names';
import { AppLink } from './link';

export type Tab = { href: string; label: ReactNode; current: boolean; count?: ReactNode };

/** Views of one thing, each with its own address. */
export function Tabs({
  items,
  label,
  className,
}: {
  items: Tab[];
  label: string;
  className?: string | undefined;
}) {
  return (
    <nav aria-label={label} className={classNames('overflow-x-auto border-b border-line', className)}>
      <ul className="flex gap-5">
        {items.map((tab) => (
          <li key={tab.href}>
            <AppLink
              href={tab.href}
              aria-current={tab.current ? 'page' : undefined}
              className={classNames(
                '-mb-px inline-flex items-center gap-1.5 border-b-2 py-2 text-[0.9375rem] whitespace-nowrap',
                tab.current
                  ? 'border-accent font-semibold text-ink'
                  : 'border-transparent text-muted hover:border-edge hover:text-ink',
              )}
            >
              {tab.label}
              {tab.count === undefined ? null : (
                <span className="text-[0.8125rem] text-muted">{tab.count}</span>
              )}
            </AppLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
