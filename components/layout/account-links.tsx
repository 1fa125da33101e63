import { useTranslations } from 'next-intl';
import { AppLink, LinkButton } from './link';

/**
 * Sign in and register, or the way into the workspace. Public pages are static, so the browser asks who it is (`alive`); until it knows,
 * and where no script runs, the visitor is a stranger. Both stand in the same place, as wide as the wider, so that nothing moves.
 */
export function AccountLinks() {
  const t = useTranslations('layout.account');
  return (
    <div data-account className="grid justify-items-end">
      <div className="col-start-1 row-start-1 flex items-center gap-1 in-data-member:invisible">
        <AppLink
          href="/login"
          className="rounded-sm px-2.5 py-1 text-[0.9375rem] font-medium hover:bg-sunken"
        >
          {t('signIn')}
        </AppLink>
        <LinkButton href="/register" size="sm" className="max-sm:hidden">
          {t('register')}
        </LinkButton>
      </div>
      <div className="invisible col-start-1 row-start-1 in-data-member:visible">
        <LinkButton href="/dashboard" size="sm">
          <span className="max-sm:hidden">{t('open')}</span>
          <span className="sm:hidden">{t('openShort')}</span>
        </LinkButton>
      </div>
    </div>
  );
}
