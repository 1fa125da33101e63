'use client';

import { type ReactNode, useEffect, useState } from 'react';
import { classNames } from '@/components/ui/class-names';

/**
 * What a stranger finds, or who is signed in. Public pages are static, so the browser asks who it is; until it knows, and where no
 * script runs, the visitor is a stranger. Both stand in the same place, so that nothing moves.
 */
export function AccountChoice({ stranger, member }: { stranger: ReactNode; member: ReactNode }) {
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
        {stranger}
      </div>
      {signedIn ? <div className="col-start-1 row-start-1">{member}</div> : null}
    </div>
  );
}
