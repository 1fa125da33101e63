import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { ListPage, listHref } from '@/components/layout/list-page';
import { AuditFilters } from '@/components/manage/audit-filters';
import { AuditTable } from '@/components/manage/audit-table';
import { listAudit, readAuditFilter } from '@/lib/audit/queries';
import { requireActor } from '@/lib/auth/session';
import { readCursor } from '@/lib/paging';
import { canManage } from '@/lib/policy/rules';
import { findListedUser } from '@/lib/users/queries';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.audit');
  return { title: t('title') };
}

export default async function AuditPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const params = await searchParams;
  const { asked, filter, errors } = readAuditFilter(params, actor.timeZone);
  const named = asked.user ? Number(asked.user) : null;
  const { after, isDamaged } = readCursor(params, ['number']);
  const [t, user, page] = await Promise.all([
    getTranslations('manage.audit'),
    named === null ? null : findListedUser(actor, named),
    filter ? listAudit(actor, { ...filter, after }) : { items: [], next: null },
  ]);
  const href = (changes: { user?: ''; after?: string | null } = {}, path = '/manage/audit') =>
    listHref(path, { ...asked, ...changes });
  const nothing = page.items.length === 0;
  return (
    <ListPage
      title={t('title')}
      lead={t('lead')}
      actions={
        nothing ? null : (
          <LinkButton href={href({}, '/api/audit')} download>
            {t('export')}
          </LinkButton>
        )
      }
      search={
        <>
          <AuditFilters asked={asked} errors={errors} zone={actor.timeZone} />
          {named === null ? null : (
            <p>
              {t('ofUser', { user: user?.email ?? `#${named}` })}{' '}
              <AppLink href={href({ user: '' })} className="underline underline-offset-2">
                {t('ofAll')}
              </AppLink>
            </p>
          )}
        </>
      }
      nothing={
        filter && nothing
          ? { title: t('nothingFound'), body: t('nothingFoundBody'), showAll: t('showAll') }
          : null
      }
      next={page.next}
      after={after}
      isDamaged={isDamaged}
      href={(cursor) => href({ after: cursor })}
    >
      {filter ? <AuditTable entries={page.items} zone={actor.timeZone} /> : null}
    </ListPage>
  );
}
