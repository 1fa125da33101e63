import { useLocale, useTranslations } from 'next-intl';
import { BarChart } from '@/components/ui/chart';
import { formatInstant, formatNumber, formatTime } from '@/lib/format';
import type { RateStep } from '@/lib/reports/queries';

/** How a run's attempts are spread over its time. */
export function Rate({ minutes, steps, zone }: { minutes: number; steps: RateStep[]; zone: string }) {
  const t = useTranslations('reports.rate');
  const locale = useLocale();
  const sums = steps.map(({ succeeded, failed, unknown }) => succeeded + failed + unknown);
  const most = Math.max(0, ...sums);
  const first = steps.at(0);
  const busiest = steps[sums.indexOf(most)];
  if (!first || !busiest) return null;
  return (
    <BarChart
      series={[
        { name: t('succeeded'), tone: 'good' },
        { name: t('failed'), tone: 'bad' },
        { name: t('unknown'), tone: 'warn' },
      ]}
      bars={steps.map(({ at, succeeded, failed, unknown }) => ({
        key: at.toISOString(),
        label: formatInstant(locale, at, zone),
        short: minutes < 1440 ? formatTime(locale, at, zone) : formatInstant(locale, at, zone),
        values: [succeeded, failed, unknown],
      }))}
      summary={t('summary', {
        step: t('step', { minutes }),
        count: most,
        at: formatInstant(locale, busiest.at, zone),
      })}
      tableLabel={t('asTable')}
      keyColumn={t('begin')}
      format={(value) => formatNumber(locale, value)}
    />
  );
}
