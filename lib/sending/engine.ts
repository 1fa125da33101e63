import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setImmediate as afterWrites, setTimeout as pause } from 'node:timers/promises';
import { type Answer, classify } from '@/lib/attempts/answers';
import type { Clock } from '@/lib/clock';
import type { Letter, SendResult, Transport } from '@/lib/email/transport';
import { appUrl, type Env, env } from '@/lib/env';
import { log } from '@/lib/log';
import { latestSlot, nextSlotAfter, slotsBetween } from '@/lib/recurrence/slots';
import { type CompiledLetter, compileLetter } from './compose';
import * as ledger from './ledger';
import { retryDelaySeconds, senderWaitSeconds } from './retry';

/** A slot later than this is noted as missed instead of sent, unless it is a mailing's first. */
const latenessLimitMs = 24 * 3600_000;
/** No mailing notes more missed slots than this at once. */
const missedMax = 4000;
/**
 * Letters of one lane that are on disk as intents and not yet recorded, and lanes: together the record window of 100. While one
 * lane waits for the server, the other writes to the database.
 */
const laneSize = 50;
const lanes = 2;
/**
 * A parcel is what the server takes in so long at most, by how fast it took the last one: a kill leaves unknown all that was
 * intended, and of a slow server's fifty most would not have begun to leave.
 */
const parcelMs = 500;
/** Where a batch is handed over whole under a key, nothing of it can become unknown, and more may be on their way. */
const wholeLanes = 4;
/** After so long the engine looks again for runs to open and leases to sweep. */
const lookMs = 1000;
/** A wait that the provider asks for and that is no longer is waited for within the pass. */
const shortWaitMs = 2500;

/** What a pass did. `remaining` counts what is queued or in flight in open runs when it ends. */
export type PassCounts = {
  runsOpened: number;
  claimed: number;
  sent: number;
  failed: number;
  unknown: number;
  retried: number;
  remaining: number;
};

export type Pass = {
  clock: Clock;
  /** No claim after it; what was handed over is finished. By the same clock. */
  deadline: Date;
  transport: Transport;
  /** Stops claiming like the deadline does. */
  signal?: AbortSignal;
  /** Who runs it, for the report that an engine is alive. */
  kind?: 'worker' | 'cron' | 'cli' | 'action';
  /** Told after every step, for a progress line. */
  onProgress?: (counts: PassCounts) => void;
  settings?: Env;
  /** 0 ≤ r < 1, for the jitter of retries. */
  random?: () => number;
};

/** The counts of a pass that has not begun. */
export function nothingDone(): PassCounts {
  return { runsOpened: 0, claimed: 0, sent: 0, failed: 0, unknown: 0, retried: 0, remaining: 0 };
}

const engineName = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;

/**
 * One pass: opens due runs and sends until nothing is left to do now or the deadline is near. Any number may run at once, in any
 * number of processes. Killed at any instant it loses nothing and repeats nothing: what it had taken comes back when its lease
 * ends, and letters that were on the wire end as `unknown` unless the transport repeats safely.
 */
export async function sendDueMailings(pass: Pass): Promise<PassCounts> {
  const engine = new Engine(pass);
  await ledger.reportEngine(engineName, pass.kind ?? 'cli');
  while (!engine.isOutOfTime()) {
    // First what has ended: a slot may wait for the run before it.
    await engine.tidy();
    const opened = await engine.openDueRuns();
    const sent = await engine.sendQueued();
    if (!opened && !sent) break;
  }
  await engine.tidy();
  engine.counts.remaining = await ledger.countRemaining();
  return engine.counts;
}

/** A claimed batch, which one lane sends. */
type OpenBatch = {
  batch: ledger.Batch;
  /** Its bytes have been handed over before, under the same key. */
  isRepeat: boolean;
  gateOpen: boolean;
  letters: CompiledLetter;
  /** Not yet cut into a parcel. */
  waiting: ledger.ClaimedDelivery[];
  /** All of it is recorded. */
  isOver: boolean;
  /** Its first parcel, where that is on disk as about to be handed over since the batch before it was recorded. */
  first: Parcel | null;
  /** Set as soon as the one after it is asked for, and `followed` when it has been claimed. */
  following: Promise<OpenBatch | null> | null;
  followed: OpenBatch | null;
};

