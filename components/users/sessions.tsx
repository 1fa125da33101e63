import { useLocale, useTranslations } from 'next-intl';
import { Badge } from '@/components/ui/badge';
import { ActionButton } from '@/components/ui/form';
import { Time } from '@/components/ui/time';
import { endOtherSessionsAction, endSessionAction } from '@/lib/users/actions';

export type ShownSession = {
  id: number;
  browser: string | null;
  system: string | null;
  /** Empty: not known. */
  network: string;
  lastSeenAt: Date;
  createdAt: Date;
  isThis: boolean;
};

/** Where one is signed in, this browser first, each with a button that ends it there. */
export function Sessions({ sessions, zone }: { sessions: ShownSession[]; zone: string }) {
  const t = useTranslations('settings.sessions');
  const locale = useLocale();
  const name = ({ browser, system }: ShownSession) =>
    browser && system ? t('device', { browser, system }) : (browser ?? system ?? t('unknownDevice'));
  return (
    <div className="grid gap-4">
      <ul className="divide-y divide-line">
        {sessions.map((session) => (
          <li
            key={session.id}
            className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2 py-3 first:pt-0"
          >
            <div className="min-w-0">
              <p className="font-medium">
                {name(session)} {session.isThis ? <Badge tone="good">{t('this')}</Badge> : null}
              </p>
              <p className="text-[0.875rem] text-muted">
                {session.isThis ? null : (
                  <>
                    {t('seen')} <Time value={session.lastSeenAt} zone={zone} locale={locale} relative />
                    <br />
                  </>
                )}
                {t('since')} <Time value={session.createdAt} zone={zone} locale={locale} />
                {session.network ? <> · {t('network', { network: session.network })}</> : null}
              </p>
            </div>
            {session.isThis ? null : (
              <ActionButton
                action={endSessionAction}
                hidden={{ sessionId: session.id }}
                size="sm"
                namespace="settings"
              >
                {t('end')}
                <span className="sr-only">: {name(session)}</span>
              </ActionButton>
            )}
          </li>
        ))}
      </ul>
      {sessions.length > 1 ? (
        <ActionButton
          action={endOtherSessionsAction}
          namespace="settings"
          className="justify-self-start"
          confirm={{
            title: t('endOthersTitle', { count: sessions.filter(({ isThis }) => !isThis).length }),
            body: t('endOthersBody'),
            confirm: t('endOthers'),
          }}
        >
          {t('endOthers')}
        </ActionButton>
      ) : (
        <p className="text-muted">{t('onlyHere')}</p>
      )}
    </div>
  );
}
