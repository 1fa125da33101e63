import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ClientForm } from '@/components/clients/client-form';
import { PasteForm } from '@/components/clients/paste-form';
import { Page } from '@/components/layout/shell';
import { Card } from '@/components/ui/card';
import { requireActor } from '@/lib/auth/session';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('clients.new');
  return { title: t('title') };
}

export default async function NewClientPage() {
  const actor = await requireActor();
  const [t, tClients] = await Promise.all([getTranslations('clients.new'), getTranslations('clients')]);
  return (
    <Page title={t('title')} lead={t('lead')} backHref="/clients" backLabel={tClients('back')}>
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-6 lg:grid-cols-2">
        <Card title={t('many')}>
          <PasteForm />
        </Card>
        <Card title={t('one')}>
          <ClientForm />
        </Card>
      </div>
      <p className="text-[0.875rem] text-muted">
        {t.rich('files', {
          email: actor.email,
          code: (command) => (
            <code className="rounded-sm bg-sunken px-1 font-mono text-[0.8125rem] [overflow-wrap:anywhere] text-ink">
              {command}
            </code>
          ),
        })}
      </p>
    </Page>
  );
}