/** Letters by delivery, and of those that cannot be composed, why. */
type Composed = { letters: Map<number, Letter>; broken: Map<number, string> };

/** What a lane hands over at a time: some deliveries of its batch, or all of them where it goes whole. */
type Parcel = {
  deliveries: ledger.ClaimedDelivery[];
  /** Its letters, where there was time to compose them before it is served. */
  composed: Composed | null;
  /** Which of them are on disk as about to be handed over; null: none yet. */
  intents: ledger.Intents | null;
};

/** What the lanes share. */
type Stretch = {
  /** When to look around next. */
  lookAt: Date;
  lanes: number;
  /** There is nothing more to claim. */
  isDry: boolean;
  /** Nothing more may go: the sender is in trouble, or something failed. */
  isOver: boolean;
  hasServed: boolean;
  /** Lanes look around and at the sender in turn. */
  turn: Promise<void>;
};

/** The end of something that others wait for. */
class Latch {
  end: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.end = resolve;
  });
}

class Engine {
  readonly counts = nothingDone();
  private readonly settings: Env;
  private readonly random: () => number;
  private readonly compiled = new Map<number, CompiledLetter>();
  private readonly begunAt: Date;
  /** The transport has waited, and the first letter it takes ends that. */
  private hasWaited = false;
  /** Letters have been let out at a rate in this pass. */
  private isPaced = false;
  /** Letters of the next parcel, where batches do not go whole. */
  private parcelSize: number;
  /** The transport has answered in this pass. */
  private hasHeard = false;
  /** The first request, to hear from the provider how fast it may be asked: those behind it wait for its end. */
  private trial: Promise<void> | null = null;
  /** The last one; one at a time. */
  private reservation: Promise<ledger.Reservation | null> = Promise.resolve(null);

  constructor(private readonly pass: Pass) {
    this.settings = pass.settings ?? env();
    this.random = pass.random ?? Math.random;
    this.begunAt = pass.clock.now();
    // Before anything is known of the server, one for each connection.
    this.parcelSize = Math.min(laneSize, this.settings.SEND_CONNECTIONS);
  }

  isOutOfTime(): boolean {
    return this.pass.signal?.aborted === true || this.pass.clock.now() >= this.pass.deadline;
  }

  private now(): Date {
    return this.pass.clock.now();
  }

  // ── a. open runs ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Opens what is due, one transaction a mailing. True when there was anything. */
  async openDueRuns(): Promise<boolean> {
    const due = await ledger.listDueMailings(this.now(), 20);
    let moved = false;
    for (const mailingId of due) {
      if (this.isOutOfTime()) break;
      moved = (await ledger.inTransaction((on) => this.openRun(on, mailingId))) || moved;
    }
    return moved;
  }

  private async openRun(
    on: Parameters<typeof ledger.lockDueMailing>[0],
    mailingId: number,
  ): Promise<boolean> {
    const now = this.now();
    const mailing = await ledger.lockDueMailing(on, mailingId, now);
    if (!mailing) return false;
    const { schedule } = mailing;
    const latest = latestSlot(schedule, now);
    let begun = false;
    if (latest && latest.index >= mailing.nextSlotIndex) {
      const isFirst = !mailing.begun && latest.index === mailing.nextSlotIndex;
      const opens = !mailing.over && (isFirst || now.getTime() - latest.at.getTime() < latenessLimitMs);
      const missed = slotsBetween(schedule, mailing.nextSlotIndex, latest.index, missedMax)
        .map((slot) => slot.at)
        .filter((at) => !opens || at < latest.at);
      await ledger.insertMissedRuns(on, mailing.id, missed, now);
      if (opens) {
        const run = await ledger.insertRun(on, {
          mailingId: mailing.id,
          kind: 'scheduled',
          slotAt: latest.at,
          deadlineAt: null,
          now,
          fromEmail: this.settings.EMAIL_FROM,
          linkBase: appUrl(),
        });
        if (run) this.counts.runsOpened += 1;
      }
      begun = true;
    }
    return ledger.moveNextSlot(on, mailing, nextSlotAfter(schedule, now), begun);
  }

