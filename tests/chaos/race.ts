import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { type Engine, type EngineKind, engineKinds } from './engines';
import { startResendSink } from './resend-sink';
import { startSmtpSink } from './smtp-sink';
import {
  drawTrap,
  isOver,
  leaseMs,
  onGround,
  setTrap,
  springLimitMs,
  type Trial,
  type TrialResult,
  until,
} from './trial';
import { recordWindow } from './verdict';

const howMany = 8;
/** So that all of them find something to do. */
const slowly = { SEND_CONNECTIONS: '1', SEND_BATCH: '60' };

/**
 * Eight engines of all kinds over one run, coming at random instants: every letter once, none in doubt. A fault is an engine that
 * comes while another is at work.
 */
export async function raceEngines(trial: Trial): Promise<TrialResult> {
  const { random } = trial;
  const recipients = random.whole(800, 2000);
  const isResend = random.chance(0.3);
  const sink = isResend
    ? await startResendSink({ latencyMs: random.whole(30, 150) })
    : await startSmtpSink({ latencyMs: random.whole(5, 30), takesOrphans: true });
  return onGround(
    trial,
    sink,
    recipients,
    async (ground, { launch, engines }) => {
      let faults = 0;
      for (const kind of eightKinds(trial)) {
        const overlaps = engines.some((engine) => engine.isAlive()) && !(await isOver(ground));
        faults += overlaps ? 1 : 0;
        trial.note(`${kind} comes${overlaps ? ' while others work' : ''}`);
        launch(kind);
        await pause(random.whole(0, 400));
      }
      return { faults, unknownMax: 0 };
    },
    slowly,
  );
}

/**
 * Of eight engines some are frozen or starved at random instants, most of them past their lease, and woken. Nothing that has ended
 * meanwhile may change by what a late engine knows, and it may mail nobody whom another has mailed.
 */
export async function freezeEngines(trial: Trial, freezes: number): Promise<TrialResult> {
  const { random } = trial;
  const recipients = random.whole(1200, 2000);
  const sink = await startSmtpSink({ latencyMs: random.whole(8, 30), takesOrphans: true });
  return onGround(
    trial,
    sink,
    recipients,
    async (ground, { launch, engines, problems }) => {
      for (const kind of eightKinds(trial)) launch(kind);
      let faults = 0;
      let unknownMax = 0;
      const thaws: Promise<void>[] = [];
      // The last engine is never frozen: somebody has to go on.
      const victims = engines.slice(0, freezes);
      for (const [index, victim] of victims.entries()) {
        const left = Math.ceil((recipients - sink.count('mail')) / (freezes - index + 1));
        const trap = drawTrap(random, left, {
          stages: ['mail', 'data', 'dot', 'accepted', 'replied'],
          without: 'database',
        });
        const isPastLease = random.chance(0.8);
        const sleepMs = isPastLease ? leaseMs + random.whole(200, 3000) : random.whole(500, leaseMs - 1000);
        // Starved: it goes on for moments first, in which it hears some answers and can not deal with all of them.
        const isStarved = random.chance(0.4);
        const naps = Array.from({ length: isStarved ? random.whole(2, 4) : 0 }, () => ({
          sleepMs: random.whole(200, 700),
          runMs: random.whole(2, 20),
        }));
        const set = setTrap(ground, trap, () => victim.freeze());
        await until(async () => set.isSprung() || !victim.isAlive() || (await isOver(ground)), springLimitMs);
        set.clear();
        if (!set.isSprung() || !victim.isAlive()) {
          trial.note(`${victim.kind} had ended before it could be frozen`);
          continue;
        }
        trial.note(`${victim.kind} ${isStarved ? 'starved' : 'frozen'} for ${sleepMs} ms`);
        faults += 1;
        unknownMax += victim.passes * recordWindow;
        thaws.push(thaw(ground.sql, victim, sleep(victim, naps, sleepMs), problems));
      }
      await Promise.all(thaws);
      return { faults, unknownMax };
    },
    slowly,
  );
}

/** Wakes a stopped engine for a moment after each nap, and lets it sleep in the end. */
async function sleep(engine: Engine, naps: { sleepMs: number; runMs: number }[], sleepMs: number) {
  for (const nap of naps) {
    await pause(nap.sleepMs);
    engine.wake();
    await pause(nap.runMs);
    engine.freeze();
  }
  await pause(sleepMs);
}

/** Wakes it when it has slept; whatever had ended by then has to stay as it was, also after the late one has said its part. */
async function thaw(sql: Sql, engine: Engine, slept: Promise<void>, problems: string[]): Promise<void> {
  await slept;
  const before = await endedRows(sql);
  engine.wake();
  engine.ask();
  await Promise.race([engine.ended, pause(20_000)]);
  const after = new Map((await endedRows(sql)).map(({ id, row }) => [id, row]));
  const changed = before.filter(({ id, row }) => after.get(id) !== row);
  if (changed.length > 0)
    problems.push(
      `${changed.length} ended deliveries changed after a late engine woke, such as ${changed[0]?.row} to ${after.get(changed[0]?.id ?? '')}`,
    );
}

async function endedRows(sql: Sql): Promise<{ id: string; row: string }[]> {
  return sql<{ id: string; row: string }[]>`
    select d.id, jsonb_build_array(d.status, d.reason, d.tries, d.ended_at,
      (select jsonb_agg(jsonb_build_array(a.id, a.status, a.response) order by a.id) from attempts a where a.delivery_id = d.id))::text as row
    from deliveries d where d.ended_at is not null`;
}

/** Each kind at least twice, in random order. */
function eightKinds({ random }: Trial): EngineKind[] {
  const kinds = [
    ...engineKinds,
    ...engineKinds,
    ...Array.from({ length: howMany - 6 }, () => random.pick(engineKinds)),
  ];
  return kinds
    .map((kind) => ({ kind, at: random.real() }))
    .sort((a, b) => a.at - b.at)
    .map(({ kind }) => kind);
}
