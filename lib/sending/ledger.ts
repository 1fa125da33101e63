import { type SQL, sql } from 'drizzle-orm';
import { type Db, db, driver, replacePool } from '@/db/client';
import type { AnswerKind, DeliveryStatus, RunKind } from '@/db/enums';
import type { Schedule } from '@/lib/recurrence/slots';
import type { FrozenRun } from './compose';

/*
 * All SQL of the ledger: runs, batches, deliveries, attempts, and what engines share; the hot path's statements are functions of
 * the database, where it is said why: claim_batch in migration 0005, intend_attempts and end_batch in 0008, record_outcomes in 0012.
 * Leases go by the database's clock, everything else by the instant that is passed in. Statements of the hot path (claim,
 * intend, record) are one round trip each and prepared by the driver; whatever has to join a caller's transaction takes `on`.
 * Locks are always taken in the order mailing, run, delivery, run_counts (a trigger's), so that engines do not deadlock.
 */

/** The random name under which a claim is leased. */
export type Holder = string;

/** After the driver has broken outside of any query: what waits for it is given up, and the next statement connects anew. */
export function reconnect(): void {
  replacePool();
}

/** Runs `work` in one transaction. */
export function inTransaction<T>(work: (on: Db) => Promise<T>): Promise<T> {
  return db.transaction(work);
}

const at = (date: Date): SQL => sql`${date.toISOString()}::timestamptz`;

// ── a. opening runs ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** A mailing that is due, locked, with all that decides what opens. */
export type DueMailing = {
  id: number;
  schedule: Schedule;
  begun: boolean;
  nextSlotIndex: number;
  /** Its end has passed: what was missed is noted, nothing opens. */
  over: boolean;
};

type DueRow = {
  id: string;
  starts_local: string;
  zone: string;
  periodicity: Schedule['periodicity'];
  ends_at: string | null;
  status: string;
  next_slot_index: number;
  over: boolean;
};

/** Who may be due: not held by anybody, and no scheduled run open; a series whose end has passed ends whatever holds it. */
const mayOpen = (now: Date): SQL => sql`
  m.next_slot_at <= ${at(now)} and (
    m.ends_at <= ${at(now)} or (
      m.paused_at is null and m.disabled_at is null and u.blocked_at is null
      and not exists (select 1 from runs r where r.mailing_id = m.id and r.kind = 'scheduled' and r.status = 'open')
    )
  )`;

/** Ids of mailings that are due, the longest waiting first. */
export async function listDueMailings(now: Date, limit: number): Promise<number[]> {
  const rows = await db.execute<{ id: string }>(sql`
    select m.id from mailings m join users u on u.id = m.owner_id
    where ${mayOpen(now)} order by m.next_slot_at limit ${limit}`);
  return rows.map((row) => Number(row.id));
}

/** Locks a mailing if it is still due; null when another engine was quicker or something holds it now. */
export async function lockDueMailing(on: Db, mailingId: number, now: Date): Promise<DueMailing | null> {
  const [row] = await on.execute<DueRow>(sql`
    select m.id, m.starts_local, m.zone, m.periodicity, m.ends_at, m.status, m.next_slot_index,
      coalesce(m.ends_at <= ${at(now)}, false) as over
    from mailings m join users u on u.id = m.owner_id
    where m.id = ${mailingId} and ${mayOpen(now)} for update of m skip locked`);
  return row ? dueMailing(row) : null;
}

function dueMailing(row: DueRow): DueMailing {
  return {
    id: Number(row.id),
    schedule: {
      startsLocal: row.starts_local,
      zone: row.zone,
      periodicity: row.periodicity,
      endsAt: row.ends_at ? new Date(row.ends_at) : null,
    },
    begun: row.status !== 'created',
    nextSlotIndex: row.next_slot_index,
    over: row.over,
  };
}

export type NewRun = {
  mailingId: number;
  kind: RunKind;
  /** The slot of a scheduled run; null for a manual one. */
  slotAt: Date | null;
  /** Null: the mailing's end holds. */
  deadlineAt: Date | null;
  now: Date;
  fromEmail: string;
  /** Without a trailing slash. */
  linkBase: string;
};

/**
 * Opens a run with the letter frozen as it is now and one delivery per client; whoever may not be mailed is born `skipped`.
 * Null when the slot has its run already, or one of this kind is open. The caller holds the mailing's lock.
 */
export async function insertRun(on: Db, run: NewRun): Promise<{ runId: number; deliveries: number } | null> {
  const [row] = await on.execute<{ id: string }>(sql`
    insert into runs (mailing_id, owner_id, message_id, kind, slot_at, status, deadline_at, subject, body, from_name, from_email, reply_to,
      link_base, locale, opened_at, served_at)
    select m.id, m.owner_id, g.id, ${run.kind}, ${run.slotAt ? at(run.slotAt) : sql`null`}, 'open',
      ${run.deadlineAt ? at(run.deadlineAt) : sql`null`}, g.subject, g.body, u.name, ${run.fromEmail}, u.email,
      ${run.linkBase}, u.locale, ${at(run.now)}, ${at(run.now)}
    from mailings m join users u on u.id = m.owner_id join messages g on g.id = m.message_id
    where m.id = ${run.mailingId}
    on conflict do nothing returning id`);
  if (!row) return null;
  const runId = Number(row.id);
  const deliveries = await insertDeliveries(on, runId, run.now);
  return { runId, deliveries };
}

