import { ArrowLeft, LogOut, Menu as MenuIcon } from 'lucide-react';
import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { ActionButton } from '@/components/ui/form';
import type { Locale } from '@/lib/i18n/paths';
import { signOutAction } from '@/lib/users/actions';
import { AliveKeeper } from './alive-keeper';
import { LanguageSwitch } from './language-switch';
import { AppLink } from './link';
import { Logo } from './logo';
import { Navigation, PhoneMenu } from './navigation';
import { SignOut } from './sign-out';
import { SkipLink } from './skip-link';
import { ThemeSwitch } from './theme-switch';

type ShellProps = {
  defaultLocale: Locale;
  /** Who is signed in; null where a page shows itself to strangers too (the outbox), or is about to send them to sign in. */
  person: { name: string; email: string; isStaff: boolean } | null;
  hasOutbox: boolean;
  /** What concerns every page: nothing really leaves, demo data, an engine that does not run. */
  banners?: ReactNode;
  notice?: ReactNode;
  children: ReactNode;
};

/** The frame of the workspace: navigation at the side, on a phone behind a button; banners above the page. */
export function Shell({ defaultLocale, person, hasOutbox, banners, notice, children }: ShellProps) {
  const t = useTranslations('layout');
  const account = person ? (
    <div className="grid gap-2">
      <AppLink href="/settings" className="min-w-0 rounded-sm px-2.5" title={person.email}>
        <span className="sr-only">{t('account.signedInAs', { name: person.name })}</span>
        <span aria-hidden className="block truncate font-medium">
          {person.name}
        </span>
        <span aria-hidden className="block truncate text-[0.8125rem] text-muted">
          {person.email}
        </span>
      </AppLink>
      <SignOut>
        <ActionButton action={signOutAction} variant="ghost" size="sm" className="text-muted">
          <LogOut aria-hidden />
          {t('account.signOut')}
        </ActionButton>
      </SignOut>
    </div>
  ) : null;
  const switches = (
    <div className="flex flex-wrap items-center justify-between gap-2">
      <ThemeSwitch />
      <LanguageSwitch defaultLocale={defaultLocale} />
    </div>
  );
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[15rem_minmax(0,1fr)] print:block">
      <AliveKeeper />
      <SkipLink />
      <header className="sticky top-0 z-20 border-b border-line bg-sunken lg:hidden print:hidden">
        <div className="relative flex min-h-14 items-center gap-4 px-4 py-2">
          <Logo href="/dashboard" />
          <PhoneMenu
            label={
              <>
                <MenuIcon aria-hidden className="size-4" />
                {t('menu')}
              </>
            }
          >
            {person ? <Navigation hasOutbox={hasOutbox} isStaff={person.isStaff} /> : null}
            <div className="grid gap-4 border-t border-line pt-4">
              {account}
              {switches}
            </div>
          </PhoneMenu>
        </div>
      </header>
      <header className="hidden border-r border-line bg-sunken lg:block print:hidden">
        <div className="sticky top-0 flex h-dvh flex-col gap-5 overflow-y-auto p-4">
          <div className="px-1.5">
            <Logo href="/dashboard" />
          </div>
          {person ? <Navigation hasOutbox={hasOutbox} isStaff={person.isStaff} /> : null}
          <div className="mt-auto grid gap-4 border-t border-line pt-4">
            {account}
            {switches}
          </div>
        </div>
      </header>
      <div className="min-w-0">
        {banners}
        <main
          id="content"
          tabIndex={-1}
          className="mx-auto w-full max-w-6xl px-4 py-6 outline-none sm:px-8 sm:py-8"
        >
          {notice}
          {children}
        </main>
      </div>
    </div>
  );
}

/** A line across the top of the workspace that stays until its cause is gone. */
export function Banner({ tone, children }: { tone: 'info' | 'warn'; children: ReactNode }) {
  const look = tone === 'warn' ? 'bg-warn-soft border-warn/30' : 'bg-info-soft border-info/25';
  return (
    <div className={`border-b px-4 py-1.5 text-[0.8125rem] sm:px-8 print:hidden ${look}`}>{children}</div>
  );
}

/** One page of the workspace: where it hangs, its title, what can be done here, and the rest. */
export function Page({
  title,
  lead,
  actions,
  backHref,
  backLabel,
  children,
}: {
  title: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  backHref?: string | undefined;
  backLabel?: ReactNode;
  children: ReactNode;
}) {
  const t = useTranslations('layout');
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-6">
      <div>
        {backHref ? (
          <AppLink
            href={backHref}
            className="mb-2 inline-flex items-center gap-1.5 rounded-sm text-[0.8125rem] text-muted hover:text-ink"
          >
            <ArrowLeft aria-hidden className="size-3.5" />
            {backLabel ?? t('back')}
          </AppLink>
        ) : null}
        <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
          <div className="min-w-0">
            <h1 className="text-[1.625rem] font-semibold tracking-tight [overflow-wrap:anywhere]">{title}</h1>
            {lead ? <div className="mt-1.5 max-w-prose text-pretty text-muted">{lead}</div> : null}
          </div>
          {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
        </div>
      </div>
      {children}
    </div>
  );
}
