import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink, LinkButton } from '@/components/layout/link';
import { Page } from '@/components/layout/shell';
import { Address } from '@/components/ui/address';
import { Alert } from '@/components/ui/alert';
import { Badge } from '@/components/ui/badge';
import { Empty } from '@/components/ui/empty';
import { Pager } from '@/components/ui/pager';
import { SearchBox } from '@/components/ui/search';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { listLetters } from '@/lib/email/outbox';
import { requireViewer } from '@/lib/email/viewer';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };
const text = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined);

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('outbox');
  return { title: t('title') };
}

export default async function OutboxPage({ searchParams }: Props) {
  const viewer = await requireViewer();
  const asked = await searchParams;
  const search = text(asked.q)?.trim();
  const after = text(asked.after);
  const [t, locale, page] = await Promise.all([
    getTranslations('outbox'),
    getLocale(),
    listLetters(viewer, { search, after }),
  ]);
  const href = (cursor: string | null) => {
    const query = new URLSearchParams();
    if (search) query.set('q', search);
    if (cursor) query.set('after', cursor);
    return `/outbox${query.size > 0 ? `?${query}` : ''}`;
  };
  const isNothing = page.items.length === 0;
  return (
    <Page title={t('title')} lead={t('lead')}>
      {viewer.actor ? null : <Alert tone="info">{t('signedOut')}</Alert>}
      {isNothing && !search && !after ? (
        <Empty title={t('empty')} body={t('emptyBody')} />
      ) : (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <SearchBox defaultValue={search} placeholder={t('search')} />
          {isNothing ? (
            <Empty
              title={t('nothingFound')}
              body={t('nothingFoundBody')}
              action={<LinkButton href="/outbox">{t('showAll')}</LinkButton>}
            />
          ) : (
            <Table caption={t('title')}>
              <Thead>
                <Tr>
                  <Th>{t('subject')}</Th>
                  <Th>{t('to')}</Th>
                  <Th>{t('kept')}</Th>
                </Tr>
              </Thead>
              <Tbody>
                {page.items.map((letter) => (
                  <Tr key={letter.id}>
                    <Td className="min-w-48">
                      <AppLink
                        href={`/outbox/${letter.id}`}
                        className="rounded-sm font-medium underline-offset-2 hover:underline"
                      >
                        {letter.subject || t('noSubject')}
                      </AppLink>{' '}
                      {letter.ownerId === null ? <Badge>{t('ofSystem')}</Badge> : null}
                      {letter.isTest ? <Badge tone="info">{t('test')}</Badge> : null}
                    </Td>
                    <Td className="min-w-52 [overflow-wrap:anywhere]">
                      <Address>{letter.toEmail}</Address>
                    </Td>
                    <Td className="text-muted">
                      <Time value={letter.createdAt} zone={viewer.zone} locale={locale} />
                    </Td>
                  </Tr>
                ))}
              </Tbody>
            </Table>
          )}
          <Pager
            label={t('title')}
            nextHref={page.next ? href(page.next) : null}
            firstHref={after ? href(null) : null}
          />
        </div>
      )}
    </Page>
  );
}
