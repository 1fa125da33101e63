'use client';

import { useTranslations } from 'next-intl';
import { useEffect, useState } from 'react';
import { classNames } from '@/components/ui/class-names';
import { AppLink, LinkButton } from './link';

/**
 * Sign in and register, or the way into the workspace. Public pages are static, so the browser asks who it is; until it
 * knows, and where no script runs, the visitor is a stranger. Both stand in the same place, so that nothing moves.
 */
export function AccountLinks() {
  const t = useTranslations('layout.account');
  const [signedIn, setSignedIn] = useState(false);
  useEffect(() => {
    const leaving = new AbortController();
    fetch('/api/auth/session', { cache: 'no-store', signal: leaving.signal })
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((session: unknown) => {
        if (typeof session === 'object' && session !== null && 'user' in session && session.user)
          setSignedIn(true);
      })
      .catch(() => {
        // Nobody can tell: the links of a stranger lead to the right place too.
      });
    return () => leaving.abort();
  }, []);
  return (
    <div className="grid justify-items-end">
      <div className={classNames('col-start-1 row-start-1 flex items-center gap-1', signedIn && 'invisible')}>
        <AppLink
          href="/login"
          className="rounded-sm px-2.5 py-1 text-[0.9375rem] font-medium hover:bg-sunken"
        >
          {t('signIn')}
        </AppLink>
        <LinkButton href="/register" size="sm" className="max-sm:hidden">
          {t('register')}
        </LinkButton>
      </div>
      {signedIn ? (
        <div className="col-start-1 row-start-1">
          <LinkButton href="/dashboard" size="sm">
            {t('open')}
          </LinkButton>
        </div>
      ) : null}
    </div>
  );
}
