import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ClientsTable } from '@/components/clients/clients-table';
import { LinkButton } from '@/components/layout/link';
import { ListPage, listHref } from '@/components/layout/list-page';
import { Empty } from '@/components/ui/empty';
import { SearchBox } from '@/components/ui/search';
import { requireActor } from '@/lib/auth/session';
import { countClients, listClients } from '@/lib/clients/queries';
import { type ClientSort, clientCursors, clientSorts } from '@/lib/clients/schema';
import { readSorted } from '@/lib/paging';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('clients');
  return { title: t('title') };
}

export default async function ClientsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const { q, sort, after, isDamaged } = readSorted(await searchParams, clientSorts, clientCursors);
  const [t, page, count] = await Promise.all([
    getTranslations('clients'),
    listClients(actor, { q, sort, after }),
    countClients(actor, { q }),
  ]);
  const href = (by: ClientSort, cursor: string | null = null) =>
    listHref('/clients', { q, sort: by === 'newest' ? null : by, after: cursor });
  const nothing = page.items.length === 0;
  const add = (
    <LinkButton href="/clients/new" variant="primary">
      {t('add')}
    </LinkButton>
  );
  return (
    <ListPage
      title={t('title')}
      lead={t('lead')}
      actions={add}
      first={nothing && !q && !after ? <Empty title={t('empty')} body={t('emptyBody')} action={add} /> : null}
      search={
        <SearchBox
          defaultValue={q}
          placeholder={t('searchPlaceholder')}
          hidden={{ sort: sort === 'newest' ? undefined : sort }}
        />
      }
      nothing={
        nothing
          ? {
              title: q ? t('nothingFound') : t('nothingFurther'),
              body: q ? t('nothingFoundBody', { q }) : null,
              showAll: t('showAll'),
            }
          : null
      }
      note={nothing ? null : t('count', { value: count.value, exact: count.exact ? 'yes' : 'no' })}
      next={page.next}
      after={after}
      isDamaged={isDamaged}
      href={(cursor) => href(sort, cursor)}
    >
      <ClientsTable
        key={`${q ?? ''} ${sort} ${after ?? ''}`}
        clients={page.items}
        sort={sort}
        sortHrefs={{
          newest: href('newest'),
          name: href('name'),
          email: href('email'),
        }}
        deleteAll={{
          href: `/clients/delete?${new URLSearchParams({ all: '1', ...(q ? { q } : {}) })}`,
          label: t(q ? 'select.deleteFound' : 'select.deleteAll'),
        }}
        zone={actor.timeZone}
      />
    </ListPage>
  );
}
