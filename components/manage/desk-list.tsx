import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { OwnerField } from './owner-field';

/** A list of everybody's things: a search by what they are and whose, the table, and the way on. `asked` stands in the address. */
export function DeskList({
  place,
  asked,
  searchPlaceholder,
  filters,
  nextPage,
  note,
  isEmpty,
  children,
}: {
  place: 'mailings' | 'messages' | 'clients' | 'attempts';
  asked: Record<'q' | 'owner' | 'after' | 'status', string | undefined>;
  searchPlaceholder: string;
  filters?: ReactNode;
  nextPage: string | null;
  /** Stands beside the way on. */
  note?: ReactNode;
  isEmpty: boolean;
  children: ReactNode;
}) {
  const t = useTranslations('manage');
  const path = `/manage/${place}`;
  const href = (after: string | null) => {
    const { q, owner, status } = asked;
    const params = new URLSearchParams(
      Object.entries({ q, owner, status, after }).filter((entry): entry is [string, string] =>
        Boolean(entry[1]),
      ),
    );
    return params.size > 0 ? `${path}?${params}` : path;
  };
  return (
    <Page title={t(`${place}.title`)} lead={t(`${place}.lead`)}>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <SearchBox
          defaultValue={asked.q}
          placeholder={searchPlaceholder}
          folded={{ active: [asked.owner, asked.status].filter(Boolean).length }}
        >
          <OwnerField owner={asked.owner} />
          {filters}
        </SearchBox>
        {isEmpty ? (
          <Empty
            title={t('nothingFound')}
            body={t('nothingFoundBody')}
            action={<LinkButton href={path}>{t('showAll')}</LinkButton>}
          />
        ) : (
          children
        )}
        <Pager
          label={t(`${place}.title`)}
          note={note}
          nextHref={nextPage ? href(nextPage) : null}
          firstHref={asked.after ? href(null) : null}
        />
      </div>
    </Page>
  );
}
