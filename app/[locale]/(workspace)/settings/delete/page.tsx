import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { Page } from '@/components/layout/shell';
import { Alert } from '@/components/ui/alert';
import { Card } from '@/components/ui/card';
import { DeleteAccountForm } from '@/components/users/settings-forms';
import { requireActor } from '@/lib/auth/session';
import { getAccountContents, isLastAdmin } from '@/lib/users/queries';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('settings.deletion');
  return { title: t('title') };
}

/** Says in numbers what goes with an account, and what stays, before it is done. Opening it changes nothing. */
export default async function DeleteAccountPage() {
  const actor = await requireActor();
  const [t, tSettings, contents, isLast] = await Promise.all([
    getTranslations('settings.deletion'),
    getTranslations('settings'),
    getAccountContents(actor),
    isLastAdmin(actor),
  ]);
  return (
    <Page title={t('title')} backHref="/settings" backLabel={tSettings('title')}>
      <div className="grid gap-5">
        {contents.openRuns > 0 ? (
          <Alert tone="warn">
            <p>{t('stops', { runs: contents.openRuns, letters: contents.unsentLetters })}</p>
            {contents.lettersInFlight > 0 ? (
              <p>{t('inFlight', { letters: contents.lettersInFlight })}</p>
            ) : null}
          </Alert>
        ) : null}
        <Card title={t('goesTitle')}>
          <ul className="list-disc space-y-1 pl-5">
            {contents.clients > 0 ? <li>{t('goes.clients', { count: contents.clients })}</li> : null}
            {contents.messages > 0 ? <li>{t('goes.messages', { count: contents.messages })}</li> : null}
            {contents.mailings > 0 ? (
              <li>{t('goes.mailings', { count: contents.mailings, runs: contents.runs })}</li>
            ) : null}
            {contents.attempts > 0 ? <li>{t('goes.attempts', { count: contents.attempts })}</li> : null}
            <li>{t('goes.account', { email: actor.email })}</li>
          </ul>
          <p className="mt-3 text-muted">{t('never')}</p>
        </Card>
        <Card title={t('staysTitle')}>
          <ul className="list-disc space-y-1 pl-5">
            <li>{t('stays.letters')}</li>
            <li>{t('stays.links')}</li>
            <li>{t('stays.posts')}</li>
            <li>{t('stays.audit')}</li>
          </ul>
        </Card>
        {isLast ? (
          <Alert tone="bad">{tSettings('errors.last_admin')}</Alert>
        ) : (
          <DeleteAccountForm email={actor.email} />
        )}
      </div>
    </Page>
  );
}
