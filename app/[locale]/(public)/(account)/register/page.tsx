import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { RegisterForm } from '@/components/users/account-forms';
import { AccountPage } from '@/components/users/account-page';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('account.register');
  return { title: t('title') };
}

export default async function RegisterPage() {
  const t = await getTranslations('account.register');
  return (
    <AccountPage
      title={t('title')}
      lead={t('lead')}
      footer={
        <p>
          {t('have')} <AppLink href="/login">{t('signIn')}</AppLink>
        </p>
      }
    >
      <RegisterForm />
    </AccountPage>
  );
}
