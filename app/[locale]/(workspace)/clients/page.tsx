import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ClientsTable } from '@/components/clients/clients-table';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { requireActor } from '@/lib/auth/session';
import { countClients, listClients } from '@/lib/clients/queries';
import { type ClientSort, clientSorts } from '@/lib/clients/schema';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };
const text = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined);

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('clients');
  return { title: t('title') };
}

export default async function ClientsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const asked = await searchParams;
  const q = text(asked.q)?.trim().slice(0, 200) || undefined;
  const sort = clientSorts.find((known) => known === asked.sort) ?? 'newest';
  const after = text(asked.after);
  const [t, page, count] = await Promise.all([
    getTranslations('clients'),
    listClients(actor, { q, sort, after }),
    countClients(actor, { q }),
  ]);
  const href = (changes: { q?: string | undefined; sort?: ClientSort; after?: string }) => {
    const { q: term = q, sort: by = sort, after: cursor } = changes;
    const params = new URLSearchParams();
    if (term) params.set('q', term);
    if (by !== 'newest') params.set('sort', by);
    if (cursor) params.set('after', cursor);
    return params.size > 0 ? `/clients?${params}` : '/clients';
  };
  const nothing = page.items.length === 0;
  const add = (
    <LinkButton href="/clients/new" variant="primary">
      {t('add')}
    </LinkButton>
  );
  return (
    <Page title={t('title')} lead={t('lead')} actions={add}>
      {nothing && !q && !after ? (
        <Empty title={t('empty')} body={t('emptyBody')} action={add} />
      ) : (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <SearchBox
            defaultValue={q}
            placeholder={t('searchPlaceholder')}
            hidden={{ sort: sort === 'newest' ? undefined : sort }}
          />
          {nothing ? (
            <Empty
              title={q ? t('nothingFound') : t('nothingFurther')}
              body={q ? t('nothingFoundBody', { q }) : null}
              action={<LinkButton href="/clients">{t('showAll')}</LinkButton>}
            />
          ) : (
            <ClientsTable
              key={`${q ?? ''} ${sort} ${after ?? ''}`}
              clients={page.items}
              sort={sort}
              sortHrefs={{
                newest: href({ sort: 'newest' }),
                name: href({ sort: 'name' }),
                email: href({ sort: 'email' }),
              }}
              deleteAll={{
                href: `/clients/delete?${new URLSearchParams({ all: '1', ...(q ? { q } : {}) })}`,
                label: t(q ? 'select.deleteFound' : 'select.deleteAll'),
              }}
              zone={actor.timeZone}
            />
          )}
          <Pager
            label={t('title')}
            note={nothing ? null : t('count', { value: count.value, exact: count.exact ? 'yes' : 'no' })}
            nextHref={page.next ? href({ after: page.next }) : null}
            firstHref={after ? href({}) : null}
          />
        </div>
      )}
    </Page>
  );
}