  // ── f., g. sweep and close ────────────────────────────────────────────────────────────────────────────────────────────

  async tidy(): Promise<void> {
    const now = this.now();
    // Added afterwards: lanes count at the same time.
    const lost = await ledger.sweepLeases(now);
    this.counts.unknown += lost;
    await ledger.endUnsendable(this.pass.transport.name, now);
    await ledger.closeRuns(now);
  }

  // ── b. to e. claim, intend, send, record ──────────────────────────────────────────────────────────────────────────────

  /**
   * Sends what is queued over a few lanes until nothing is left to take now or the sender is in trouble. True when there was
   * anything to send.
   */
  async sendQueued(): Promise<boolean> {
    const count = this.pass.transport.repeatsSafely ? wholeLanes : lanes;
    const stretch: Stretch = {
      lookAt: this.nextLook(),
      lanes: count,
      isDry: false,
      isOver: false,
      hasServed: false,
      turn: Promise.resolve(),
    };
    const ended = await Promise.allSettled(Array.from({ length: count }, () => this.lane(stretch)));
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
    return stretch.hasServed;
  }

  /** Sends batch after batch. */
  private async lane(stretch: Stretch): Promise<void> {
    let open: OpenBatch | null = null;
    try {
      open = await this.take(stretch);
      while (open) {
        await this.sendBatch(open, stretch);
        open = await (open.following ?? this.take(stretch));
      }
    } catch (error) {
      stretch.isOver = true;
      const following = await open?.following?.catch(() => null);
      if (following) await this.giveBack(following).catch(() => {});
      throw error;
    }
  }

  private nextLook(): Date {
    return new Date(this.now().getTime() + lookMs);
  }

  /**
   * The next batch, when the other lanes have had their turn; null when the stretch is over. After the first one a turn ends where the
   * database claims, which takes longest: lanes that waited for each other's claims had too little to send.
   */
  private async take(stretch: Stretch): Promise<OpenBatch | null> {
    const before = stretch.turn;
    const turn = new Latch();
    stretch.turn = turn.ended;
    try {
      await before;
      if (stretch.isDry || stretch.isOver || this.isOutOfTime()) return null;
      if (this.now() >= stretch.lookAt) {
        await this.tidy();
        await this.openDueRuns();
        stretch.lookAt = this.nextLook();
      }
      const open = await this.claim(stretch, turn);
      if (open) stretch.hasServed = true;
      else stretch.isDry = true;
      return open;
    } finally {
      turn.end();
    }
  }

  /** Sends a batch in parcels; while the last of them is under way the batch to follow is claimed. */
  private async sendBatch(open: OpenBatch, stretch: Stretch): Promise<void> {
    let parcel = open.first ?? this.cut(open, stretch);
    while (parcel) {
      // Where letters are let out at a rate they are asked for when they can go.
      if (open.waiting.length === 0 && !this.isPaced) {
        open.following ??= this.take(stretch);
        open.following.then(
          (followed) => {
            open.followed = followed;
          },
          () => {},
        );
      }
      parcel = await this.serve(open, parcel, stretch);
      this.pass.onProgress?.(this.counts);
    }
    if (!open.isOver) await this.giveBack(open);
  }

  private giveBack({ batch }: OpenBatch): Promise<void> {
    return ledger.endBatch(batch.id, batch.holder, this.now());
  }

  /** No fewer than keep every connection busy while the other lanes send theirs. */
  private noteSpeed(results: SendResult[], from: Date): void {
    const tried = results.filter((one) => one.outcome !== 'untried').length;
    const tookMs = Math.max(1, this.now().getTime() - from.getTime());
    const least = Math.ceil(this.settings.SEND_CONNECTIONS / lanes);
    this.parcelSize = Math.min(laneSize, Math.max(least, Math.round((tried * parcelMs) / tookMs)));
  }

