import { useTranslations } from 'next-intl';
import { AccountChoice } from './account-choice';
import { AppLink, LinkButton } from './link';

/** Sign in and register, or the way into the workspace. */
export function AccountLinks() {
  const t = useTranslations('layout.account');
  return (
    <AccountChoice
      stranger={
        <>
          <AppLink
            href="/login"
            className="rounded-sm px-2.5 py-1 text-[0.9375rem] font-medium hover:bg-sunken"
          >
            {t('signIn')}
          </AppLink>
          <LinkButton href="/register" size="sm" className="max-sm:hidden">
            {t('register')}
          </LinkButton>
        </>
      }
      member={
        <LinkButton href="/dashboard" size="sm">
          {t('open')}
        </LinkButton>
      }
    />
  );
}
