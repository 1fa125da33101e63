import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { Page } from '@/components/layout/shell';
import { Card } from '@/components/ui/card';
import { ChangeEmailForm, ChangePasswordForm, ProfileForm } from '@/components/users/settings-forms';
import { requireActor } from '@/lib/auth/session';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('settings');
  return { title: t('title') };
}

export default async function SettingsPage() {
  const actor = await requireActor();
  const t = await getTranslations('settings');
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
          <ChangeEmailForm />
        </Card>
        <Card title={t('passwordTitle')}>
          <p className="mb-4 text-muted">{t('passwordLead')}</p>
          <ChangePasswordForm email={actor.email} />
        </Card>
      </div>
    </Page>
  );
}
