import type { Metadata } from 'next';
import { getLocale, getTranslations } from 'next-intl/server';
import { AppLink } from '@/components/layout/link';
import { ListPage, listHref } from '@/components/layout/list-page';
import { Address } from '@/components/ui/address';
import { Alert } from '@/components/ui/alert';
import { Badge } from '@/components/ui/badge';
import { Empty } from '@/components/ui/empty';
import { SearchBox } from '@/components/ui/search';
import { Table, Tbody, Td, Th, Thead, Tr } from '@/components/ui/table';
import { Time } from '@/components/ui/time';
import { listLetters } from '@/lib/email/outbox';
import { requireViewer } from '@/lib/email/viewer';
import { readAsked } from '@/lib/paging';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('outbox');
  return { title: t('title') };
}

export default async function OutboxPage({ searchParams }: Props) {
  const viewer = await requireViewer();
  const { q, after, isDamaged } = readAsked(await searchParams);
  const [t, locale, page] = await Promise.all([
    getTranslations('outbox'),
    getLocale(),
    listLetters(viewer, { search: q, after }),
  ]);
  const isNothing = page.items.length === 0;
  return (
    <ListPage
      title={t('title')}
      lead={t('lead')}
      notice={viewer.actor ? null : <Alert tone="info">{t('signedOut')}</Alert>}
      first={isNothing && !q && !after ? <Empty title={t('empty')} body={t('emptyBody')} /> : null}
      search={<SearchBox defaultValue={q} placeholder={t('search')} />}
      nothing={
        isNothing ? { title: t('nothingFound'), body: t('nothingFoundBody'), showAll: t('showAll') } : null
      }
      next={page.next}
      after={after}
      isDamaged={isDamaged}
      href={(cursor) => listHref('/outbox', { q, after: cursor })}
    >
      <Table caption={t('title')} stacks>
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
    </ListPage>
  );
}