  /** The next parcel of a batch; null when it has none left, or nothing may go any more. A batch under one key is one parcel. */
  private cut({ waiting }: OpenBatch, stretch: Stretch): Parcel | null {
    if (waiting.length === 0 || stretch.isOver || this.isOutOfTime()) return null;
    const { repeatsSafely, batchMax } = this.pass.transport;
    const deliveries = waiting.splice(
      0,
      repeatsSafely ? waiting.length : Math.min(this.parcelSize, batchMax),
    );
    return { deliveries, composed: null, intents: null };
  }

  /** The parcel to go when this one is recorded: of the same batch, else of the one that follows unless it may have gone before. */
  private cutNext(open: OpenBatch, stretch: Stretch): { from: OpenBatch; parcel: Parcel } | null {
    for (const from of [open, open.followed]) {
      if (!from || from.isRepeat) continue;
      const parcel = this.cut(from, stretch);
      if (parcel) return { from, parcel };
    }
    return null;
  }

  /** Claims a batch, one to repeat before a new one. Null when there is nothing to send now, or the sender waits. */
  private async claim(stretch: Stretch, turn: Latch): Promise<OpenBatch | null> {
    const { transport } = this.pass;
    let state = await ledger.readTransport(transport.name, this.now());
    if (state.wait && (await this.waitShortly(state.wait.until)))
      state = await ledger.readTransport(transport.name, this.now());
    if (state.wait) return null;
    this.hasWaited = state.hasWaited;
    const lease = {
      holder: randomUUID(),
      transport: transport.name,
      leaseSeconds: this.settings.SEND_LEASE_SECONDS,
      now: this.now(),
    };
    const repeat = transport.repeatsSafely && state.hasRepeats ? await ledger.claimRepeat(lease) : null;
    if (repeat) return this.opened(repeat, repeat.gateOpen);
    // No server is called before there is something for it.
    if (!stretch.hasServed && !(await ledger.isAnythingClaimable(this.now()))) return null;
    const trouble = await transport.ready();
    if (trouble) {
      await this.hold(trouble.waitCode, trouble.response, trouble.waitSeconds);
      return null;
    }
    const { SEND_BATCH } = this.settings;
    const most = transport.repeatsSafely
      ? Math.min(SEND_BATCH, transport.batchMax)
      : Math.ceil(SEND_BATCH / stretch.lanes);
    const limit = await this.allowance(most, state.isSlowed);
    if (limit === 0) return null;
    const idempotencyKey = transport.repeatsSafely ? randomUUID() : null;
    if (stretch.hasServed) turn.end();
    const batch = await ledger.claimBatch({ ...lease, limit, idempotencyKey });
    if (limit > (batch?.deliveries.length ?? 0))
      await ledger.returnAllowance(transport.name, limit - (batch?.deliveries.length ?? 0));
    if (!batch) return null;
    this.counts.claimed += batch.deliveries.length;
    return this.opened(batch, true);
  }

  /** A provider that announces its rate may ask for a second or two: that ends no pass. False when it is too long for this one. */
  private async waitShortly(until: Date): Promise<boolean> {
    const from = this.now();
    const waitMs = until.getTime() - from.getTime();
    const isTold = (this.pass.transport.requestsPerSecond?.() ?? null) !== null;
    if (!isTold || waitMs > shortWaitMs || until >= this.pass.deadline) return false;
    const { signal } = this.pass;
    await pause(waitMs, undefined, signal ? { signal } : {}).catch(() => {});
    return this.now() > from;
  }

  private async opened(batch: ledger.Batch, gateOpen: boolean): Promise<OpenBatch> {
    const isRepeat = batch.repeats > 0;
    const letters = await this.compiledLetter(batch.runId);
    return {
      batch,
      isRepeat,
      gateOpen,
      letters,
      waiting: [...batch.deliveries],
      isOver: false,
      first: null,
      following: null,
      followed: null,
    };
  }

