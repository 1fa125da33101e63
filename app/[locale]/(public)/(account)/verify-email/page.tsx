import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { Alert } from '@/components/ui/alert';
import { ConfirmEmailChangeForm, ConfirmForm, LetterForm } from '@/components/users/account-forms';
import { AccountPage } from '@/components/users/account-page';
import { OutboxHint } from '@/components/users/outbox-hint';
import { findMailed, requestOrigin } from '@/lib/auth/session';
import { isTokenAlive } from '@/lib/auth/tokens';
import { transportName } from '@/lib/email/transport';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('account');
  // The address of this page is a key: no other site gets to see it. (`no-referrer` would take the origin off our own posts too.)
  return { title: t('verify.title'), referrer: 'same-origin', robots: { index: false } };
}

/** With a token: confirms an account, or the new address of one. Without: "check your mail", and the letter once more. */
export default async function VerifyEmailPage({
  searchParams,
}: {
  searchParams: Promise<{
    token?: string | string[];
    change?: string | string[];
    notice?: string | string[];
  }>;
}) {
  const { token, change, notice } = await searchParams;
  const t = await getTranslations('account');
  const email = await findMailed();
  if (typeof token === 'string' && (await isTokenAlive(token, 'confirm_email')))
    return (
      <AccountPage title={t('verify.title')} lead={t('verify.lead')}>
        <ConfirmForm token={token} />
      </AccountPage>
    );
  if (typeof change === 'string' && (await isTokenAlive(change, 'change_email')))
    return (
      <AccountPage title={t('move.title')} lead={t('move.lead')}>
        <ConfirmEmailChangeForm token={change} />
      </AccountPage>
    );
  if (change !== undefined)
    return (
      <AccountPage title={t('verify.deadTitle')} lead={t('move.dead')}>
        <LinkButton href="/settings" className="justify-self-start">
          {t('move.again')}
        </LinkButton>
      </AccountPage>
    );
  if (token !== undefined)
    return (
      <AccountPage title={t('verify.deadTitle')} lead={t('verify.dead')}>
        <LetterForm kind="confirm" email={email} />
      </AccountPage>
    );
  const { loopback } = await requestOrigin();
  return (
    <AccountPage title={t('check.title')} lead={email ? t('check.sentTo', { email }) : t('check.sent')}>
      {notice === 'sent_again' ? (
        <Alert tone="good" role="status">
          {t('notices.sent_again')}
        </Alert>
      ) : null}
      {loopback && transportName() === 'outbox' ? <OutboxHint /> : null}
      <section className="grid gap-3">
        <h2 className="font-semibold">{t('check.againTitle')}</h2>
        <p className="text-muted">{t('check.spam')}</p>
        <LetterForm kind="confirm" email={email} />
      </section>
    </AccountPage>
  );
}