/** One delivery for each client of the run's audience, in one statement. Returns how many. */
export async function insertDeliveries(on: Db, runId: number, now: Date): Promise<number> {
  const result = await on.execute(sql`
    insert into deliveries (run_id, client_id, email, full_name, status, reason, ended_at)
    select r.id, c.id, c.email, c.full_name,
      case when s.id is null then 'queued' else 'skipped' end::delivery_status,
      s.reason::text, case when s.id is null then null else ${at(now)} end
    from runs r
    join mailings m on m.id = r.mailing_id
    join clients c on c.owner_id = m.owner_id
    left join suppressions s on s.owner_id = c.owner_id and s.email_key = c.email_key
    where r.id = ${runId}
      and (m.audience = 'all' or exists (select 1 from mailing_clients k where k.mailing_id = m.id and k.client_id = c.id))
    order by c.id`);
  return (result as unknown as { count: number }).count;
}

/** Notes slots that nobody served, each once. */
export async function insertMissedRuns(on: Db, mailingId: number, slots: Date[], now: Date): Promise<void> {
  if (slots.length === 0) return;
  await on.execute(sql`
    insert into runs (mailing_id, owner_id, kind, slot_at, status, subject, body, from_name, from_email, reply_to, link_base,
      opened_at, closed_at, served_at)
    select m.id, m.owner_id, 'scheduled', s.at::timestamptz, 'missed', '', '', '', '', '', '', ${at(now)}, ${at(now)}, ${at(now)}
    from mailings m cross join jsonb_array_elements_text(${JSON.stringify(slots)}::jsonb) as s (at)
    where m.id = ${mailingId} order by s.at on conflict do nothing`);
}

/**
 * Moves a mailing to its next slot, only if it still stands where it was read; null ends the series. False when it does not.
 * `begun` makes a mailing running.
 */
export async function moveNextSlot(
  on: Db,
  mailing: { id: number; nextSlotIndex: number },
  next: { index: number; at: Date } | null,
  begun: boolean,
): Promise<boolean> {
  const rows = await on.execute(sql`
    update mailings set next_slot_at = ${next ? at(next.at) : sql`null`},
      next_slot_index = ${next ? next.index : sql`next_slot_index`},
      status = case when ${begun} and status = 'created' then 'running' else status end
    where id = ${mailing.id} and next_slot_index = ${mailing.nextSlotIndex} and next_slot_at is not null returning id`);
  return rows.length === 1;
}

// ── b. claiming ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export type ClaimedDelivery = { id: number; email: string; fullName: string; tries: number };

/** One claim. `repeats` counts hand-overs of the same bytes before this one. */
export type Batch = {
  id: number;
  /** Under which it is leased: another for each claim, so that who comes late can not pass for who has it now. */
  holder: Holder;
  runId: number;
  idempotencyKey: string | null;
  digest: string | null;
  firstTriedAt: Date | null;
  repeats: number;
  /** How often something of it was intended: the number of the parcel that is under way, or was last. */
  parcel: number;
  deliveries: ClaimedDelivery[];
};

/**
 * Takes up to `limit` deliveries of the run served least recently, under a lease: what has to come again first, else the next of
 * those that nobody has claimed, whose range is noted and whose rows are not touched. Clients who unsubscribed since the run
 * opened are skipped here. Null when nothing is to be had now.
 */
export async function claimBatch(claim: {
  holder: Holder;
  transport: string;
  limit: number;
  leaseSeconds: number;
  idempotencyKey: string | null;
  now: Date;
}): Promise<Batch | null> {
  const now = claim.now.toISOString();
  const db = driver();
  type Row = {
    of_batch: string;
    of_run: string;
    /** Null: all that was picked has unsubscribed. */
    delivery_id: string | null;
    email: string;
    full_name: string;
    tries: number;
  };
  const rows = await db<Row[]>`
    select * from claim_batch(${claim.holder}, ${claim.transport}, ${claim.limit}, ${claim.leaseSeconds}, ${claim.idempotencyKey},
      ${now}::timestamptz)`;
  const [first] = rows;
  if (!first) return null;
  return {
    id: Number(first.of_batch),
    holder: claim.holder,
    runId: Number(first.of_run),
    idempotencyKey: claim.idempotencyKey,
    digest: null,
    firstTriedAt: null,
    repeats: 0,
    parcel: 0,
    deliveries: rows.flatMap((row) =>
      row.delivery_id === null
        ? []
        : [{ id: Number(row.delivery_id), email: row.email, fullName: row.full_name, tries: row.tries }],
    ),
  };
}

/** Is there anything this engine could claim now? */
export async function isAnythingClaimable(now: Date): Promise<boolean> {
  const db = driver();
  const rows = await db`
    select 1 from runs r join sendable_runs s on s.id = r.id
    where r.status = 'open' and s.until > ${now.toISOString()}::timestamptz and (
      r.next_delivery_id is not null
      or exists (select 1 from deliveries d where d.run_id = r.id and d.next_try_at <= ${now.toISOString()}::timestamptz)
    ) limit 1`;
  return rows.length > 0;
}

/** What the letters of a run are made of. */
export async function getFrozenRun(runId: number): Promise<FrozenRun> {
  const db = driver();
  type Row = {
    id: string;
    owner_id: string;
    mailing_id: string;
    subject: string;
    body: string;
    from_name: string;
    from_email: string;
    reply_to: string;
    link_base: string;
    locale: 'en' | 'ru';
    opened_at: string;
  };
  const [row] = await db<Row[]>`
    select id, owner_id, mailing_id, subject, body, from_name, from_email, reply_to, link_base, locale, opened_at
    from runs where id = ${runId}`;
  if (!row) throw new Error(`run ${runId} is gone`);
  return {
    id: Number(row.id),
    ownerId: Number(row.owner_id),
    mailingId: Number(row.mailing_id),
    subject: row.subject,
    body: row.body,
    fromName: row.from_name,
    fromEmail: row.from_email,
    replyTo: row.reply_to,
    linkBase: row.link_base,
    locale: row.locale,
    openedAt: new Date(row.opened_at),
  };
}

