import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react';
import type { ComponentProps, ReactNode } from 'react';
import { classNames } from './class-names';
import { AppLink } from './link';

// A region that scrolls has to be reachable by keyboard (Safari does not see to it by itself).
const scrollFrame = { tabIndex: 0 };

// Each row a block of its own, two columns wide; what has to stand beside another names `max-sm:col-span-1!` and an order. Of the
// headings those that sort stay in sight.
const stack = classNames(
  'max-sm:block max-sm:[&>tbody]:block max-sm:[&>thead:not(:has([aria-sort]))]:sr-only',
  'max-sm:[&>thead]:block max-sm:[&>thead>tr]:flex max-sm:[&>thead>tr]:flex-wrap',
  'max-sm:[&>thead>tr>th:not([aria-sort])]:sr-only',
  'max-sm:[&>tbody>tr]:grid max-sm:[&>tbody>tr]:grid-cols-[minmax(0,1fr)_auto] max-sm:[&>tbody>tr]:gap-x-3 max-sm:[&>tbody>tr]:gap-y-1',
  'max-sm:[&>tbody>tr]:px-3 max-sm:[&>tbody>tr]:py-3',
  'max-sm:[&>tbody>tr>td]:col-span-2 max-sm:[&>tbody>tr>td]:min-w-0 max-sm:[&>tbody>tr>td]:p-0 max-sm:[&>tbody>tr>td:empty]:hidden',
);

/**
 * A table a person can scan. `caption` names it for those who hear it. On narrow screens it scrolls in its own frame, or, where it
 * `stacks`, shows each row as a block: for rows of words that are read one by one.
 */
export function Table({
  caption,
  stacks = false,
  className,
  children,
}: {
  caption: string;
  stacks?: boolean | undefined;
  className?: string | undefined;
  children: ReactNode;
}) {
  return (
    <section
      aria-label={caption}
      {...scrollFrame}
      className={classNames('overflow-x-auto rounded-lg border border-line bg-surface', className)}
    >
      <table className={classNames('w-full border-collapse text-left text-[0.875rem]', stacks && stack)}>
        <caption className="sr-only">{caption}</caption>
        {children}
      </table>
    </section>
  );
}

export function Thead({ className, ...rest }: ComponentProps<'thead'>) {
  return (
    <thead {...rest} className={classNames('border-b border-line text-[0.8125rem] text-muted', className)} />
  );
}

export function Tbody({ className, ...rest }: ComponentProps<'tbody'>) {
  return <tbody {...rest} className={classNames('divide-y divide-line', className)} />;
}

export function Tr({ className, ...rest }: ComponentProps<'tr'>) {
  return <tr {...rest} className={classNames('[tbody>&]:hover:bg-sunken/60', className)} />;
}

type ThProps = Omit<ComponentProps<'th'>, 'aria-sort'> & {
  numeric?: boolean | undefined;
  /** Makes the heading a link that sorts; `direction` is how the column is sorted now, null for not by this one. */
  sort?: { href: string; direction: 'asc' | 'desc' | null } | undefined;
};

export function Th({ numeric, sort, className, children, scope = 'col', ...rest }: ThProps) {
  const Arrow = sort?.direction === 'asc' ? ArrowUp : sort?.direction === 'desc' ? ArrowDown : ChevronsUpDown;
  const order = sort?.direction === 'asc' ? 'ascending' : sort?.direction === 'desc' ? 'descending' : 'none';
  return (
    <th
      {...rest}
      scope={scope}
      aria-sort={sort ? order : undefined}
      className={classNames('px-3 py-2 font-medium whitespace-nowrap', numeric && 'text-right', className)}
    >
      {sort ? (
        <AppLink
          href={sort.href}
          className={classNames(
            'inline-flex items-center gap-1 hover:text-ink',
            sort.direction && 'text-ink',
          )}
        >
          {children}
          <Arrow aria-hidden className="size-3.5" />
        </AppLink>
      ) : (
        children
      )}
    </th>
  );
}

export function Td({
  numeric,
  label,
  className,
  children,
  ...rest
}: ComponentProps<'td'> & {
  numeric?: boolean | undefined;
  /** What the column is called, said in the cell itself where the table stacks and its headings are out of sight. */
  label?: string | undefined;
}) {
  return (
    <td
      {...rest}
      className={classNames(
        'px-3 py-2.5 align-top',
        numeric && 'text-right whitespace-nowrap',
        numeric && label && 'max-sm:text-left',
        className,
      )}
    >
      {label ? <span className="text-muted sm:hidden">{label}: </span> : null}
      {children}
    </td>
  );
}
