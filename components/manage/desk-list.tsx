import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { ListPage, listHref } from '@/components/layout/list-page';
import { SearchBox } from '@/components/ui/search';
import type { ListAsked } from '@/lib/paging';
import { OwnerField } from './owner-field';

/** A list of everybody's things: a search by what they are and whose, the table, and the way on. `asked` stands in the address. */
export function DeskList({
  place,
  asked,
  searchPlaceholder,
  filters,
  nextPage,
  isEmpty,
  children,
}: {
  place: 'mailings' | 'messages' | 'clients';
  asked: ListAsked;
  searchPlaceholder: string;
  filters?: ReactNode;
  nextPage: string | null;
  isEmpty: boolean;
  children: ReactNode;
}) {
  const t = useTranslations('manage');
  const { q, owner, status, after, isDamaged } = asked;
  return (
    <ListPage
      title={t(`${place}.title`)}
      lead={t(`${place}.lead`)}
      search={
        <SearchBox
          defaultValue={q}
          placeholder={searchPlaceholder}
          folded={{ active: [owner, status].filter(Boolean).length }}
        >
          <OwnerField owner={owner} />
          {filters}
        </SearchBox>
      }
      nothing={
        isEmpty ? { title: t('nothingFound'), body: t('nothingFoundBody'), showAll: t('showAll') } : null
      }
      next={nextPage}
      after={after}
      isDamaged={isDamaged}
      href={(cursor) => listHref(`/manage/${place}`, { q, owner, status, after: cursor })}
    >
      {children}
    </ListPage>
  );
}