// ── c. intending ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The deliveries that are on disk as about to be handed over, and may go now. */
export type Intents = Set<number>;

/**
 * Puts on disk, in the batch, that these deliveries are about to be handed over, and renews the lease: each of them ends as an
 * attempt, by {@link recordOutcomes} or by the sweep. Empty when the lease is lost, a gate closed, or what went before is not
 * recorded yet: then nothing may go. Once it has failed it is tried again for some seconds; the number of the parcel makes the same
 * once more, however late it comes, the same.
 */
export async function intend(intent: {
  batch: Batch;
  /** In ascending order. */
  deliveryIds: number[];
  leaseSeconds: number;
  /** Frozen with the batch at its first hand-over; null where the transport repeats nothing. */
  digest: string | null;
  now: Date;
}): Promise<Intents> {
  const { batch } = intent;
  const [row] = await persistently(
    () => driver()<{ may_go: string[] }[]>`
      select intend_attempts(${batch.id}, ${batch.holder}, ${batch.parcel + 1}, ${intent.deliveryIds}::bigint[],
        ${intent.leaseSeconds}, ${intent.digest}, ${intent.now.toISOString()}::timestamptz) as may_go`,
  );
  return beginParcel(batch, row?.may_go ?? []);
}

function beginParcel(batch: Batch, mayGo: string[]): Intents {
  if (mayGo.length > 0) batch.parcel += 1;
  return new Set(mayGo.map(Number));
}

// ── e. recording ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What became of a delivery that was intended. */
export type Outcome = {
  deliveryId: number;
  /** Null: it was never handed over, there was no attempt. */
  attempt: {
    status: 'success' | 'failure' | 'unknown';
    code: number | null;
    response: string;
    stage: string;
    /** Null for a success. */
    kind: AnswerKind | null;
  } | null;
  /** `sending`: the batch will be repeated as it is. */
  delivery: Extract<DeliveryStatus, 'sent' | 'failed' | 'queued' | 'unknown' | 'sending'>;
  reason: string | null;
  countsAsTry: boolean;
  nextTryAt: Date | null;
};

/**
 * Writes the outcomes of a parcel, all of them in bulk, only where the lease is still mine: when it is lost, nothing is written. In
 * the same round trip it intends what goes next, as {@link intend} does, of this batch or another of mine. Once it has failed it is tried again for
 * some seconds, since what is not recorded has to be called unknown; written twice, in whatever order, it changes and intends
 * nothing anew. A batch of which nothing is outstanding any more is over, and ended.
 */
export async function recordOutcomes(record: {
  batch: Batch;
  leaseSeconds: number;
  /** One for each delivery that was intended, in ascending order. */
  outcomes: Outcome[];
  /** What is handed over next, in ascending order: of this batch, or of the one that follows it, with the digest that is frozen with that. */
  next: { batch: Batch; deliveryIds: number[]; digest: string | null } | null;
  now: Date;
}): Promise<{ isMine: boolean; isOver: boolean; intents: Intents }> {
  const { batch, outcomes } = record;
  const now = record.now.toISOString();
  const { kinds, kindOf } = sortByKind(outcomes);
  const { next } = record;
  const isSame = next?.batch === batch;
  type Row = { may_go: string[]; of_following: string[] | null; is_over: boolean };
  const write = () => {
    const db = driver();
    const following =
      next && !isSame
        ? db`intend_attempts(${next.batch.id}, ${next.batch.holder}, ${next.batch.parcel + 1}, ${next.deliveryIds}::bigint[],
            ${record.leaseSeconds}, ${next.digest}, ${now}::timestamptz)`
        : db`null::bigint[]`;
    // One transaction, and in this order: what is recorded makes room for what is intended.
    return db<Row[]>`
      select r.may_go, r.is_over, ${following} as of_following from record_outcomes(
        ${batch.id}, ${batch.holder}, ${batch.parcel}, ${record.leaseSeconds}, ${now}::timestamptz,
        ${outcomes.map((o) => o.deliveryId)}::bigint[], ${outcomes.map((o) => clip(o.attempt?.response ?? ''))}::text[], ${kindOf}::int[],
        ${kinds.map((o) => o.attempt?.status ?? null)}::text[], ${kinds.map((o) => o.attempt?.code ?? null)}::int[],
        ${kinds.map((o) => o.attempt?.stage ?? '')}::text[], ${kinds.map((o) => o.delivery)}::text[], ${kinds.map((o) => o.reason)}::text[],
        ${kinds.map((o) => (o.countsAsTry ? 1 : 0))}::int[], ${kinds.map((o) => o.nextTryAt?.toISOString() ?? null)}::text[],
        ${isSame ? next.deliveryIds : []}::bigint[], ${kinds.map((o) => o.attempt?.kind ?? null)}::text[]
      ) r`;
  };
  const [row] = await persistently(write);
  const mayGo = isSame ? row?.may_go : row?.of_following;
  return {
    isMine: row !== undefined,
    isOver: row?.is_over === true,
    intents: next ? beginParcel(next.batch, mayGo ?? []) : new Set(),
  };
}

/** Most letters end alike, but for the words of the server: what they share is told once. Kinds count from 1, as in the database. */
function sortByKind(outcomes: Outcome[]): { kinds: Outcome[]; kindOf: number[] } {
  const kinds: Outcome[] = [];
  const kindOf = outcomes.map((outcome) => {
    const known = kinds.findIndex((kind) => isAlike(kind, outcome));
    return known < 0 ? kinds.push(outcome) : known + 1;
  });
  return { kinds, kindOf };
}

