import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getLocale, getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { MailingsTable } from '@/components/mailings/mailings-table';
import { OwnerField } from '@/components/manage/owner-field';
import { Empty } from '@/components/ui/empty';
import { SelectField } from '@/components/ui/field';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { requireActor } from '@/lib/auth/session';
import { listMailings } from '@/lib/mailings/queries';
import { asMailingFilter, mailingFilters } from '@/lib/mailings/schema';
import { canManage } from '@/lib/policy/rules';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };
const text = (value: string | string[] | undefined) =>
  (typeof value === 'string' ? value.trim().slice(0, 200) : undefined) || undefined;

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.mailings');
  return { title: t('title') };
}

export default async function AllMailingsPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const asked = await searchParams;
  const q = text(asked.q);
  const owner = text(asked.owner);
  const status = asMailingFilter(asked.status);
  const after = typeof asked.after === 'string' ? asked.after : undefined;
  const [t, tMailings, locale, page] = await Promise.all([
    getTranslations('manage.mailings'),
    getTranslations('mailings'),
    getLocale(),
    listMailings(actor, { everyone: true, q, owner, status, after }),
  ]);
  const href = (cursor: string | null) => {
    const params = new URLSearchParams();
    if (q) params.set('q', q);
    if (owner) params.set('owner', owner);
    if (status) params.set('status', status);
    if (cursor) params.set('after', cursor);
    return params.size > 0 ? `/manage/mailings?${params}` : '/manage/mailings';
  };
  return (
    <Page title={t('title')} lead={t('lead')}>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <SearchBox defaultValue={q} placeholder={tMailings('searchPlaceholder')}>
          <OwnerField owner={owner} />
          <SelectField
            key={status ?? 'all'}
            name="status"
            label={tMailings('filter')}
            hideLabel
            defaultValue={status ?? ''}
            options={[
              { value: '', label: tMailings('filters.all') },
              ...mailingFilters.map((filter) => ({ value: filter, label: tMailings(`filters.${filter}`) })),
            ]}
          />
        </SearchBox>
        {page.items.length === 0 ? (
          <Empty
            title={tMailings('nothingFound')}
            body={tMailings('nothingFoundBody')}
            action={<LinkButton href="/manage/mailings">{tMailings('showAll')}</LinkButton>}
          />
        ) : (
          <MailingsTable mailings={page.items} locale={locale} owners />
        )}
        <Pager
          label={t('title')}
          nextHref={page.next ? href(page.next) : null}
          firstHref={after ? href(null) : null}
        />
      </div>
    </Page>
  );
}
