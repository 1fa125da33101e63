import { useTranslations } from 'next-intl';
import type { WhatStops } from '@/lib/runs/queries';

/** What will stop, in numbers, before it is done; or what is held, while it is. */
export function WhatStopsList({
  stops,
  of,
  tense,
}: {
  stops: WhatStops;
  /** A mailing has one series, a user has any number. */
  of: 'user' | 'mailing';
  tense: 'will' | 'is';
}) {
  const t = useTranslations('manage.stops');
  const nothing = stops.mailings + stops.runs === 0;
  if (nothing) return <p>{t(`nothing_${tense}`)}</p>;
  return (
    <div>
      <p>{t(tense)}</p>
      <ul className="mt-1 list-disc pl-5">
        {of === 'user' ? (
          <li>{t('mailings', { count: stops.mailings })}</li>
        ) : stops.mailings > 0 ? (
          <li>{t('series')}</li>
        ) : null}
        <li>{t('runs', { count: stops.runs, held: stops.heldRuns })}</li>
        <li>{t('unsent', { count: stops.unsent })}</li>
        <li>
          {t('inFlight', { count: stops.inFlight })} {stops.inFlight > 0 ? t('inFlightMeans') : null}
        </li>
      </ul>
    </div>
  );
}