function isAlike(a: Outcome, b: Outcome): boolean {
  return (
    a.delivery === b.delivery &&
    a.reason === b.reason &&
    a.countsAsTry === b.countsAsTry &&
    a.nextTryAt?.getTime() === b.nextTryAt?.getTime() &&
    a.attempt?.status === b.attempt?.status &&
    a.attempt?.code === b.attempt?.code &&
    a.attempt?.stage === b.attempt?.stage &&
    a.attempt?.kind === b.attempt?.kind
  );
}

/** Pauses between tries of what should not fail, milliseconds: a connection is made anew, a server is restarted. */
const triesAfterMs = [100, 400, 1000, 2000, 4000];

/** Tries again for some seconds what may be done twice. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (const pauseMs of triesAfterMs) {
    try {
      return await work();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return work();
}

/** Server answers are kept to 2,000 characters; NUL can not be stored in Postgres. */
function clip(text: string): string {
  return text.replaceAll('\0', '').slice(0, 2000);
}

/**
 * Ends a batch that is mine: what was claimed but never intended goes back to the queue. One with letters on their way of which
 * nothing is recorded stays, and the sweep takes it when its lease runs out. Safe to call when the lease is lost.
 */
export async function endBatch(batchId: number, holder: Holder, now: Date): Promise<void> {
  await driver()`select end_batch(${batchId}, ${holder}, ${now.toISOString()}::timestamptz)`;
}

/** Prolongs a lease that is still mine, while the mail server takes its time. */
export async function renewLease(batchId: number, holder: Holder, leaseSeconds: number): Promise<void> {
  await driver()`
    update batches set leased_until = now() + make_interval(secs => ${leaseSeconds})
    where id = ${batchId} and holder = ${holder} and ended_at is null and leased_until > now()`;
}

/** Leaves a batch of mine for a later hand-over of the same bytes under the same key. */
export async function deferBatch(batchId: number, holder: Holder, repeatAt: Date): Promise<void> {
  const db = driver();
  await db`
    update batches set holder = null, leased_until = now(), repeat_at = ${repeatAt.toISOString()}::timestamptz
    where id = ${batchId} and holder = ${holder} and ended_at is null and leased_until > now()`;
}

/** The run of batch `b` is paused: its batches wait for the resume, as its queue does. */
const isPaused = 'exists (select 1 from runs r where r.id = b.run_id and r.paused_at is not null)';

/**
 * Takes a batch that waits to be repeated over this transport, with its members; null when none is due. A paused run keeps its
 * batches, until its time is over.
 */
export async function claimRepeat(claim: {
  holder: Holder;
  transport: string;
  leaseSeconds: number;
  now: Date;
}): Promise<(Batch & { gateOpen: boolean }) | null> {
  const now = claim.now.toISOString();
  const db = driver();
  type BatchRow = {
    id: string;
    run_id: string;
    idempotency_key: string;
    digest: string | null;
    first_tried_at: string;
    repeats: number;
    parcel: number;
    gate: boolean;
  };
  const [row] = await db<BatchRow[]>`
    with due as materialized (
      select b.id from batches b where b.ended_at is null and b.holder is null and b.repeat_at <= ${now}::timestamptz
        and b.transport = ${claim.transport} and (not ${db.unsafe(isPaused)} or exists (
          select 1 from runs r join mailings m on m.id = r.mailing_id
          where r.id = b.run_id and coalesce(r.deadline_at, m.ends_at) <= ${now}::timestamptz
        ))
      order by b.repeat_at limit 1 for update skip locked
    ), mine as (
      update batches b set holder = ${claim.holder}, leased_until = now() + make_interval(secs => ${claim.leaseSeconds}),
        repeat_at = null, repeats = b.repeats + 1
      from due where b.id = due.id returning b.*
    )
    select mine.id, mine.run_id, mine.idempotency_key, mine.digest, mine.first_tried_at, mine.repeats, mine.parcel,
      exists (select 1 from sendable_runs r where r.id = mine.run_id and r.until > ${now}::timestamptz) and not exists (
        select 1 from claimed_deliveries c join deliveries d on d.id = c.delivery_id join runs r on r.id = c.run_id
        join suppressions s on s.owner_id = r.owner_id and s.email_key = lower(d.email)
        where c.batch_id = mine.id
      ) as gate
    from mine`;
  if (!row) return null;
  const members = await db<{ id: string; email: string; full_name: string; tries: number }[]>`
    select d.id, d.email, d.full_name, d.tries from claimed_deliveries c join deliveries d on d.id = c.delivery_id
    where c.batch_id = ${row.id} order by d.id`;
  return {
    id: Number(row.id),
    holder: claim.holder,
    runId: Number(row.run_id),
    idempotencyKey: row.idempotency_key,
    digest: row.digest,
    firstTriedAt: new Date(row.first_tried_at),
    repeats: row.repeats,
    parcel: row.parcel,
    gateOpen: row.gate,
    deliveries: members.map((member) => ({
      id: Number(member.id),
      email: member.email,
      fullName: member.full_name,
      tries: member.tries,
    })),
  };
}

/** Ends a batch that can not be repeated any more: all its members are `unknown`. */
export async function endBatchUnknown(
  batchId: number,
  holder: Holder,
  reason: string,
  now: Date,
): Promise<number> {
  const db = driver();
  const rows = await db`
    with mine as (
      update batches set ended_at = now(), outstanding = 0
      where id = ${batchId} and holder = ${holder} and ended_at is null and leased_until > now()
      returning id
    )
    update deliveries d set status = 'unknown', reason = ${reason}, ended_at = ${now.toISOString()}::timestamptz
    from mine join claimed_deliveries c on c.batch_id = mine.id where d.id = c.delivery_id returning d.id`;
  return rows.length;
}

