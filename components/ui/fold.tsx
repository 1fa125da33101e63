import { ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { buttonStyle } from './button-style';

/**
 * Folds its content away on a phone, where it would push what comes below out of sight. Wider screens show it as if there were no
 * fold; only browsers that can do so to a closed one hide its handle. Works without JavaScript.
 */
export function Fold({
  label,
  isOpen = false,
  children,
}: {
  label: ReactNode;
  isOpen?: boolean | undefined;
  children: ReactNode;
}) {
  return (
    <details
      open={isOpen}
      className="group open:basis-full supports-[selector(::details-content)]:sm:contents sm:details-content:contents"
    >
      <summary
        className={buttonStyle({ className: 'list-none supports-[selector(::details-content)]:sm:hidden' })}
      >
        {label}
        <ChevronDown aria-hidden className="transition-transform group-open:rotate-180" />
      </summary>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-3 pt-3 sm:contents">{children}</div>
    </details>
  );
}
