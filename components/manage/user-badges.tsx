import { useTranslations } from 'next-intl';
import { Badge } from '@/components/ui/badge';
import type { ListedUser } from '@/lib/users/queries';

/** The role of a user, and what keeps them from signing in. */
export function UserBadges({
  user,
}: {
  user: Pick<ListedUser, 'isStaff' | 'isSuperuser' | 'blockedAt' | 'confirmedAt' | 'isDemo'>;
}) {
  const t = useTranslations('manage.users');
  return (
    <span className="inline-flex flex-wrap gap-1">
      {user.isSuperuser ? (
        <Badge tone="accent">{t('roles.admin')}</Badge>
      ) : user.isStaff ? (
        <Badge tone="info">{t('roles.manager')}</Badge>
      ) : (
        <Badge>{t('roles.user')}</Badge>
      )}
      {user.blockedAt ? <Badge tone="bad">{t('states.blocked')}</Badge> : null}
      {user.confirmedAt ? null : <Badge tone="warn">{t('states.unconfirmed')}</Badge>}
      {user.isDemo ? <Badge>{t('demo')}</Badge> : null}
    </span>
  );
}
