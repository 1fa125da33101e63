import { useLocale, useTranslations } from 'next-intl';
import { OwnWordsText } from '@/components/reports/answer';
import { Alert } from '@/components/ui/alert';
import { Facts } from '@/components/ui/facts';
import { Time } from '@/components/ui/time';
import { waitCodes } from '@/db/enums';
import { ownWords } from '@/lib/attempts/schema';
import type { Hold } from '@/lib/runs/queries';

/** Troubles of the sender that pass without anybody doing anything. */
const passing = new Set<string>(['slow_down', 'quota_daily', 'quota_monthly', 'server_error']);

/** Why a run does not move: in plain words, since when, until when it goes on by itself, and what to do. */
export function HoldNotice({ hold, queued, zone }: { hold: Hold; queued: number; zone: string }) {
  const t = useTranslations('mailings.hold');
  const locale = useLocale();
  const when = (value: Date, relative = false) => (
    <Time value={value} zone={zone} locale={locale} relative={relative} />
  );
  switch (hold.kind) {
    case 'disabled':
    case 'blocked':
    case 'paused':
      return (
        <Alert tone="warn" title={t(`${hold.kind}.title`)}>
          {t.rich(`${hold.kind}.body`, { since: () => when(hold.since) })}
        </Alert>
      );
    case 'waiting':
      return <Waiting hold={hold} queued={queued} when={when} />;
    case 'retries':
    case 'repeats':
      return (
        <Alert tone="info" title={t(`${hold.kind}.title`)}>
          <p>{t(`${hold.kind}.body`, { count: queued })}</p>
          <p className="mt-1">{t.rich(`${hold.kind}.next`, { next: () => when(hold.next, true) })}</p>
        </Alert>
      );
    case 'leased':
      return (
        <Stalled since={when(hold.since, true)}>
          <p>{t.rich('leased.body', { count: hold.letters, until: () => when(hold.until, true) })}</p>
          <p className="mt-1">{t('leased.what')}</p>
        </Stalled>
      );
    case 'no_engine':
    case 'passed_over':
      return (
        <Stalled since={when(hold.since, true)}>
          <p>
            {hold.lastPassAt
              ? t.rich(`${hold.kind}.body`, {
                  last: () => (hold.lastPassAt ? when(hold.lastPassAt, true) : null),
                })
              : t('no_engine.never')}
          </p>
          <p className="mt-1">{t(`${hold.kind}.what`)}</p>
        </Stalled>
      );
  }
}

function Stalled({ since, children }: { since: React.ReactNode; children: React.ReactNode }) {
  const t = useTranslations('mailings.hold');
  return (
    <Alert tone="bad" title={t.rich('stalled', { since: () => since })}>
      {children}
    </Alert>
  );
}

/** Why nothing leaves at the moment, with the server's own words, and what becomes of the rest when that lasts. */
function Waiting({
  hold: { wait, since, givesUpAt, endsAs },
  queued,
  when,
}: {
  hold: Extract<Hold, { kind: 'waiting' }>;
  queued: number;
  when: (value: Date, relative?: boolean) => React.ReactNode;
}) {
  const t = useTranslations('mailings.wait');
  const code = waitCodes.find((known) => known === wait.code);
  const own = ownWords({ code: null, response: wait.response ?? '', stage: '' });
  return (
    <Alert tone="warn" title={t('title')}>
      <p>
        {code ? t(code) : t('other', { code: wait.code })}{' '}
        {wait.server ? t('server', { server: wait.server }) : null}
      </p>
      {wait.response ? (
        <p className="mt-1 [overflow-wrap:anywhere]">
          {own ? <OwnWordsText words={own} /> : t('words', { words: wait.response })}
        </p>
      ) : null}
      <Facts
        className="my-2 gap-y-0.5!"
        items={[
          { term: t('since'), value: when(since, true) },
          { term: t('until'), value: when(wait.until, true) },
          {
            term: t(`givesUp.${endsAs}`),
            value: t.rich(`givesUp.rest_${endsAs}`, { count: queued, at: () => when(givesUpAt, true) }),
          },
        ]}
      />
      <p>
        {t('costsNothing')} {t(passing.has(wait.code) ? 'what.time' : 'what.settings')}
      </p>
    </Alert>
  );
}

/** The server asked for fewer letters at a time: what is let out now, and that it grows again. */
export function SlowNotice({ rate }: { rate: number }) {
  const t = useTranslations('mailings.slow');
  const letters = rate >= 1 ? Math.round(rate) : Math.round(rate * 60);
  return (
    <Alert tone="info" title={t('title')}>
      <p>
        {t(rate >= 1 ? 'perSecond' : 'perMinute', { letters })} {t('what')}
      </p>
    </Alert>
  );
}
