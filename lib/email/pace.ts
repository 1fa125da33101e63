import { setTimeout as pause } from 'node:timers/promises';

/** So many requests in any period of so many seconds. */
export type RequestLimit = { requests: number; seconds: number };

/** A request that has left, by the watch of the process, milliseconds. */
export type Departure = { leftAt: number; answeredAt: number | null; isFirst: boolean };

/** How exactly timers and clocks are kept, milliseconds. */
const slackMs = 2;
/**
 * An answer that comes later than the quickest may be one to a request that arrived later, or the provider thought longer. Where
 * most come about as quickly it is the former, and up to so much is held against it; where they vary, no more than the second. The
 * first request opens a connection: of it everything is.
 */
const lateMaxMs = { steady: 100, varying: 25 };
/** Half of the answers come within so much of the quickest: they are steady. */
const steadyMs = 25;
/** Answers that tell how long one takes. */
const answersKept = 15;
/** Departures that are remembered at most: a limit over a long period counts more requests than ever leave in one. */
const departuresMax = 1000;

/**
 * The part of the announced rate that is left unused: every refusal for coming too fast widens it, every other answer narrows it.
 * Providers count in ways of their own, and other programs may use the same account.
 */
const [cautionGained, cautionLost, cautionMax] = [0.02, 0.0002, 0.2];

/**
 * Keeps the requests of this process under a limit as the provider sees it: by when they arrive. They leave evenly and arrive
 * unevenly; one that was late on its way must not have the one behind it by a whole period follow too soon.
 */
export class Pace {
  private limit: RequestLimit | null = null;
  private caution = 0;
  private departures: Departure[] = [];
  private answerTimes: number[] = [];
  private hasLeft = false;

  /** Null: the provider has announced none yet. */
  get requestsPerSecond(): number | null {
    return this.limit && (this.limit.requests / this.limit.seconds) * (1 - this.caution);
  }

  /** Returns when one more request may leave. */
  async room(): Promise<void> {
    for (;;) {
      const waitMs = this.mayLeaveAt() - performance.now();
      if (waitMs <= 0) return;
      await pause(Math.ceil(waitMs));
    }
  }

  /** The same; from then on it counts as having left. */
  async leave(): Promise<Departure> {
    // Another may have left meanwhile.
    while (this.mayLeaveAt() > performance.now()) await this.room();
    const departure = { leftAt: performance.now(), answeredAt: null, isFirst: !this.hasLeft };
    this.hasLeft = true;
    this.departures.push(departure);
    if (this.departures.length > departuresMax) this.departures.shift();
    return departure;
  }

  /** `announced` null: the answer says nothing of a limit. */
  answered(departure: Departure, announced: RequestLimit | null, isTooFast: boolean): void {
    departure.answeredAt = performance.now();
    this.answerTimes.push(departure.answeredAt - departure.leftAt);
    if (this.answerTimes.length > answersKept) this.answerTimes.shift();
    if (!isTooFast) this.caution = Math.max(0, this.caution - cautionLost);
    else if (this.limit) this.caution = Math.min(cautionMax, this.caution + cautionGained);
    this.limit = announced ?? this.limit;
  }

  private mayLeaveAt(): number {
    if (this.limit === null) return 0;
    const { requests, seconds } = this.limit;
    const before = this.departures.at(-requests);
    return before ? this.arrivedAt(before) + (seconds * 1000) / (1 - this.caution) + slackMs : 0;
  }

  /** At the latest: as if it had taken the quickest way, later by what its answer was late. */
  private arrivedAt({ leftAt, answeredAt, isFirst }: Departure): number {
    const sorted = this.answerTimes.toSorted((a, b) => a - b);
    const quickest = sorted[0] ?? Number.POSITIVE_INFINITY;
    const isSteady = (sorted[Math.floor(sorted.length / 2)] ?? quickest) - quickest <= steadyMs;
    const late = Math.max(0, (answeredAt ?? performance.now()) - leftAt - quickest);
    return leftAt + (isFirst ? late : Math.min(isSteady ? lateMaxMs.steady : lateMaxMs.varying, late));
  }
}
