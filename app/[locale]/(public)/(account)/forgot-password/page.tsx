import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { LetterForm } from '@/components/users/account-forms';
import { AccountPage } from '@/components/users/account-page';
import { OutboxHint } from '@/components/users/outbox-hint';
import { findMailed, requestOrigin } from '@/lib/auth/session';
import { transportName } from '@/lib/email/transport';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('account.forgot');
  return { title: t('title') };
}

export default async function ForgotPasswordPage({
  searchParams,
}: {
  searchParams: Promise<{ sent?: string | string[] }>;
}) {
  const t = await getTranslations('account');
  const { sent } = await searchParams;
  const email = await findMailed();
  const back = (
    <p>
      <AppLink href="/login">{t('forgot.back')}</AppLink>
    </p>
  );
  if (sent === undefined)
    return (
      <AccountPage title={t('forgot.title')} lead={t('forgot.lead')} footer={back}>
        <LetterForm kind="reset" />
      </AccountPage>
    );
  const { loopback } = await requestOrigin();
  return (
    <AccountPage
      title={t('check.title')}
      lead={email ? t('forgot.sentTo', { email }) : t('forgot.sent')}
      footer={back}
    >
      {loopback && transportName() === 'outbox' ? <OutboxHint /> : null}
      <section className="grid gap-3">
        <h2 className="font-semibold">{t('check.againTitle')}</h2>
        <p className="text-muted">{t('check.spam')}</p>
        <LetterForm kind="reset" email={email} />
      </section>
    </AccountPage>
  );
}
