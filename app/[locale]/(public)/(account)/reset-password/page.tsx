import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LetterForm, ResetForm } from '@/components/users/account-forms';
import { AccountPage } from '@/components/users/account-page';
import { isTokenAlive } from '@/lib/auth/tokens';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('account.reset');
  return { title: t('title'), referrer: 'same-origin', robots: { index: false } };
}

export default async function ResetPasswordPage({
  searchParams,
}: {
  searchParams: Promise<{ token?: string | string[] }>;
}) {
  const { token } = await searchParams;
  const t = await getTranslations('account.reset');
  if (typeof token === 'string' && (await isTokenAlive(token, 'reset_password')))
    return (
      <AccountPage title={t('title')} lead={t('lead')}>
        <ResetForm token={token} />
      </AccountPage>
    );
  return (
    <AccountPage title={t('deadTitle')} lead={t('dead')}>
      <LetterForm kind="reset" />
    </AccountPage>
  );
}
