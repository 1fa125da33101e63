import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { Card } from '@/components/ui/card';
import { Time } from '@/components/ui/time';
import { Sessions } from '@/components/users/sessions';
import {
  ChangeEmailForm,
  ChangePasswordForm,
  PendingEmail,
  ProfileForm,
} from '@/components/users/settings-forms';
import { listSessions } from '@/lib/auth/config';
import { deviceOf } from '@/lib/auth/device';
import { currentSecret, requireActor } from '@/lib/auth/session';
import { findPendingMove } from '@/lib/auth/tokens';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('settings');
  return { title: t('title') };
}

export default async function SettingsPage() {
  const actor = await requireActor();
  const [t, locale, pending, open] = await Promise.all([
    getTranslations('settings'),
    getLocale(),
    findPendingMove(actor.id),
    currentSecret().then((secret) => listSessions(actor, secret)),
  ]);
  const sessions = open.map(({ userAgent, ...session }) => ({ ...session, ...deviceOf(userAgent) }));
  const names = new Set(['UTC', actor.timeZone, ...Intl.supportedValuesOf('timeZone')]);
  const zones = [...names].sort().map((zone) => ({ value: zone, label: zone.replaceAll('_', ' ') }));
  return (
    <Page title={t('title')} lead={t('lead')}>
      <div className="grid gap-5">
        <Card title={t('profile')}>
          <ProfileForm
            profile={{ name: actor.name, timeZone: actor.timeZone, language: actor.locale }}
            zones={zones}
          />
        </Card>
        <Card title={t('emailTitle')}>
          <p className="mb-4 text-muted">{t('emailLead', { email: actor.email })}</p>
          {pending ? (
            <PendingEmail
              email={pending.email}
              until={<Time value={pending.expiresAt} zone={actor.timeZone} locale={locale} />}
            />
          ) : null}
          <ChangeEmailForm />
        </Card>
        <Card title={t('passwordTitle')}>
          <p className="mb-4 text-muted">{t('passwordLead')}</p>
          <ChangePasswordForm email={actor.email} />
        </Card>
        <Card title={t('sessions.title')}>
          <p className="mb-4 text-muted">{t('sessions.lead')}</p>
          <Sessions sessions={sessions} zone={actor.timeZone} />
        </Card>
        <Card title={t('deletion.title')}>
          <p className="mb-4 text-muted">{t('deletion.lead')}</p>
          <LinkButton href="/settings/delete">{t('deletion.open')}</LinkButton>
        </Card>
      </div>
    </Page>
  );
}
