import type { ReactNode } from 'react';
import { classNames } from './class-names';

export type Fact = { term: ReactNode; value: ReactNode };

/** Terms and what they are, side by side; one below the other on a phone. */
export function Facts({ items, className }: { items: Fact[]; className?: string | undefined }) {
  return (
    <dl className={classNames('grid gap-x-6 gap-y-2 sm:grid-cols-[minmax(7rem,max-content)_1fr]', className)}>
      {items.map((item, index) => (
        <div key={typeof item.term === 'string' ? item.term : `fact-${index + 1}`} className="contents">
          <dt className="text-muted">{item.term}</dt>
          <dd className="min-w-0 [overflow-wrap:anywhere] max-sm:mb-1.5">{item.value}</dd>
        </div>
      ))}
    </dl>
  );
}
