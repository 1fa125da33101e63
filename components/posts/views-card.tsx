import { useLocale, useTranslations } from 'next-intl';
import { Card } from '@/components/ui/card';
import { BarChart } from '@/components/ui/chart';
import { Tabs } from '@/components/ui/tabs';
import { formatDay, formatNumber, formatShortDay } from '@/lib/format';
import { chartDays, type DayViews } from '@/lib/views/schema';

/** How often an article was read, day by day. Days are those of UTC, as they are counted. */
export function ViewsCard({ postId, total, days }: { postId: number; total: number; days: DayViews[] }) {
  const t = useTranslations('posts.views');
  const locale = useLocale();
  const sum = days.reduce((all, { views }) => all + views, 0);
  const best = days.reduce<DayViews | null>((top, day) => (day.views > (top?.views ?? 0) ? day : top), null);
  const summary = best
    ? t('summary', {
        sum,
        days: days.length,
        best: best.views,
        day: formatDay(locale, best.day, 'UTC'),
      })
    : t('none', { days: days.length });
  return (
    <div id="views" className="scroll-mt-4">
      <Card
        title={t('title')}
        actions={<p className="text-[0.875rem] text-muted">{t('total', { total })}</p>}
      >
        <Tabs
          label={t('span')}
          className="mb-5"
          items={chartDays.map((span) => ({
            href: `/manage/posts/${postId}?days=${span}#views`,
            label: t('days', { days: span }),
            current: days.length === span,
          }))}
        />
        <BarChart
          series={[{ name: t('column'), tone: 'accent' }]}
          bars={days.map(({ day, views }) => ({
            key: day,
            label: formatDay(locale, day, 'UTC'),
            short: formatShortDay(locale, day, 'UTC'),
            values: [views],
          }))}
          summary={`${summary} ${t('counted')}`}
          tableLabel={t('table')}
          keyColumn={t('day')}
          format={(value) => formatNumber(locale, value)}
        />
      </Card>
    </div>
  );
}
