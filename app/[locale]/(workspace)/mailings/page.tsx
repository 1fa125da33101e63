import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { MailingsTable } from '@/components/mailings/mailings-table';
import { Empty } from '@/components/ui/empty';
import { SelectField } from '@/components/ui/field';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { requireActor } from '@/lib/auth/session';
import { listMailings } from '@/lib/mailings/queries';
import { asMailingFilter, mailingFilters } from '@/lib/mailings/schema';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };
const text = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined);

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('mailings');
  return { title: t('title') };
}

export default async function MailingsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const asked = await searchParams;
  const q = text(asked.q)?.trim() || undefined;
  const status = asMailingFilter(asked.status);
  const after = text(asked.after);
  const [t, locale, page] = await Promise.all([
    getTranslations('mailings'),
    getLocale(),
    listMailings(actor, { q, status, after }),
  ]);
  const query = (cursor: string | null) => {
    const params = new URLSearchParams();
    if (q) params.set('q', q);
    if (status) params.set('status', status);
    if (cursor) params.set('after', cursor);
    return params.size > 0 ? `/mailings?${params}` : '/mailings';
  };
  const filtered = Boolean(q || status);
  const nothing = page.items.length === 0;
  return (
    <Page
      title={t('title')}
      lead={t('lead')}
      actions={
        <LinkButton href="/mailings/new" variant="primary">
          {t('new')}
        </LinkButton>
      }
    >
      {nothing && !filtered && !after ? (
        <Empty
          title={t('empty')}
          body={t('emptyBody')}
          action={
            <LinkButton href="/mailings/new" variant="primary">
              {t('new')}
            </LinkButton>
          }
        />
      ) : (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <SearchBox defaultValue={q} placeholder={t('searchPlaceholder')}>
            <SelectField
              key={status ?? 'all'}
              name="status"
              label={t('filter')}
              hideLabel
              defaultValue={status ?? ''}
              options={[
                { value: '', label: t('filters.all') },
                ...mailingFilters.map((filter) => ({ value: filter, label: t(`filters.${filter}`) })),
              ]}
            />
          </SearchBox>
          {nothing ? (
            <Empty
              title={t('nothingFound')}
              body={t('nothingFoundBody')}
              action={<LinkButton href="/mailings">{t('showAll')}</LinkButton>}
            />
          ) : (
            <MailingsTable mailings={page.items} locale={locale} />
          )}
          <Pager
            label={t('title')}
            nextHref={page.next ? query(page.next) : null}
            firstHref={after ? query(null) : null}
          />
        </div>
      )}
    </Page>
  );
}