  /** Letters the shared rate lets out now, at most `want`; waits a moment for the bucket to fill. */
  private async allowance(want: number, isSlowed: boolean): Promise<number> {
    const { transport } = this.pass;
    const limits = {
      perSecond: this.settings.SEND_PER_SECOND ?? null,
      perDay: this.settings.SEND_PER_DAY ?? null,
    };
    if (!isSlowed && limits.perSecond === null && limits.perDay === null) return want;
    this.isPaced = true;
    while (!this.isOutOfTime()) {
      const asked = this.now();
      const { granted, waitMs, dayIsUsedUp } = await ledger.takeAllowance(
        transport.name,
        want,
        transport.repeatsSafely,
        limits,
        asked,
      );
      if (granted > 0) return granted;
      if (dayIsUsedUp) {
        const midnight = Date.UTC(asked.getUTCFullYear(), asked.getUTCMonth(), asked.getUTCDate() + 1);
        await this.hold('quota_daily', '', (midnight - asked.getTime()) / 1000);
        return 0;
      }
      await pause(Math.min(1000, waitMs));
      if (this.now().getTime() === asked.getTime()) return 0;
    }
    return 0;
  }

  private async compiledLetter(runId: number): Promise<CompiledLetter> {
    const known = this.compiled.get(runId);
    if (known) return known;
    const compiled = compileLetter(await ledger.getFrozenRun(runId));
    if (this.compiled.size >= 50) this.compiled.clear();
    this.compiled.set(runId, compiled);
    return compiled;
  }

  /**
   * May a batch that has been handed over before go once more? Only if its gate is open still, its key good, and its bytes the same;
   * else its members end `unknown`.
   */
  private async mayRepeat({ batch, gateOpen }: OpenBatch, letters: Letter[]): Promise<boolean> {
    const { transport } = this.pass;
    const isSame = letters.length === batch.deliveries.length && transport.digest(letters) === batch.digest;
    const isFresh =
      batch.firstTriedAt !== null && this.now().getTime() - batch.firstTriedAt.getTime() < latenessLimitMs;
    if (!gateOpen || !isSame || !isFresh) {
      const reason = gateOpen ? (isSame ? 'key_expired' : 'letter_changed') : 'not_repeated';
      const ended = await ledger.endBatchUnknown(batch.id, batch.holder, reason, this.now());
      this.counts.unknown += ended;
      return false;
    }
    const trouble = await transport.ready();
    if (!trouble) return true;
    const until = await this.hold(trouble.waitCode, trouble.response, trouble.waitSeconds);
    await ledger.deferBatch(batch.id, batch.holder, until);
    return false;
  }

  private composeAll(deliveries: ledger.ClaimedDelivery[], compiled: CompiledLetter): Composed {
    const letters: Composed['letters'] = new Map();
    const broken: Composed['broken'] = new Map();
    for (const delivery of deliveries) {
      try {
        letters.set(delivery.id, compiled.compose(delivery));
      } catch (error) {
        broken.set(delivery.id, error instanceof Error ? error.message : String(error));
      }
    }
    return { letters, broken };
  }

  /** While the database writes, the letters that go when it has written. */
  private async composeAhead(parcel: Parcel, compiled: CompiledLetter): Promise<void> {
    await afterWrites();
    parcel.composed ??= this.composeAll(parcel.deliveries, compiled);
  }

  /** What is frozen with a batch under a key before it goes: a digest of its bytes. Null without a key. */
  private digestOf(parcel: Parcel, { batch, letters }: OpenBatch): string | null {
    if (batch.idempotencyKey === null) return null;
    parcel.composed ??= this.composeAll(parcel.deliveries, letters);
    return this.pass.transport.digest([...parcel.composed.letters.values()]);
  }

