'use client';

import { Menu as Base } from '@base-ui/react/menu';
import Link from 'next/link';
import type { ReactElement, ReactNode } from 'react';
import { classNames } from './class-names';
import { useLocalHref } from './link';

export type MenuItem =
  | { key?: string; label: ReactNode; href: string }
  | {
      key?: string;
      label: ReactNode;
      onSelect: () => void;
      danger?: boolean | undefined;
      disabled?: boolean | undefined;
    };

const itemStyle = classNames(
  'flex w-full cursor-default items-center gap-2 rounded-sm px-2.5 py-1.5 text-left outline-none select-none',
  'data-highlighted:bg-sunken data-disabled:opacity-50 [&_svg]:size-4 [&_svg]:text-muted',
);

/** Less frequent things to do, behind one button. What must work without JavaScript does not belong in here. */
export function Menu({
  trigger,
  items,
  align = 'end',
  className,
}: {
  trigger: ReactElement;
  items: MenuItem[];
  align?: 'start' | 'center' | 'end' | undefined;
  className?: string | undefined;
}) {
  const local = useLocalHref();
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner align={align} sideOffset={6} className="z-40">
          <Base.Popup
            className={classNames(
              'min-w-44 rounded-md border border-line bg-surface p-1 text-ink shadow-lift transition-opacity outline-none',
              'data-ending-style:opacity-0 data-starting-style:opacity-0',
              className,
            )}
          >
            {items.map((item, index) => {
              const key = item.key ?? (typeof item.label === 'string' ? item.label : `item-${index + 1}`);
              if ('href' in item) {
                return (
                  <Base.LinkItem
                    key={key}
                    closeOnClick
                    render={<Link href={local(item.href)} />}
                    className={itemStyle}
                  >
                    {item.label}
                  </Base.LinkItem>
                );
              }
              return (
                <Base.Item
                  key={key}
                  disabled={item.disabled ?? false}
                  onClick={item.onSelect}
                  className={classNames(itemStyle, item.danger && 'text-bad')}
                >
                  {item.label}
                </Base.Item>
              );
            })}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