// ── f. sweeping ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Ends batches whose engine let its lease run out (it died, froze, or lost the database). A delivery without an intent goes
 * back to the queue. One with an intent has its attempt written, and is `unknown`; or, where the batch has an idempotency key, the
 * batch waits to be repeated. Returns how many deliveries became `unknown`.
 */
export async function sweepLeases(now: Date): Promise<number> {
  const db = driver();
  const instant = now.toISOString();
  const rows = await db<{ status: string }[]>`
    with lost as materialized (
      select id, run_id, transport, intended, intended_at, idempotency_key is not null
        and coalesce(first_tried_at > ${instant}::timestamptz - interval '24 hours', false) as repeatable
      from batches where ended_at is null and holder is not null and leased_until <= now()
      order by leased_until limit 20 for update skip locked
    ), ended as (
      update batches b set holder = null, intended = '{}', outstanding = case when lost.repeatable then outstanding else 0 end,
        ended_at = case when lost.repeatable then null else now() end,
        repeat_at = case when lost.repeatable then ${instant}::timestamptz end
      from lost where b.id = lost.id
    ), noted as (
      insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, transport)
      select i.delivery_id, r.id, r.mailing_id, r.owner_id, lost.id, lost.intended_at, 'unknown', lost.transport
      from lost join runs r on r.id = lost.run_id cross join unnest(lost.intended) as i (delivery_id)
    )
    update deliveries d set
      status = case when tried.it then 'unknown' else 'queued' end::delivery_status,
      reason = case when tried.it then 'engine_died' else d.reason end,
      next_try_at = case when not tried.it then ${instant}::timestamptz end,
      ended_at = case when tried.it then ${instant}::timestamptz end
    from lost
    join claimed_deliveries c on c.batch_id = lost.id
    cross join lateral (
      select c.delivery_id = any (lost.intended) or exists (
        select 1 from attempts a where a.delivery_id = c.delivery_id and a.batch_id = lost.id and a.status = 'unknown'
      ) as it
    ) tried
    where d.id = c.delivery_id and not lost.repeatable
    returning d.status`;
  const unrepeatable = await db`
    with stale as materialized (
      select id from batches where ended_at is null and holder is null
        and first_tried_at <= ${instant}::timestamptz - interval '24 hours' limit 20 for update skip locked
    ), ended as (update batches b set ended_at = now(), outstanding = 0 from stale where b.id = stale.id)
    update deliveries d set status = 'unknown', reason = 'key_expired', ended_at = ${instant}::timestamptz
    from stale join claimed_deliveries c on c.batch_id = stale.id where d.id = c.delivery_id returning d.id`;
  return rows.filter((row) => row.status === 'unknown').length + unrepeatable.length;
}

/**
 * Ends what may not leave any more: past its deadline (`expired`), of a stopped run (`cancelled`), or kept by a sender that has
 * been waiting for 72 hours (`failed`).
 */
export async function endUnsendable(transport: string, now: Date): Promise<void> {
  const db = driver();
  const instant = now.toISOString();
  const runs = await db<{ id: string; status: string; reason: string }[]>`
    select r.id,
      case when r.stopped_at is not null then 'cancelled'
        when coalesce(r.deadline_at, m.ends_at, 'infinity') <= ${instant}::timestamptz then 'expired' else 'failed' end as status,
      case when r.stopped_at is not null then 'stopped'
        when coalesce(r.deadline_at, m.ends_at, 'infinity') <= ${instant}::timestamptz then 'deadline_passed'
        else 'sender_waited_too_long' end as reason
    from runs r join mailings m on m.id = r.mailing_id join run_tallies c on c.run_id = r.id
    left join transports t on t.name = ${transport}
    where r.status = 'open' and c.queued > 0 and (
      r.stopped_at is not null
      or coalesce(r.deadline_at, m.ends_at, 'infinity') <= ${instant}::timestamptz
      or r.deadline_at is null and t.waits_since is not null
        and greatest(t.waits_since, r.opened_at) <= ${instant}::timestamptz - interval '72 hours'
    ) limit 20`;
  for (const run of runs) {
    await db.begin(async (tx) => {
      // With the run locked nobody claims; what is claimed already ends as it ends.
      await tx`update runs set next_delivery_id = null where id = ${run.id} and status = 'open'`;
      await tx`
        update deliveries d set status = ${run.status}::delivery_status, reason = ${run.reason},
          ended_at = ${instant}::timestamptz, next_try_at = null
        where run_id = ${run.id} and status = 'queued'
          and not exists (select 1 from claimed_deliveries c where c.run_id = ${run.id} and c.delivery_id = d.id)`;
    });
  }
}

// ── g. closing ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Closes runs whose deliveries have all ended, then completes mailings with no slot left and no open run. */
export async function closeRuns(now: Date): Promise<void> {
  const db = driver();
  await db`
    with over as materialized (
      select r.id, r.stopped_at, c.total, c.sent, c.skipped from runs r join run_counts c on c.run_id = r.id
      where r.status = 'open' and c.queued = 0 order by r.id limit 200 for update of r, c skip locked
    )
    update runs r set closed_at = ${now.toISOString()}::timestamptz, paused_at = null,
      status = case when over.sent + over.skipped = over.total then 'done'
        when over.stopped_at is not null then 'stopped' else 'partly_done' end::run_status
    from over where r.id = over.id`;
  await db`
    update mailings m set status = 'completed', paused_at = null
    where m.next_slot_at is null and m.status <> 'completed'
      and not exists (select 1 from runs r where r.mailing_id = m.id and r.status = 'open')`;
}

// ── what engines share about the sender ───────────────────────────────────────────────────────────────────────────────────

export type TransportWait = { until: Date; since: Date; code: string; response: string | null };
/**
 * `hasWaited`: since it last took a letter. `isSlowed`: it has a rate of its own now, see {@link takeAllowance}. `hasRepeats`: a batch
 * may be due to be repeated over it, see {@link claimRepeat}.
 */