  /**
   * Intends a parcel, sends it, and records what became of it, together with the intent of the next one, which is answered where
   * the batch has more and may go on; that of the batch that follows is left with it.
   */
  private async serve(open: OpenBatch, parcel: Parcel, stretch: Stretch): Promise<Parcel | null> {
    const { transport, signal } = this.pass;
    const { batch } = open;
    const { deliveries } = parcel;
    parcel.composed ??= this.composeAll(deliveries, open.letters);
    const { letters, broken } = parcel.composed;
    if (open.isRepeat && !(await this.mayRepeat(open, [...letters.values()]))) return null;
    const intents =
      parcel.intents ??
      (await ledger.intend({
        batch,
        deliveryIds: deliveries.map((delivery) => delivery.id),
        leaseSeconds: this.settings.SEND_LEASE_SECONDS,
        digest: this.digestOf(parcel, open),
        now: this.now(),
      }));
    if (intents.size === 0) {
      stretch.isOver = true;
      return null;
    }
    const intended = deliveries.filter((delivery) => intents.has(delivery.id));
    const going = intended.filter((delivery) => letters.has(delivery.id));
    const trial = new Latch();
    let results: SendResult[];
    let refused: SendResult | undefined;
    const handedOverAt = this.now();
    try {
      results = await this.keepingLease(batch, () =>
        transport.send(
          going.map((delivery) => letters.get(delivery.id) as Letter),
          {
            ...(batch.idempotencyKey ? { idempotencyKey: batch.idempotencyKey } : {}),
            ...(signal ? { signal } : {}),
            ...(transport.requestsPerSecond ? { turn: () => this.turn(stretch, trial) } : {}),
          },
        ),
      );
      this.hasHeard = true;
      this.noteSpeed(results, handedOverAt);
      refused = results.find((one) => one.outcome === 'refused' && one.scope === 'sender');
      if (refused) stretch.isOver = true;
    } finally {
      trial.end();
    }
    const next = this.cutNext(open, stretch);
    const result = new Map(going.map((delivery, index) => [delivery.id, results[index] ?? noResult]));
    for (const [id, message] of broken)
      result.set(id, {
        outcome: 'refused',
        scope: 'recipient',
        lasting: true,
        code: null,
        response: message,
        stage: 'compose',
      });

    const outcomes = intended.map((delivery) =>
      this.outcomeOf(delivery, result.get(delivery.id) ?? noResult, batch),
    );
    const [recorded] = await Promise.all([
      ledger.recordOutcomes({
        batch,
        leaseSeconds: this.settings.SEND_LEASE_SECONDS,
        outcomes,
        next: next && {
          batch: next.from.batch,
          deliveryIds: next.parcel.deliveries.map((delivery) => delivery.id),
          digest: this.digestOf(next.parcel, next.from),
        },
        now: this.now(),
      }),
      next && this.composeAhead(next.parcel, next.from.letters),
    ]);
    if (next && recorded.intents.size > 0) next.parcel.intents = recorded.intents;
    if (next && next.from !== open) {
      if (next.parcel.intents) next.from.first = next.parcel;
      else next.from.waiting.unshift(...next.parcel.deliveries);
    }
    const nextOfSame = next?.from === open ? next.parcel : null;
    open.isOver = recorded.isOver;
    if (!recorded.isMine) {
      log.warn('lease_lost', { batch: batch.id, letters: outcomes.length });
      stretch.isOver = true;
      return nextOfSame;
    }
    for (const { delivery, countsAsTry } of outcomes) {
      if (delivery === 'sent') this.counts.sent += 1;
      else if (delivery === 'failed') this.counts.failed += 1;
      else if (delivery === 'unknown') this.counts.unknown += 1;
      else if (delivery === 'queued' && countsAsTry) this.counts.retried += 1;
    }
    if (this.hasWaited && outcomes.some((outcome) => outcome.delivery === 'sent')) {
      await ledger.clearTransportWait(transport.name, this.now());
      this.hasWaited = false;
    }
    if (refused?.outcome === 'refused')
      await this.hold(refused.waitCode ?? 'server_error', refused.response, refused.waitSeconds);
    if (outcomes.some((outcome) => outcome.delivery === 'sending')) {
      const seconds = senderWaitSeconds(batch.repeats + 1, undefined, this.random);
      await ledger.deferBatch(batch.id, batch.holder, new Date(this.now().getTime() + seconds * 1000));
    }
    return nextOfSame;
  }

  /**
   * Waits for the turn of a request, where the provider announces how many it takes in a second; false: it must not go any more.
   * The first one goes alone, as `trial`.
   */
  private async turn(stretch: Stretch, trial: Latch): Promise<boolean> {
    const { name, requestsPerSecond } = this.pass.transport;
    const announced = () => requestsPerSecond?.() ?? null;
    // A second request of the same letters: the first has been answered.
    if (this.trial === trial.ended) trial.end();
    const isTrial = announced() === null && !this.hasHeard && this.trial === null;
    if (isTrial) this.trial = trial.ended;
    else if (announced() === null) await this.trial;
    const perSecond = announced();
    if (perSecond !== null || isTrial) {
      const reserved = this.reservation.then((last) =>
        ledger.reserveRequest(name, perSecond, last, this.now()),
      );
      this.reservation = reserved.catch(() => null);
      await pause((await reserved).waitMs);
    }
    return !stretch.isOver && !this.isOutOfTime();
  }

