import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { DeskList } from '@/components/manage/desk-list';
import { AttemptsTable } from '@/components/reports/attempts-table';
import { SelectField } from '@/components/ui/field';
import { attemptStatuses } from '@/db/enums';
import { listAllAttempts } from '@/lib/attempts/queries';
import { asAttemptStatus } from '@/lib/attempts/schema';
import { requireActor } from '@/lib/auth/session';
import { readAsked } from '@/lib/paging';
import { canManage } from '@/lib/policy/rules';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('manage.attempts');
  return { title: t('title') };
}

export default async function AllAttemptsPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const asked = readAsked(await searchParams);
  const status = asAttemptStatus(asked.status);
  const [t, tManage, page] = await Promise.all([
    getTranslations('reports.attempts'),
    getTranslations('manage.attempts'),
    listAllAttempts(actor, { ...asked, status }),
  ]);
  return (
    <DeskList
      place="attempts"
      asked={{ ...asked, status: status ?? undefined }}
      searchPlaceholder={tManage('searchPlaceholder')}
      filters={
        <SelectField
          key={status ?? 'all'}
          name="status"
          label={t('status')}
          hideLabel
          defaultValue={status ?? ''}
          options={[
            { value: '', label: t('allStatuses') },
            ...attemptStatuses.map((value) => ({ value, label: t(`statuses.${value}`) })),
          ]}
        />
      }
      nextPage={page.next}
      isEmpty={page.items.length === 0}
    >
      <AttemptsTable attempts={page.items} zone={actor.timeZone} />
    </DeskList>
  );
}
