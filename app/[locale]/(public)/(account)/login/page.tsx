import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { Alert } from '@/components/ui/alert';
import { SignInForm } from '@/components/users/account-forms';
import { AccountPage } from '@/components/users/account-page';
import { landingPath, safeNext } from '@/lib/auth/route-rules';
import { findActor } from '@/lib/auth/session';
import { env } from '@/lib/env';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('account.login');
  return { title: t('title') };
}

const notices = ['confirmed', 'password_set', 'signed_out', 'account_deleted'] as const;

export default async function LoginPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string | string[]; notice?: string | string[] }>;
}) {
  const asked = await searchParams;
  const actor = await findActor();
  if (actor) redirect(landingPath(asked.next, actor.locale, env().DEFAULT_LOCALE));
  const t = await getTranslations('account');
  const next = safeNext(asked.next) ?? undefined;
  const notice = notices.find((name) => name === asked.notice);
  return (
    <AccountPage
      title={t('login.title')}
      footer={
        <p>
          {t('login.none')} <AppLink href="/register">{t('login.register')}</AppLink>
        </p>
      }
    >
      {notice ? (
        <Alert tone="good" role="status">
          {t(`notices.${notice}`)}
        </Alert>
      ) : next ? (
        <Alert>{t('login.asked')}</Alert>
      ) : null}
      <SignInForm next={next} />
    </AccountPage>
  );
}
