import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { BlockForm } from '@/components/manage/reason-forms';
import { RoleForm } from '@/components/manage/role-form';
import { UserBadges } from '@/components/manage/user-badges';
import { WhatStopsList } from '@/components/manage/what-stops';
import { Alert } from '@/components/ui/alert';
import { Card } from '@/components/ui/card';
import { Facts } from '@/components/ui/facts';
import { ActionButton } from '@/components/ui/form';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { formatNumber } from '@/lib/format';
import { canBlock, canChangeRoles, canManage } from '@/lib/policy/rules';
import { findWhatStops } from '@/lib/runs/queries';
import { unblockUserAction } from '@/lib/users/actions';
import { findListedUser } from '@/lib/users/queries';

type Props = { params: Promise<{ id: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const [actor, { id }] = await Promise.all([requireActor(), params]);
  const user = await findListedUser(actor, Number(id));
  return { title: user?.email ?? '' };
}

export default async function UserPage({ params }: Props) {
  const actor = await requireActor();
  const { id } = await params;
  const user = canManage(actor) ? await findListedUser(actor, Number(id)) : null;
  if (!user) notFound();
  const [t, locale, stops] = await Promise.all([
    getTranslations('manage.users'),
    getLocale(),
    findWhatStops(actor, { ownerId: user.id }),
  ]);
  const mayBlock = canBlock(actor, user);
  const when = (at: Date, relative = false) => (
    <Time value={at} zone={actor.timeZone} locale={locale} relative={relative} />
  );
  return (
    <Page title={user.name} lead={<UserBadges user={user} />} backHref="/manage/users" backLabel={t('back')}>
      {user.blockedAt ? (
        <Alert tone="bad" title={t('blocked.title')}>
          <p>
            {t.rich('blocked.by', {
              at: () => (user.blockedAt ? when(user.blockedAt, true) : null),
              known: user.blockedBy ? 'yes' : 'no',
              name: user.blockedBy ?? '',
            })}
          </p>
          <p className="[overflow-wrap:anywhere]">
            {t('blocked.reason', { reason: user.blockedReason ?? '' })}
          </p>
        </Alert>
      ) : null}
      <Card title={t('facts.title')}>
        <Facts
          items={[
            { term: t('facts.email'), value: user.email },
            { term: t('facts.name'), value: user.name },
            { term: t('facts.since'), value: when(user.createdAt) },
            {
              term: t('facts.confirmed'),
              value: user.confirmedAt ? when(user.confirmedAt) : t('facts.notConfirmed'),
            },
            { term: t('facts.zone'), value: user.timeZone },
            {
              term: t('facts.mailings'),
              value: (
                <AppLink
                  href={`/manage/mailings?${new URLSearchParams({ owner: user.email })}`}
                  className="underline underline-offset-2"
                >
                  {formatNumber(locale, user.mailings)}
                </AppLink>
              ),
            },
            { term: t('facts.sent'), value: formatNumber(locale, user.sent) },
            {
              term: t('facts.log'),
              value: (
                <AppLink href={`/manage/audit?user=${user.id}`} className="underline underline-offset-2">
                  {t('facts.logLink')}
                </AppLink>
              ),
            },
          ]}
        />
      </Card>
      {mayBlock ? (
        <Card title={t(user.blockedAt ? 'unblock.title' : 'block.title')}>
          <div className="grid max-w-prose grid-cols-[minmax(0,1fr)] gap-4">
            {user.blockedAt ? (
              <>
                <WhatStopsList stops={stops} of="user" tense="is" />
                <p>{t('unblock.what')}</p>
                <div>
                  <ActionButton
                    action={unblockUserAction}
                    hidden={{ userId: user.id }}
                    namespace="manage"
                    variant="primary"
                  >
                    {t('unblock.submit')}
                  </ActionButton>
                </div>
              </>
            ) : (
              <>
                <p>{t('block.what')}</p>
                <WhatStopsList stops={stops} of="user" tense="will" />
                <BlockForm userId={user.id} />
              </>
            )}
          </div>
        </Card>
      ) : (
        <p className="text-muted">
          {t(actor.id === user.id ? 'mayNot.self' : user.isSuperuser ? 'mayNot.admin' : 'mayNot.manager')}
        </p>
      )}
      {canChangeRoles(actor) ? (
        <Card title={t('roleChange.title')}>
          <div className="grid max-w-prose grid-cols-[minmax(0,1fr)] gap-4">
            {actor.id === user.id ? <p>{t('roleChange.self')}</p> : null}
            <RoleForm
              key={`${user.isStaff} ${user.isSuperuser}`}
              userId={user.id}
              role={user.isSuperuser ? 'admin' : user.isStaff ? 'manager' : 'user'}
            />
          </div>
        </Card>
      ) : null}
    </Page>
  );
}
