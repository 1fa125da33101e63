'use client';

import { useLocale, useTranslations } from 'next-intl';
import { useEffect, useState } from 'react';
import { Time } from '@/components/ui/time';
import { type SchedulePreview as Preview, previewScheduleAction } from '@/lib/mailings/actions';

type Periodicity = 'once' | 'daily' | 'weekly' | 'monthly';
export type HalfSchedule = {
  starts: string;
  startsAt: string;
  zone: string;
  endsAt: string;
  periodicity: string;
};

const periodicities: readonly Periodicity[] = ['once', 'daily', 'weekly', 'monthly'];

/** The next sends of the schedule in the form, worked out by the server as it would after saving. */
export function SchedulePreview({
  mailingId,
  schedule,
}: {
  mailingId: number | null;
  schedule: HalfSchedule;
}) {
  const t = useTranslations('mailings.form');
  const words = useTranslations('mailings.periodicity');
  const locale = useLocale();
  const [preview, setPreview] = useState<{ of: string; answer: Preview } | null>(null);
  const periodicity = periodicities.find((known) => known === schedule.periodicity) ?? 'once';
  const wanted = JSON.stringify({
    mailingId,
    startsAt: schedule.starts === 'later' ? schedule.startsAt : 'now',
    zone: schedule.zone,
    endsAt: schedule.endsAt || null,
    periodicity,
  });

  useEffect(() => {
    let stale = false;
    const timer = setTimeout(async () => {
      const answer = await previewScheduleAction(JSON.parse(wanted)).catch(() => null);
      if (!stale && answer) setPreview({ of: wanted, answer });
    }, 250);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [wanted]);

  const answer = preview?.answer;
  if (!answer?.ok) return null;
  const { at, more, now } = answer;
  const last = at.at(-1);
  return (
    <div
      aria-live="polite"
      className="rounded-md bg-sunken px-3 py-2.5"
      style={{ opacity: preview?.of === wanted ? 1 : 0.6 }}
    >
      <p className="text-[0.875rem] font-medium">{t('previewTitle')}</p>
      {!now && !last ? (
        <p className="text-muted">{t('previewNone')}</p>
      ) : (
        <>
          <ol className="mt-1 grid gap-0.5">
            {now ? <li>{t('previewNow')}</li> : null}
            {at.map((instant) => (
              <li key={instant}>
                <Time value={instant} zone={schedule.zone} locale={locale} />
              </li>
            ))}
          </ol>
          <p className="mt-1 text-[0.8125rem] text-muted">
            {periodicity === 'once'
              ? t('previewOnce')
              : more
                ? t('previewMore', { how: words(periodicity).toLocaleLowerCase(locale) })
                : t('previewEnd')}{' '}
            {t('previewHint', { zone: schedule.zone })}
          </p>
        </>
      )}
    </div>
  );
}
