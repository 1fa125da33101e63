import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { listHref } from '@/components/layout/list-page';
import { Alarms } from '@/components/reports/alarms';
import { ReportView } from '@/components/reports/report-view';
import { requireActor } from '@/lib/auth/session';
import { canManage } from '@/lib/policy/rules';
import { findAlarms, findReport, readWholeReport } from '@/lib/reports/queries';
import { readReportAsked, readTablesAsked } from '@/lib/reports/schema';
import { listStuckRuns } from '@/lib/runs/queries';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('reports.all');
  return { title: t('title') };
}

export default async function AllReportsPage({ searchParams }: Props) {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  const params = await searchParams;
  const asking = await findReport(actor, readReportAsked(params, 'all'));
  const { report } = asking;
  const [whole, alarms, stuck] = await Promise.all([
    report && readWholeReport(actor, report, readTablesAsked(params)),
    report && findAlarms(actor, report),
    report && listStuckRuns(actor, report),
  ]);
  return (
    <ReportView
      whose="all"
      asking={asking}
      whole={whole}
      names={null}
      ownZone={actor.timeZone}
      isManager
      alarms={
        alarms && report ? (
          <Alarms
            alarms={alarms}
            stuck={stuck ?? []}
            report={report}
            zone={report.zone}
            csvHref={listHref('/api/reports/all', { ...asking.asked, table: 'attention' })}
          />
        ) : null
      }
    />
  );
}
