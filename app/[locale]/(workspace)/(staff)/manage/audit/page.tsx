import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { AuditFilters } from '@/components/manage/audit-filters';
import { AuditTable } from '@/components/manage/audit-table';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { listAudit, readAuditFilter } from '@/lib/audit/queries';
import { requireActor } from '@/lib/auth/session';
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
  const after = typeof params.after === 'string' ? params.after : undefined;
  const [t, user, page] = await Promise.all([
    getTranslations('manage.audit'),
    named === null ? null : findListedUser(actor, named),
    filter ? listAudit(actor, { ...filter, after }) : { items: [], next: null },
  ]);
  const query = (changes: { user?: ''; after?: string } = {}) => {
    const given = Object.entries({ ...asked, ...changes }).filter(([, value]) => value);
    return given.length > 0 ? `?${new URLSearchParams(given)}` : '';
  };
  const nothing = page.items.length === 0;
  return (
    <Page
      title={t('title')}
      lead={t('lead')}
      actions={
        nothing ? null : (
          <LinkButton href={`/api/audit${query()}`} download>
            {t('export')}
          </LinkButton>
        )
      }
    >
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <AuditFilters asked={asked} errors={errors} zone={actor.timeZone} />
        {named === null ? null : (
          <p>
            {t('ofUser', { user: user?.email ?? `#${named}` })}{' '}
            <AppLink href={`/manage/audit${query({ user: '' })}`} className="underline underline-offset-2">
              {t('ofAll')}
            </AppLink>
          </p>
        )}
        {!filter ? null : nothing ? (
          <Empty
            title={t('nothingFound')}
            body={t('nothingFoundBody')}
            action={<LinkButton href="/manage/audit">{t('showAll')}</LinkButton>}
          />
        ) : (
          <AuditTable entries={page.items} zone={actor.timeZone} />
        )}
        <Pager
          label={t('title')}
          nextHref={page.next ? `/manage/audit${query({ after: page.next })}` : null}
          firstHref={after ? `/manage/audit${query()}` : null}
        />
      </div>
    </Page>
  );
}
