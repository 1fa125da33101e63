'use client';

import { RefreshCw } from 'lucide-react';
import { useLocale, useTranslations } from 'next-intl';
import { useEffect, useRef, useState } from 'react';
import { LinkButton } from '@/components/layout/link';
import { buttonStyle } from '@/components/ui/button-style';
import { useLocalHref } from '@/components/ui/link';
import { ProgressBar } from '@/components/ui/progress';
import { formatNumber } from '@/lib/format';
import type { Counts } from '@/lib/runs/queries';
import { secondsLeft, triedOf } from '@/lib/runs/schema';
import { useLiveRuns } from './live-runs';
import { outcomeParts, RunProgress } from './run-progress';

/** The bar of a run that may be under way: follows {@link LiveRuns} where one stands above it. */
export function LiveRunProgress({ runId, counts }: { runId: number; counts: Counts }) {
  return <RunProgress counts={useLiveRuns().run(runId)?.counts ?? counts} />;
}

/**
 * The ways to those whom a run has not reached, with the same numbers as {@link LiveProgress} has, and to the file of all that was tried;
 * nothing before anything was.
 */
export function LiveMisses({
  runId,
  counts: counted,
  hrefs,
  csvHref,
  isTried,
}: {
  runId: number;
  /** As the server knew them. */
  counts: Counts;
  hrefs: { failed: string; unknown: string };
  csvHref: string;
  /** Something was tried, though nothing may have come of it yet. */
  isTried: boolean;
}) {
  const t = useTranslations('mailings');
  const counts = useLiveRuns().run(runId)?.counts ?? counted;
  if (!isTried && triedOf(counts) === 0) return null;
  return (
    <div className="mt-4 flex flex-wrap gap-2">
      {(['failed', 'unknown'] as const).map((outcome) =>
        counts[outcome] > 0 ? (
          <LinkButton key={outcome} href={hrefs[outcome]}>
            {t(`run.next.${outcome}`, { count: counts[outcome] })}
          </LinkButton>
        ) : null,
      )}
      <LinkButton href={csvHref} download>
        {t('exportCsv')}
      </LinkButton>
    </div>
  );
}

/** A reader who cannot see the numbers hears them this often, and at the end. */
const sayMs = 30_000;

/**
 * How far a run has come: letters done, every outcome, how fast it goes and how long it will take. Keeps its height whatever the
 * numbers. Without JavaScript it shows those of its moment, with a link for newer ones.
 */
export function LiveProgress({
  runId,
  counts: counted,
  isOpen: wasOpen,
  pace: measured,
  moves,
  href,
}: {
  runId: number;
  /** As the server knew them. */
  counts: Counts;
  isOpen: boolean;
  /** Letters a second as the server measured them. */
  pace: number | null;
  /** Nothing holds it: it has a pace and an end in sight. */
  moves: boolean;
  /** The page itself, without a language. */
  href: string;
}) {
  const t = useTranslations('mailings');
  const locale = useLocale();
  const local = useLocalHref();
  const live = useLiveRuns();
  const run = live.run(runId);
  const counts = run?.counts ?? counted;
  const isOpen = run?.isOpen ?? wasOpen;
  const pace = live.pace(runId) ?? measured;
  const left = moves ? secondsLeft(counts, pace) : null;
  const done = counts.total - counts.queued - counts.sending;
  const paceText = usePaceText();
  const leftText = useLeftText();

  const rate = !isOpen ? null : moves && pace !== null ? paceText(pace) : t('live.still');
  const rest = !isOpen ? null : left === null ? t('live.leftUnknown') : leftText(left);
  const spoken = isOpen
    ? t('live.said', { done, total: counts.total, left: rest ?? '' })
    : t('live.saidOver', { sent: counts.sent, total: counts.total });

  return (
    <div>
      <div className="mb-3 flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1">
        <p className="text-2xl font-semibold tracking-tight">
          {t('sentOf', { sent: counts.sent, total: counts.total })}
          <span className="ml-2 text-base font-normal text-muted">{t('live.sent')}</span>
        </p>
        {isOpen ? (
          <dl className="grid min-w-0 grid-cols-[auto_1fr] gap-x-3 text-[0.875rem] sm:min-w-72">
            <dt className="text-muted">{t('live.pace')}</dt>
            <dd className="sm:text-right">{rate}</dd>
            <dt className="text-muted">{t('live.left')}</dt>
            <dd className="sm:text-right">{rest}</dd>
          </dl>
        ) : null}
      </div>
      <ProgressBar
        total={counts.total}
        segments={outcomeParts(counts, (name) => t(`deliveryStatus.${name}`))}
        legend={(value) => formatNumber(locale, value)}
      />
      {isOpen ? (
        <p className="mt-3 flex min-h-6 flex-wrap items-center gap-x-3 text-[0.8125rem] text-muted">
          {live.isLost ? <span className="font-medium text-warn">{t('live.lost')}</span> : <Follows />}
          <noscript>
            <a href={local(href)} className={buttonStyle({ size: 'sm' })}>
              {t('live.refresh')}
            </a>
          </noscript>
        </p>
      ) : null}
      <Spoken text={spoken} isOver={!isOpen} />
    </div>
  );
}

/** Says that the page follows by itself, once a script is there to do it. */
function Follows() {
  const t = useTranslations('mailings.live');
  const [runs, setRuns] = useState(false);
  useEffect(() => setRuns(true), []);
  return runs ? (
    <span className="inline-flex items-center gap-1.5">
      <RefreshCw aria-hidden className="size-3.5" />
      {t('follows')}
    </span>
  ) : (
    <span>{t('moment')}</span>
  );
}

/** The numbers for those who listen: now and then, not with every letter. */
function Spoken({ text, isOver }: { text: string; isOver: boolean }) {
  const [said, setSaid] = useState('');
  const latest = useRef(text);
  useEffect(() => {
    latest.current = text;
  }, [text]);
  const began = useRef(isOver);
  useEffect(() => {
    if (isOver) {
      if (!began.current) setSaid(latest.current);
      return;
    }
    began.current = false;
    const timer = setInterval(() => setSaid(latest.current), sayMs);
    return () => clearInterval(timer);
  }, [isOver]);
  return (
    <p role="status" className="sr-only">
      {said}
    </p>
  );
}

function usePaceText() {
  const t = useTranslations('mailings.live');
  return (pace: number): string => {
    if (pace >= 9.5) return t('perSecond', { letters: Math.round(pace) });
    if (pace >= 1) return t('perSecond', { letters: Math.round(pace * 10) / 10 });
    const perMinute = Math.round(pace * 60);
    return perMinute > 0 ? t('perMinute', { letters: perMinute }) : t('none');
  };
}

function useLeftText() {
  const t = useTranslations('mailings.live');
  const locale = useLocale();
  return (seconds: number): string => {
    if (seconds < 10) return t('leftMoments');
    const [value, unit] =
      seconds < 55
        ? [Math.ceil(seconds / 5) * 5, 'second']
        : seconds < 55 * 60
          ? [Math.round(seconds / 60), 'minute']
          : seconds < 47 * 3600
            ? [Math.round(seconds / 3600), 'hour']
            : [Math.round(seconds / 86_400), 'day'];
    const about = new Intl.NumberFormat(locale === 'en' ? 'en-GB' : locale, {
      style: 'unit',
      unit: String(unit),
      unitDisplay: 'short',
    }).format(Number(value));
    return t('leftAbout', { about });
  };
}
