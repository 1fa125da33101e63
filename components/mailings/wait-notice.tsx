import { useLocale, useTranslations } from 'next-intl';
import { Alert } from '@/components/ui/alert';
import { Time } from '@/components/ui/time';
import { waitCodes } from '@/db/enums';
import type { Wait } from '@/lib/runs/queries';

/** Troubles that pass without anybody doing anything. */
const passing = new Set<string>(['slow_down', 'quota_daily', 'quota_monthly', 'server_error']);

/** Why nothing leaves at the moment, in plain words, with the server's own and the time it goes on. */
export function WaitNotice({ wait, zone }: { wait: Wait; zone: string }) {
  const t = useTranslations('mailings.wait');
  const locale = useLocale();
  const code = waitCodes.find((known) => known === wait.code);
  return (
    <Alert tone="warn" title={t('title')}>
      <p>
        {code ? t(code) : t('other', { code: wait.code })}{' '}
        {wait.server ? t('server', { server: wait.server }) : null}
      </p>
      {wait.response ? (
        <p className="mt-1 [overflow-wrap:anywhere]">{t('words', { words: wait.response })}</p>
      ) : null}
      <p className="mt-1">
        {t.rich('until', {
          at: () => <Time value={wait.until} zone={zone} locale={locale} relative />,
        })}{' '}
        {t(passing.has(wait.code) ? 'what.time' : 'what.settings')}
      </p>
    </Alert>
  );
}