  /** A server may answer the final dot later than a lease lasts: it is prolonged for as long as this process lives and waits. */
  private async keepingLease<T>(batch: ledger.Batch, work: () => Promise<T>): Promise<T> {
    const { SEND_LEASE_SECONDS: seconds } = this.settings;
    const renew = () =>
      ledger.renewLease(batch.id, batch.holder, seconds).catch((error) => {
        log.surprise('lease_not_renewed', error, { batch: batch.id });
      });
    const timer = setInterval(renew, (seconds * 1000) / 3);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  /** What a result means for the attempt and the delivery. */
  private outcomeOf(
    delivery: ledger.ClaimedDelivery,
    result: SendResult,
    batch: ledger.Batch,
  ): ledger.Outcome {
    const base = { deliveryId: delivery.id, reason: null, countsAsTry: false, nextTryAt: null };
    // Once bytes went out under a key without an answer, only the same bytes under the same key may follow.
    const isBound = batch.firstTriedAt !== null;
    switch (result.outcome) {
      case 'untried':
        return { ...base, attempt: null, delivery: isBound ? 'sending' : 'queued' };
      case 'accepted': {
        const { code, response, stage } = result;
        return {
          deliveryId: delivery.id,
          attempt: { status: 'success', code, response, stage, kind: null },
          delivery: 'sent',
          reason: null,
          countsAsTry: true,
          nextTryAt: null,
        };
      }
      case 'unknown': {
        const { response, stage } = result;
        const attempt = answered({ status: 'unknown', code: null, response, stage });
        if (this.pass.transport.repeatsSafely && result.mayRepeat !== false)
          return { ...base, attempt, delivery: 'sending' };
        return { ...base, attempt, delivery: 'unknown', reason: 'no_answer', countsAsTry: true };
      }
      case 'refused': {
        const { code, response, stage } = result;
        const attempt = answered({ status: 'failure', code, response, stage });
        if (result.scope === 'sender') return { ...base, attempt, delivery: isBound ? 'sending' : 'queued' };
        if (result.lasting)
          return { ...base, attempt, delivery: 'failed', reason: 'refused', countsAsTry: true };
        const tries = delivery.tries + 1;
        if (tries >= this.settings.SEND_TRIES_MAX)
          return { ...base, attempt, delivery: 'failed', reason: 'tries_used', countsAsTry: true };
        const seconds = retryDelaySeconds(tries, this.settings.SEND_RETRY_BASE_SECONDS, this.random);
        const nextTryAt = new Date(this.now().getTime() + seconds * 1000);
        return { ...base, attempt, delivery: 'queued', countsAsTry: true, nextTryAt };
      }
    }
  }

  private hold(code: string, response: string, asked: number | undefined): Promise<Date> {
    const now = this.now();
    const secondsOf = (waitsInRow: number) => senderWaitSeconds(waitsInRow, asked, this.random);
    const seconds = Math.max(1, (now.getTime() - this.begunAt.getTime()) / 1000);
    // A provider that announces its rate is asked at that rate again. Before anything was taken there is nothing to halve.
    const isTold = (this.pass.transport.requestsPerSecond?.() ?? null) !== null;
    const slowFrom =
      code === 'slow_down' && !isTold && this.counts.sent > 0 ? this.counts.sent / seconds : null;
    this.hasWaited = true;
    return ledger.holdTransport(this.pass.transport.name, { code, response, slowFrom }, secondsOf, now);
  }
}

/** A transport that answers fewer results than letters has handed over what nobody knows. */
const noResult: SendResult = { outcome: 'unknown', response: '', stage: '' };

const answered = (attempt: Answer) => ({ ...attempt, kind: classify(attempt) });