export type TransportState = {
  wait: TransportWait | null;
  hasWaited: boolean;
  isSlowed: boolean;
  hasRepeats: boolean;
};

/** Whether and why the transport takes nothing now. Makes its row at first sight. */
export async function readTransport(name: string, now: Date): Promise<TransportState> {
  const db = driver();
  type Row = {
    waits_until: string | null;
    waits_since: string;
    wait_code: string;
    wait_response: string | null;
    waits_in_row: number;
    slow_rate: number | null;
    slowed_at: string;
    has_repeats: boolean;
  };
  const read = () => db<Row[]>`
    select waits_until, waits_since, wait_code, wait_response, waits_in_row, slow_rate, slowed_at, exists (
      select 1 from batches b where b.ended_at is null and b.repeat_at <= ${now.toISOString()}::timestamptz and b.transport = t.name
    ) as has_repeats
    from transports t where name = ${name}`;
  let [row] = await read();
  if (!row) {
    // A bucket that is full, whatever its size.
    await db`
      insert into transports (name, tokens, tokens_at) values (${name}, 1e9, ${now.toISOString()}::timestamptz) on conflict do nothing`;
    [row] = await read();
  }
  const state = {
    hasWaited: (row?.waits_in_row ?? 0) > 0,
    isSlowed: row?.slow_rate ? slowRateNow(row.slow_rate, new Date(row.slowed_at), now) !== null : false,
    hasRepeats: row?.has_repeats ?? false,
  };
  if (!row?.waits_until || new Date(row.waits_until) <= now) return { ...state, wait: null };
  const wait = {
    until: new Date(row.waits_until),
    since: new Date(row.waits_since),
    code: row.wait_code,
    response: row.wait_response,
  };
  return { ...state, wait };
}

/**
 * Makes the transport wait, for all engines. `seconds` is computed by the caller from how often it waited in a row. With
 * `slowFrom` (letters a second that it stood last) it goes on at half that rate, which {@link takeAllowance} doubles each minute.
 */
export async function holdTransport(
  name: string,
  trouble: { code: string; response: string; slowFrom: number | null },
  secondsOf: (waitsInRow: number) => number,
  now: Date,
): Promise<Date> {
  const db = driver();
  return db.begin(async (tx) => {
    type Row = {
      waits_in_row: number;
      waits_until: string | null;
      slow_rate: number | null;
      slowed_at: string;
    };
    const [row] = await tx<Row[]>`
      select waits_in_row, waits_until, slow_rate, slowed_at from transports where name = ${name} for update`;
    // Another engine may have noticed the same trouble a moment ago: one trouble counts once.
    if (row?.waits_until && new Date(row.waits_until) > now) return new Date(row.waits_until);
    const inRow = (row?.waits_in_row ?? 0) + 1;
    const until = new Date(now.getTime() + secondsOf(inRow) * 1000);
    const { slowFrom } = trouble;
    const before = row?.slow_rate ? slowRateNow(row.slow_rate, new Date(row.slowed_at), now) : null;
    const slower =
      slowFrom === null ? null : Math.max(slowestRate, Math.min(slowFrom, before ?? slowFrom) / 2);
    await tx`
      update transports set waits_until = ${until.toISOString()}::timestamptz,
        waits_since = coalesce(waits_since, ${now.toISOString()}::timestamptz), waits_in_row = ${inRow},
        wait_code = ${trouble.code}, wait_response = ${clip(trouble.response)},
        slow_rate = coalesce(${slower}::float8, slow_rate),
        slowed_at = case when ${slower}::float8 is null then slowed_at else ${until.toISOString()}::timestamptz end
      where name = ${name}`;
    return until;
  });
}

/** Letters a second below which no transport is slowed down. */
const slowestRate = 0.1;
/** Doublings after which a transport counts as never slowed. */
const doublingsMax = 20;

/** What a slowed rate has grown to: it doubles with each minute. Null: so far that it no longer counts. */
export function slowRateNow(rate: number, slowedAt: Date, now: Date): number | null {
  const minutes = Math.max(0, (now.getTime() - slowedAt.getTime()) / 60_000);
  return minutes >= doublingsMax ? null : rate * 2 ** minutes;
}

/**
 * The transport has taken a letter: what it waited for is over. Not while it still has to wait: then the letter was on its way when
 * the trouble came.
 */
export async function clearTransportWait(name: string, now: Date): Promise<void> {
  const db = driver();
  await db`
    update transports set waits_until = null, waits_since = null, wait_code = null, wait_response = null, waits_in_row = 0
    where name = ${name} and waits_in_row > 0 and waits_until <= ${now.toISOString()}::timestamptz`;
}

export type Limits = {
  /** Letters. */
  perSecond: number | null;
  /** Letters of a UTC day. */
  perDay: number | null;
};

/**
 * Asks the rate shared by all engines for `want` letters that will leave in one request (`whole`) or one by one. Granted is all
 * or, where the rate is lower, a slice: what a tenth of a second lets out. Nothing granted: ask again in `waitMs`.
 */
