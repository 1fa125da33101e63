import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { Alert } from '@/components/ui/alert';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { LinkButton } from './link';
import { Page } from './shell';

/** The address of a list with what was chosen of it; what is empty is left out. */
export function listHref(path: string, chosen: Record<string, string | null | undefined>): string {
  const given = Object.entries(chosen).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path;
}

/** Says why a list begins at its beginning although a further page of it was asked for. */
export function DamagedPage() {
  return <Alert tone="warn">{useTranslations('ui')('damagedPage')}</Alert>;
}

/**
 * A page with a list: how to narrow it down, its rows, and the way on. `first` stands for all of that while there is nothing to list
 * yet; `nothing` for the rows where none fits, with the way back to all of them. `href` is the address of the page behind a cursor.
 */
export function ListPage({
  title,
  lead,
  actions,
  notice,
  first,
  search,
  nothing,
  note,
  next,
  after,
  isDamaged = false,
  href,
  children,
}: {
  title: string;
  lead: ReactNode;
  actions?: ReactNode;
  /** Stands above the list, whatever is in it. */
  notice?: ReactNode;
  first?: ReactNode;
  search: ReactNode;
  nothing: { title: string; body?: string | null; showAll: string } | null;
  /** Stands beside the way on. */
  note?: ReactNode;
  next: string | null;
  /** The cursor of this page; absent on the first one. */
  after: string | undefined;
  /** The address asked for a page that no list has led to. */
  isDamaged?: boolean;
  href: (after: string | null) => string;
  children: ReactNode;
}) {
  const [path] = href(null).split('?');
  return (
    <Page title={title} lead={lead} actions={actions}>
      {notice}
      {first ?? (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
          {search}
          {isDamaged ? <DamagedPage /> : null}
          {nothing ? (
            <Empty
              title={nothing.title}
              body={nothing.body}
              action={<LinkButton href={path ?? ''}>{nothing.showAll}</LinkButton>}
            />
          ) : (
            children
          )}
          <Pager
            label={title}
            note={note}
            nextHref={next ? href(next) : null}
            firstHref={after ? href(null) : null}
          />
        </div>
      )}
    </Page>
  );
}
