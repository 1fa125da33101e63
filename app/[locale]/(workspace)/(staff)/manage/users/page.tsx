import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { ListPage, listHref } from '@/components/layout/list-page';
import { UserBadges } from '@/components/manage/user-badges';
import { Address } from '@/components/ui/address';
import { SelectField } from '@/components/ui/field';
import { SearchBox } from '@/components/ui/search';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { requireActor } from '@/lib/auth/session';
import { formatNumber } from '@/lib/format';
import { readSorted } from '@/lib/paging';
import { canManage } from '@/lib/policy/rules';
import { countUsers, listUsers } from '@/lib/users/queries';
import { type UserSort, userCursors, userRoles, userSorts, userStates } from '@/lib/users/schema';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.users');
  return { title: t('title') };
}

export default async function UsersPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const params = await searchParams;
  const { q, sort, after, isDamaged } = readSorted(params, userSorts, userCursors);
  const role = userRoles.find((known) => known === params.role);
  const state = userStates.find((known) => known === params.state);
  const [t, locale, page, count] = await Promise.all([
    getTranslations('manage.users'),
    getLocale(),
    listUsers(actor, { q, role, state, sort, after }),
    countUsers(actor, { q, role, state }),
  ]);
  const href = (by: UserSort, cursor: string | null) =>
    listHref('/manage/users', { q, role, state, sort: by === 'newest' ? null : by, after: cursor });
  const nothing = page.items.length === 0;
  return (
    <ListPage
      title={t('title')}
      lead={t('lead')}
      search={
        <SearchBox
          defaultValue={q}
          placeholder={t('searchPlaceholder')}
          hidden={{ sort: sort === 'newest' ? undefined : sort }}
          folded={{ active: [role, state].filter(Boolean).length }}
        >
          <SelectField
            key={`role ${role}`}
            name="role"
            label={t('role')}
            hideLabel
            defaultValue={role ?? ''}
            options={[
              { value: '', label: t('anyRole') },
              ...userRoles.map((value) => ({ value, label: t(`roles.${value}`) })),
            ]}
          />
          <SelectField
            key={`state ${state}`}
            name="state"
            label={t('state')}
            hideLabel
            defaultValue={state ?? ''}
            options={[
              { value: '', label: t('anyState') },
              ...userStates.map((value) => ({ value, label: t(`states.${value}`) })),
            ]}
          />
        </SearchBox>
      }
      nothing={
        nothing ? { title: t('nothingFound'), body: t('nothingFoundBody'), showAll: t('showAll') } : null
      }
      note={nothing ? null : t('count', { value: count.value, exact: count.exact ? 'yes' : 'no' })}
      next={page.next}
      after={after}
      isDamaged={isDamaged}
      href={(cursor) => href(sort, cursor)}
    >
      <Table caption={t('title')} stacks>
        <Thead>
          <tr>
            <Th sort={{ href: href('email', null), direction: sort === 'email' ? 'asc' : null }}>
              {t('columns.user')}
            </Th>
            <Th>{t('columns.state')}</Th>
            <Th numeric>{t('columns.mailings')}</Th>
            <Th numeric>{t('columns.sent')}</Th>
            <Th sort={{ href: href('newest', null), direction: sort === 'newest' ? 'desc' : null }}>
              {t('columns.since')}
            </Th>
          </tr>
        </Thead>
        <Tbody>
          {page.items.map((user) => (
            <Tr key={user.id}>
              <Td className="min-w-56 max-sm:col-span-1! [overflow-wrap:anywhere]">
                <AppLink
                  href={`/manage/users/${user.id}`}
                  className="font-medium underline-offset-2 hover:underline"
                >
                  <Address>{user.email}</Address>
                </AppLink>
                <div className="text-[0.8125rem] text-muted">{user.name}</div>
              </Td>
              <Td className="max-sm:col-span-1! max-sm:max-w-32">
                <UserBadges user={user} />
              </Td>
              <Td numeric label={t('columns.mailings')}>
                {formatNumber(locale, user.mailings)}
              </Td>
              <Td numeric label={t('columns.sent')}>
                {formatNumber(locale, user.sent)}
              </Td>
              <Td label={t('columns.since')} className="text-muted">
                <Time value={user.createdAt} zone={actor.timeZone} locale={locale} />
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
    </ListPage>
  );
}