export async function takeAllowance(
  name: string,
  want: number,
  whole: boolean,
  limits: Limits,
  now: Date,
): Promise<{ granted: number; waitMs: number; dayIsUsedUp: boolean }> {
  const db = driver();
  return db.begin(async (tx) => {
    type Row = {
      used: number;
      tokens: number;
      tokens_at: string;
      slow_rate: number | null;
      slowed_at: string;
    };
    const day = now.toISOString().slice(0, 10);
    const [row] = await tx<Row[]>`
      select case when day = ${day}::date then day_letters else 0 end as used, tokens, tokens_at, slow_rate, slowed_at
      from transports where name = ${name} for update`;
    if (!row) return { granted: want, waitMs: 0, dayIsUsedUp: false };
    const leftToday = limits.perDay === null ? want : limits.perDay - row.used;
    if (leftToday <= 0) return { granted: 0, waitMs: 0, dayIsUsedUp: true };

    const slow = row.slow_rate ? slowRateNow(row.slow_rate, new Date(row.slowed_at), now) : null;
    const rate = Math.min(limits.perSecond ?? Number.POSITIVE_INFINITY, slow ?? Number.POSITIVE_INFINITY);
    const size = Math.max(1, Math.min(want, whole ? rate : rate / 10));
    const passed = Math.max(0, now.getTime() - new Date(row.tokens_at).getTime());
    const tokens = Number.isFinite(rate) ? Math.min(size, row.tokens + (passed / 1000) * rate) : size;
    const waitMs = ((size - tokens) / rate) * 1000;
    if (waitMs > 0) return { granted: 0, waitMs, dayIsUsedUp: false };

    const granted = Math.min(want, leftToday, Number.isFinite(rate) ? Math.floor(tokens) : want);
    await tx`
      update transports set tokens = ${tokens - granted}, tokens_at = greatest(tokens_at, ${now.toISOString()}::timestamptz),
        day = ${day}::date, day_letters = ${row.used + granted}
      where name = ${name}`;
    return { granted, waitMs: 0, dayIsUsedUp: false };
  });
}

/**
 * Milliseconds over which the announced requests of a second are spread. Of what other engines send nobody knows when it arrives, so that
 * one that is late must not be too many. An engine that is alone keeps count itself; it only must not send all at once.
 */
const requestSpread = { alone: 500, together: 1025 };
/** The distance from others where the rate is not known yet: no provider known takes less than two requests a second. */
const firstRequestMs = 500;

/** `at` marks it for the one that follows, and `inRow` counts those of nobody else between. */
export type Reservation = { waitMs: number; at: string; inRow: number };

/**
 * Reserves the moment of the next request to a provider that announced how many it takes in a second, shared by all engines;
 * `perSecond` null: it has not yet. `last` is the caller's own last one. A moment that is not used is lost.
 */
export async function reserveRequest(
  name: string,
  perSecond: number | null,
  last: Reservation | null,
  now: Date,
): Promise<Reservation> {
  const db = driver();
  const instant = now.toISOString();
  const isAlone = last !== null && perSecond !== null && last.inRow >= perSecond;
  const apartMs = perSecond === null ? firstRequestMs : requestSpread.together / perSecond;
  const aloneMs = isAlone ? requestSpread.alone / perSecond : apartMs;
  const [row] = await db<{ at: string; wait_ms: number; is_mine: boolean; was_idle: boolean }[]>`
    update transports t set last_request_at = greatest(${instant}::timestamptz, before.at + make_interval(secs =>
      case when before.at = ${last?.at ?? null}::timestamptz then ${aloneMs / 1000}::float8 else ${apartMs / 1000}::float8 end))
    from (select name, last_request_at as at from transports where name = ${name} for update) before
    where t.name = before.name
    returning t.last_request_at::text as at,
      extract(epoch from t.last_request_at - ${instant}::timestamptz)::float8 * 1000 as wait_ms,
      coalesce(before.at = ${last?.at ?? null}::timestamptz, false) as is_mine,
      coalesce(before.at < ${instant}::timestamptz - interval '2 seconds', true) as was_idle`;
  if (!row) return { waitMs: 0, at: instant, inRow: 0 };
  const inRow = row.was_idle ? Number.POSITIVE_INFINITY : row.is_mine && last ? last.inRow + 1 : 0;
  return { waitMs: row.wait_ms, at: row.at, inRow };
}

/** Gives back what was granted and not used. */
export async function returnAllowance(name: string, letters: number): Promise<void> {
  if (letters <= 0) return;
  const db = driver();
  await db`update transports set tokens = tokens + ${letters}, day_letters = greatest(0, day_letters - ${letters}) where name = ${name}`;
}

// ── what is left, who is alive ────────────────────────────────────────────────────────────────────────────────────────────

/** Deliveries queued or in flight in open runs. */
export async function countRemaining(): Promise<number> {
  const db = driver();
  const [row] = await db<{ remaining: string }[]>`
    select coalesce(sum(c.queued), 0) as remaining from runs r join run_counts c on c.run_id = r.id
    where r.status = 'open'`;
  return Number(row?.remaining ?? 0);
}

/** The next instant at which something may be due, by the engine's clock; null when nothing is planned. */
export async function findNextDue(transport: string): Promise<Date | null> {
  const db = driver();
  const [row] = await db<{ due: string | null }[]>`
    select least(
      (select min(m.next_slot_at) from mailings m join users u on u.id = m.owner_id
        where m.next_slot_at is not null and m.paused_at is null and m.disabled_at is null and u.blocked_at is null
          and not exists (select 1 from runs r where r.mailing_id = m.id and r.kind = 'scheduled' and r.status = 'open')),
      (select greatest(min(d.next), max(t.waits_until)) from (
        select least(case when r.next_delivery_id is not null then r.served_at end, (
          select min(q.next_try_at) from deliveries q where q.run_id = r.id and q.next_try_at is not null
        )) as next
        from runs r join sendable_runs s on s.id = r.id
      ) d left join transports t on t.name = ${transport}),
      (select min(b.repeat_at) from batches b
        where b.ended_at is null and b.repeat_at is not null and b.transport = ${transport} and not ${db.unsafe(isPaused)}),
      (select min(coalesce(r.deadline_at, m.ends_at)) from runs r join mailings m on m.id = r.mailing_id where r.status = 'open')
    ) as due`;
  return row?.due ? new Date(row.due) : null;
}

