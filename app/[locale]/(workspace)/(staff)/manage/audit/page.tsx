import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { AuditTable } from '@/components/manage/audit-table';
import { Empty } from '@/components/ui/empty';
import { SelectField } from '@/components/ui/field';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { listAudit } from '@/lib/audit/queries';
import { asAuditAction, auditActions } from '@/lib/audit/schema';
import { requireActor } from '@/lib/auth/session';
import { canManage } from '@/lib/policy/rules';
import { findListedUser } from '@/lib/users/queries';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };
const text = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined);

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.audit');
  return { title: t('title') };
}

export default async function AuditPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const asked = await searchParams;
  const q = text(asked.q)?.trim().slice(0, 200) || undefined;
  const action = asAuditAction(asked.action);
  const named = /^\d{1,15}$/.test(text(asked.user) ?? '') ? Number(asked.user) : null;
  const after = text(asked.after);
  const [t, user, page] = await Promise.all([
    getTranslations('manage.audit'),
    named === null ? null : findListedUser(actor, named),
    listAudit(actor, { q, action, userId: named, after }),
  ]);
  const query = (changes: { user?: number | null; cursor?: string | null } = {}) => {
    const { user: of = named, cursor = null } = changes;
    const params = new URLSearchParams();
    if (q) params.set('q', q);
    if (action) params.set('action', action);
    if (of !== null) params.set('user', String(of));
    if (cursor) params.set('after', cursor);
    return params.size > 0 ? `?${params}` : '';
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
        <SearchBox
          defaultValue={q}
          placeholder={t('searchPlaceholder')}
          hidden={{ user: named === null ? undefined : String(named) }}
        >
          <SelectField
            key={action}
            name="action"
            label={t('action')}
            hideLabel
            defaultValue={action ?? ''}
            options={[
              { value: '', label: t('anyAction') },
              ...auditActions.map((value) => ({ value, label: t(`actions.${value}`) })),
            ]}
          />
        </SearchBox>
        {named === null ? null : (
          <p>
            {t('ofUser', { user: user?.email ?? `#${named}` })}{' '}
            <AppLink href={`/manage/audit${query({ user: null })}`} className="underline underline-offset-2">
              {t('ofAll')}
            </AppLink>
          </p>
        )}
        {nothing ? (
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
          nextHref={page.next ? `/manage/audit${query({ cursor: page.next })}` : null}
          firstHref={after ? `/manage/audit${query()}` : null}
        />
      </div>
    </Page>
  );
}
