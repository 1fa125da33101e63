import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ReportView } from '@/components/reports/report-view';
import { requireActor } from '@/lib/auth/session';
import { listMailingNames } from '@/lib/mailings/queries';
import { listMessageNames } from '@/lib/messages/queries';
import { canManage } from '@/lib/policy/rules';
import { findReport, readWholeReport } from '@/lib/reports/queries';
import { readReportAsked, readTablesAsked } from '@/lib/reports/schema';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('reports');
  return { title: t('title') };
}

export default async function ReportsPage({ searchParams }: Props) {
  const actor = await requireActor();
  const params = await searchParams;
  const [asking, mailings, messages] = await Promise.all([
    findReport(actor, readReportAsked(params, 'own')),
    listMailingNames(actor),
    listMessageNames(actor),
  ]);
  const whole = asking.report && (await readWholeReport(actor, asking.report, readTablesAsked(params)));
  return (
    <ReportView
      whose="own"
      asking={asking}
      whole={whole}
      names={{ mailings, messages }}
      ownZone={actor.timeZone}
      isManager={canManage(actor)}
    />
  );
}
