'use client';

import { useRouter } from 'next/navigation';
import { createContext, type ReactNode, useContext, useEffect, useRef, useState, useTransition } from 'react';
import {
  askAgainHeader,
  askedAfterHeader,
  askMaxMs,
  askMs,
  type PaceSample,
  type ProgressReading,
  paceOf,
  triedOf,
  withSample,
} from '@/lib/runs/schema';

type Run = ProgressReading['runs'][number];
type Live = {
  run: (id: number) => Run | undefined;
  /** Letters a second over the last moments; undefined until this page has watched for two seconds. */
  pace: (id: number) => number | undefined;
  /** The server has not answered lately: the numbers are of the moment before. */
  isLost: boolean;
};

const Watched = createContext<Live>({ run: () => undefined, pace: () => undefined, isLost: false });

/** How a run below {@link LiveRuns} stands at the moment. */
export function useLiveRuns(): Live {
  return useContext(Watched);
}

/** How often the rest of the page may be made anew when a run gets into another state. */
const refreshMs = 5000;
/** The lists of letters below the numbers of a mailing follow at this distance while letters leave; where many watch, at a longer one. */
const listsMs = 15_000;

/**
 * Follows the runs of `reading` while somebody looks at the page: the numbers by a small question a second, the page itself only
 * when a run gets into another state, and once when it is over. Draws nothing.
 */
export function LiveRuns({
  mailingId,
  runId,
  reading,
  children,
}: {
  /** Left out: whatever is open of one's own mailings. */
  mailingId?: number;
  /** One run; left out: whatever is open of the mailing. */
  runId?: number;
  /** What the server knew when it made the page. */
  reading: ProgressReading;
  children: ReactNode;
}) {
  const router = useRouter();
  const [, startTransition] = useTransition();
  const [given, setGiven] = useState(reading);
  const [latest, setLatest] = useState(reading);
  const [paces, setPaces] = useState<ReadonlyMap<number, number>>(new Map());
  const [isLost, setIsLost] = useState(false);
  // A page that was made anew knows better than the last answer, unless that came meanwhile.
  if (reading !== given) {
    setGiven(reading);
    if (reading.atMs >= latest.atMs) setLatest(reading);
  }

  const shown = useRef(reading);
  useEffect(() => {
    shown.current = reading;
  }, [reading]);

  const { isOver } = reading;
  useEffect(() => {
    if (isOver) return;
    const address = addressOf(mailingId, runId);
    const samples = new Map<number, PaceSample[]>();
    let known: ProgressReading | null = null;
    let etag = '';
    let quietTurns = 0;
    let failures = 0;
    let refreshedAt = Number.NEGATIVE_INFINITY;
    let refreshedFor: string | null = null;
    let listsAt = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking: AbortController | null = null;
    let isEnded = false;
    let waitMs = askMs;
    let patienceMs = askMs;

    const refresh = () => {
      listsAt = refreshedAt = performance.now();
      startTransition(() => router.refresh());
    };

    const follow = (found: ProgressReading) => {
      const atMs = performance.now();
      const next = new Map<number, number>();
      for (const run of found.runs) {
        const kept = withSample(samples.get(run.id) ?? [], { atMs, tried: triedOf(run.counts) });
        samples.set(run.id, kept);
        const pace = paceOf(kept);
        if (pace !== null) next.set(run.id, pace);
      }
      setPaces(next);
      const isNew = found.standing !== shown.current.standing && found.standing !== refreshedFor;
      if (isNew && (found.isOver || atMs - refreshedAt >= refreshMs)) {
        refreshedFor = found.standing;
        refresh();
      } else if (mailingId && quietTurns === 0 && atMs - listsAt >= listsMs * (patienceMs / askMs)) refresh();
    };

    const ask = async () => {
      if (asking || isEnded || document.visibilityState !== 'visible') return;
      asking = new AbortController();
      const tooLong = setTimeout(() => asking?.abort(), 10_000);
      const waitedMs = waitMs;
      waitMs = askMs;
      try {
        const response = await fetch(address, {
          cache: 'no-store',
          signal: asking.signal,
          headers: { [askedAfterHeader]: `${waitedMs}`, ...(etag ? { 'if-none-match': etag } : {}) },
        });
        patienceMs = Number(response.headers.get(askAgainHeader)) || askMs;
        if (response.status === 304 && known) quietTurns += 1;
        else if (response.ok) {
          const found: ProgressReading = await response.json();
          quietTurns =
            known && known.standing === found.standing && isSame(known, found) ? quietTurns + 1 : 0;
          etag = response.headers.get('etag') ?? '';
          known = found;
          // A run that has ended meanwhile keeps its last numbers until the page is made anew.
          setLatest((before) => ({
            ...found,
            runs: [
              ...found.runs,
              ...before.runs.filter((run) => !found.runs.some((other) => other.id === run.id)),
            ],
          }));
        } else if (response.status === 404) {
          // Signed out, or gone: the page itself says which.
          isEnded = true;
          refresh();
          return;
        } else throw new Error(`answered ${response.status}`);
        if (isEnded) return;
        failures = 0;
        setIsLost(false);
        if (known) follow(known);
        if (known?.isOver) {
          isEnded = true;
          return;
        }
        waitMs = Math.min(askMaxMs, Math.max(patienceMs, askMs * 1.5 ** Math.max(0, quietTurns - 3)));
      } catch {
        if (isEnded) return;
        failures += 1;
        if (failures > 1) setIsLost(true);
        waitMs = Math.min(askMaxMs, askMs * 2 ** failures);
      } finally {
        clearTimeout(tooLong);
        asking = null;
      }
      timer = setTimeout(ask, waitMs);
    };

    const onSight = () => {
      clearTimeout(timer);
      if (document.visibilityState !== 'visible') return;
      // What happened while nobody looked is no pace of the last moments.
      samples.clear();
      quietTurns = 0;
      void ask();
    };
    document.addEventListener('visibilitychange', onSight);
    timer = setTimeout(ask, askMs);
    return () => {
      isEnded = true;
      document.removeEventListener('visibilitychange', onSight);
      clearTimeout(timer);
      asking?.abort();
    };
  }, [mailingId, runId, isOver, router]);

  return (
    <Watched
      value={{
        run: (id) => latest.runs.find((run) => run.id === id),
        pace: (id) => paces.get(id),
        isLost: isLost && !isOver,
      }}
    >
      {children}
    </Watched>
  );
}

function addressOf(mailingId: number | undefined, runId: number | undefined): string {
  const address = '/api/runs/progress';
  if (!mailingId) return address;
  return `${address}?mailing=${mailingId}${runId ? `&run=${runId}` : ''}`;
}

function isSame(a: ProgressReading, b: ProgressReading): boolean {
  return JSON.stringify(a.runs) === JSON.stringify(b.runs);
}
