import { driver } from '@/db/client';
import { type Clock, systemClock } from '@/lib/clock';
import { transportKind, transportName } from '@/lib/email/transport';
import { log } from '@/lib/log';

/** How this installation is, without secrets and addresses: for whoever watches over it. */
export type Health = {
  ok: boolean;
  /** `latencyMs`: how long it took to answer; null when it did not. */
  database: { ok: boolean; latencyMs: number | null };
  /** `kind` is null when production names no transport. `waiting`: it takes nothing before `until`. */
  transport: { kind: string | null; waiting: { code: string; until: string } | null };
  /** When the longest-waiting slot was due that nobody has opened; null = none is late. */
  oldestDueSlot: string | null;
  /** When the lease ends that ends first; one in the past is an engine that died and that nobody cleared up after. */
  oldestLease: string | null;
  /** When an engine last reported in; null = never, or not known. */
  lastPassAt: string | null;
  /** A process of `mailroom work` has reported in within the last minute. */
  worker: { alive: boolean };
};

/** The database has this long to answer. */
const patienceMs = 2000;
/** A reading serves everybody who asks within this time of its beginning. */
const freshMs = 1000;
/** A reading that hangs is given up for a new one after this long. */
const stuckMs = 10_000;
/** Something due for so long without a pass is trouble. */
const lateMs = 5 * 60_000;

let shared: { reading: Promise<Health>; beganAt: number; isSettled: boolean } | undefined;

/**
 * The health of this installation; never throws, and answers within about two seconds. However often it is asked, one process
 * asks the database once a second at most.
 */
export function readHealth(clock: Clock = systemClock): Promise<Health> {
  const elapsedMs = performance.now() - (shared?.beganAt ?? Number.NEGATIVE_INFINITY);
  if (shared && elapsedMs < (shared.isSettled ? freshMs : stuckMs)) return withinPatience(shared.reading);
  const current = { reading: askDatabase(clock), beganAt: performance.now(), isSettled: false };
  current.reading.then(() => {
    current.isSettled = true;
  });
  shared = current;
  return withinPatience(current.reading);
}

/** The reading, or after two seconds what can be said without it. */
async function withinPatience(reading: Promise<Health>): Promise<Health> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<Health>((resolve) => {
    timer = setTimeout(() => resolve(silent()), patienceMs);
  });
  try {
    return await Promise.race([reading, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** What is known when the database does not answer. */
function silent(): Health {
  return {
    ok: false,
    database: { ok: false, latencyMs: null },
    transport: { kind: kindOrNull(), waiting: null },
    oldestDueSlot: null,
    oldestLease: null,
    lastPassAt: null,
    worker: { alive: false },
  };
}

function kindOrNull(): string | null {
  try {
    return transportKind();
  } catch {
    return null;
  }
}

type Row = {
  due_slot: string | null;
  due_run: string | null;
  lease: string | null;
  last_pass: string | null;
  worker: boolean;
  wait_code: string | null;
  waits_until: string | null;
};

async function askDatabase(clock: Clock): Promise<Health> {
  const began = performance.now();
  try {
    const kind = kindOrNull();
    const name = kind === null ? '' : transportName();
    const now = clock.now();
    const instant = now.toISOString();
    const db = driver();
    const [row] = await db<Row[]>`
      select
        (select min(m.next_slot_at) from mailings m join users u on u.id = m.owner_id
          where m.next_slot_at <= ${instant}::timestamptz
            and m.paused_at is null and m.disabled_at is null and u.blocked_at is null
            and not exists (
              select 1 from runs r where r.mailing_id = m.id and r.kind = 'scheduled' and r.status = 'open'
            )) as due_slot,
        (select min(r.served_at) from runs r join sendable_runs s on s.id = r.id
          where r.next_delivery_id is not null or exists (
            select 1 from deliveries d where d.run_id = r.id and d.next_try_at <= ${instant}::timestamptz - interval '5 minutes'
          )) as due_run,
        (select min(b.leased_until) from batches b where b.ended_at is null and b.holder is not null) as lease,
        (select max(e.seen_at) from engines e) as last_pass,
        exists (select 1 from engines e where e.kind = 'worker' and e.seen_at > now() - interval '60 seconds') as worker,
        t.wait_code, t.waits_until
      from (select 1) one left join transports t on t.name = ${name}`;
    const latencyMs = Math.round(performance.now() - began);
    const late = (text: string | null | undefined) =>
      text !== null && text !== undefined && now.getTime() - new Date(text).getTime() >= lateMs;
    const hasPassed = !!row?.last_pass && !late(row.last_pass);
    const isOverdue = (late(row?.due_slot) || late(row?.due_run)) && !hasPassed;
    const iso = (text: string | null | undefined) => (text ? new Date(text).toISOString() : null);
    const until = iso(row?.waits_until);
    return {
      ok: !isOverdue && kind !== null,
      database: { ok: true, latencyMs },
      transport: {
        kind,
        waiting: until && until > instant ? { code: row?.wait_code ?? 'unknown', until } : null,
      },
      oldestDueSlot: iso(row?.due_slot),
      oldestLease: iso(row?.lease),
      lastPassAt: iso(row?.last_pass),
      worker: { alive: row?.worker ?? false },
    };
  } catch (error) {
    log.surprise('health_unread', error);
    return silent();
  }
}
