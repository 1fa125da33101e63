'use client';

import {
  Activity,
  ChartColumn,
  Inbox,
  LayoutDashboard,
  type LucideIcon,
  MessageSquareText,
  Send,
  Settings,
  ShieldCheck,
  Users,
} from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useEffect, useRef } from 'react';
import { classNames } from '@/components/ui/class-names';
import { AppLink } from './link';
import { useLocalPath } from './local-path';

const places = [
  { name: 'dashboard', Icon: LayoutDashboard },
  { name: 'mailings', Icon: Send },
  { name: 'messages', Icon: MessageSquareText },
  { name: 'clients', Icon: Users },
  { name: 'attempts', Icon: Activity },
  { name: 'reports', Icon: ChartColumn },
  { name: 'outbox', Icon: Inbox },
  { name: 'manage', Icon: ShieldCheck },
  { name: 'settings', Icon: Settings },
] as const satisfies { name: string; Icon: LucideIcon }[];

/** The places of the workspace. The outbox is one only where letters are kept instead of sent, the desk only for managers. */
export function Navigation({ hasOutbox, isStaff }: { hasOutbox: boolean; isStaff: boolean }) {
  const t = useTranslations('layout');
  const path = useLocalPath();
  return (
    <nav aria-label={t('workspaceNavigation')}>
      <ul className="grid gap-0.5">
        {places
          .filter(({ name }) => (name !== 'outbox' || hasOutbox) && (name !== 'manage' || isStaff))
          .map(({ name, Icon }) => {
            const here = path === `/${name}` || path.startsWith(`/${name}/`);
            return (
              <li key={name}>
                <AppLink
                  href={`/${name}`}
                  aria-current={here ? 'page' : undefined}
                  className={classNames(
                    'flex min-h-8.5 items-center gap-2.5 rounded-md px-2.5 text-[0.9375rem]',
                    here ? 'bg-line/70 font-semibold text-ink' : 'text-muted hover:bg-line/40 hover:text-ink',
                  )}
                >
                  <Icon aria-hidden className={classNames('size-4 shrink-0', here && 'text-accent')} />
                  {t(`nav.${name}`)}
                </AppLink>
              </li>
            );
          })}
      </ul>
    </nav>
  );
}

/** What opens below the bar on a phone: a native disclosure, so that it opens without scripts; going somewhere and Escape close it. */
export function PhoneMenu({ label, children }: { label: React.ReactNode; children: React.ReactNode }) {
  const path = useLocalPath();
  const details = useRef<HTMLDetailsElement>(null);
  const shownAt = useRef(path);
  useEffect(() => {
    if (shownAt.current === path) return;
    shownAt.current = path;
    if (details.current) details.current.open = false;
  }, [path]);
  const closeByKey = ({ key }: React.KeyboardEvent) => {
    if (key !== 'Escape' || !details.current?.open) return;
    details.current.open = false;
    details.current.querySelector('summary')?.focus();
  };
  return (
    <details ref={details} onKeyDown={closeByKey} className="group ml-auto">
      <summary className="inline-flex min-h-9 list-none items-center gap-1.5 rounded-md border border-edge/60 px-2.5 font-medium">
        {label}
      </summary>
      <div className="absolute inset-x-0 top-full z-30 grid gap-4 border-b border-line bg-sunken p-4 shadow-lift">
        {children}
      </div>
    </details>
  );
}