/** An engine reports in; old reports go. */
export async function reportEngine(holder: Holder, kind: string): Promise<void> {
  const db = driver();
  await db`
    insert into engines (holder, kind) values (${holder}, ${kind}) on conflict (holder) do update set seen_at = now()`;
  await db`delete from engines where seen_at < now() - interval '1 day' and holder <> ${holder}`;
}

/** Has a worker reported in within the last minute? */
export async function isWorkerAlive(): Promise<boolean> {
  const db = driver();
  const rows =
    await db`select 1 from engines where kind = 'worker' and seen_at > now() - interval '60 seconds' limit 1`;
  return rows.length > 0;
}

/** Wakes every worker that listens. */
export async function notifyWorkers(): Promise<void> {
  await driver()`select pg_notify('mailroom_due', '')`;
}

/** Calls back whenever something was made due; returns how to stop listening. Reconnects by itself. */
export async function listenForDue(wake: () => void): Promise<() => Promise<void>> {
  const { unlisten } = await driver().listen('mailroom_due', wake, wake);
  return unlisten;
}

/** Something has been due for five minutes and no pass has happened since: when the last one was (null: never). */
export async function findStall(now: Date): Promise<{ lastPassAt: Date | null } | null> {
  const db = driver();
  const [row] = await db<{ seen_at: string | null; due: boolean }[]>`
    select (select max(seen_at) from engines) as seen_at, exists (
      select 1 from mailings m join users u on u.id = m.owner_id
      where m.next_slot_at <= ${now.toISOString()}::timestamptz - interval '5 minutes'
        and m.paused_at is null and m.disabled_at is null and u.blocked_at is null
      union all
      select 1 from runs r join run_counts c on c.run_id = r.id
      where r.status = 'open' and r.paused_at is null and c.queued > 0
        and r.served_at <= ${now.toISOString()}::timestamptz - interval '5 minutes'
    ) as due`;
  const lastPassAt = row?.seen_at ? new Date(row.seen_at) : null;
  if (!row?.due || (lastPassAt && now.getTime() - lastPassAt.getTime() < 5 * 60_000)) return null;
  return { lastPassAt };
}

// ── what people do to runs ────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Deliveries that ended so; of those that failed, with `kinds`, only what ended by such an answer, and of those nobody knows of, with
 * `unknownKinds`, only what became unknown so. By the index of what was missed.
 */
export function isUnreached({
  outcomes,
  kinds,
  unknownKinds,
}: {
  outcomes: readonly DeliveryStatus[];
  kinds?: readonly AnswerKind[] | undefined;
  unknownKinds?: readonly AnswerKind[] | undefined;
}): SQL {
  const only = (outcome: DeliveryStatus, which: readonly AnswerKind[] | undefined) =>
    which
      ? sql`and (deliveries.miss <> ${outcome} or deliveries.kind = any (${sql.param(`{${which}}`)}::answer_kind[]))`
      : sql``;
  return sql`deliveries.miss = any (${sql.param(`{${outcomes}}`)}::delivery_status[])
    ${only('failed', kinds)} ${only('unknown', unknownKinds)}`;
}

/** Puts ended deliveries of a run back into the queue with all their tries; returns how many. The caller has opened the run. */
export async function requeue(
  on: Db,
  runId: number,
  which: Parameters<typeof isUnreached>[0],
  now: Date,
): Promise<number> {
  const rows = await on.execute<{ n: string }>(sql`
    with back as (
      update deliveries set status = 'queued', reason = null, tries = 0, next_try_at = ${at(now)}, ended_at = null
      where run_id = ${runId} and ${isUnreached(which)}
      returning 1
    ) select count(*) as n from back`);
  return Number(rows[0]?.n ?? 0);
}

/** Cancels what is queued in a mailing's open runs, or in those opened before an instant; returns how many. */
export async function cancelQueued(
  on: Db,
  mailingId: number,
  reason: string,
  now: Date,
  openedBefore: Date | null = null,
): Promise<number> {
  // With its runs locked nobody claims; what is claimed already ends as it ends.
  const held = await on.execute<{ id: string }>(sql`
    update runs set next_delivery_id = null where mailing_id = ${mailingId} and status = 'open'
      and ${openedBefore ? sql`opened_at < ${at(openedBefore)}` : sql`true`} returning id`);
  let cancelled = 0;
  for (const run of held) {
    const [row] = await on.execute<{ n: string }>(sql`
      with gone as (
        update deliveries d set status = 'cancelled', reason = ${reason}, ended_at = ${at(now)}, next_try_at = null
        where d.run_id = ${run.id} and d.status = 'queued'
          and not exists (select 1 from claimed_deliveries c where c.run_id = ${run.id} and c.delivery_id = d.id)
        returning 1
      ) select count(*) as n from gone`);
    cancelled += Number(row?.n ?? 0);
  }
  return cancelled;
}

/** Locks the mailings, of one id or one owner, that stood still while they were held: with a slot that has come, or an open run. */
export async function lockHeldMailings(
  on: Db,
  which: { mailingId: number } | { ownerId: number },
  now: Date,
): Promise<DueMailing[]> {
  const rows = await on.execute<DueRow>(sql`
    select m.id, m.starts_local, m.zone, m.periodicity, m.ends_at, m.status, m.next_slot_index,
      coalesce(m.ends_at <= ${at(now)}, false) as over
    from mailings m
    where ${'mailingId' in which ? sql`m.id = ${which.mailingId}` : sql`m.owner_id = ${which.ownerId}`}
      and (m.next_slot_at <= ${at(now)} or exists (select 1 from runs r where r.mailing_id = m.id and r.status = 'open'))
    order by m.id for update of m`);
  return rows.map(dueMailing);
}
