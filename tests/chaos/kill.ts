import type { Sql } from 'postgres';
import { engineKinds } from './engines';
import { startResendSink } from './resend-sink';
import { startSmtpSink } from './smtp-sink';
import {
  describeTrap,
  drawTrap,
  isOver,
  onGround,
  setTrap,
  springLimitMs,
  type Trap,
  type Trial,
  type TrialResult,
  until,
} from './trial';
import { recordWindow } from './verdict';

/**
 * `kill -9` of an engine at random instants of one run, a new one after each, over SMTP. What was handed over and not recorded is
 * `unknown`: at most the record window for each kill, each listed.
 */
export async function killOverSmtp(trial: Trial, kills: number): Promise<TrialResult> {
  const { random } = trial;
  const recipients = random.whole(400, 1200);
  const sink = await startSmtpSink({ latencyMs: random.whole(3, 12), takesOrphans: random.chance(0.7) });
  return onGround(trial, sink, recipients, async (ground, { launch, problems }) => {
    let faults = 0;
    let unknownMax = 0;
    let known = 0;
    for (let kill = 0; kill < kills && !(await isOver(ground)); kill += 1) {
      const engine = launch(random.pick(engineKinds));
      const spacing = Math.ceil((recipients - sink.accepted.length) / (kills - kill));
      // The first while a letter is with the server that nobody has recorded; the others at any instant.
      const trap: Trap =
        kill === 0
          ? { at: 'sink', stage: 'accepted', further: random.whole(1, spacing) }
          : drawTrap(random, spacing, { stages: ['mail', 'data', 'dot', 'accepted', 'replied'] });
      const set = setTrap(ground, trap, () => engine.kill());
      await until(async () => set.isSprung() || !engine.isAlive() || (await isOver(ground)), springLimitMs);
      const wasKilled = set.isSprung();
      set.clear();
      trial.note(`${engine.kind}: kill ${describeTrap(trap)}${wasKilled ? '' : ' (did not come about)'}`);
      engine.kill();
      await engine.ended;
      faults += wasKilled ? 1 : 0;
      unknownMax += engine.passes * recordWindow;
      // What the dead one had under way in the database ends first.
      await until(async () => (await visitors(ground.sql)) === 0, 10_000);
      const open = await countUnknown(ground.sql);
      if (open - known > engine.passes * recordWindow)
        problems.push(`a killed engine (${engine.kind}) left ${open - known} letters in doubt`);
      known = open;
    }
    return { faults, unknownMax };
  });
}

/** The same over Resend: the key makes a repeat harmless, so nobody is unknown and nobody is mailed twice. */
export async function killOverResend(trial: Trial, kills: number): Promise<TrialResult> {
  const { random } = trial;
  const recipients = random.whole(600, 2000);
  const sink = await startResendSink({ latencyMs: random.whole(30, 120) });
  return onGround(trial, sink, recipients, async (ground, { launch }) => {
    let faults = 0;
    for (let kill = 0; kill < kills && !(await isOver(ground)); kill += 1) {
      const engine = launch(random.pick(engineKinds));
      const left = (recipients - sink.accepted.length) / 100;
      const spacing = Math.ceil(left / (kills - kill));
      const trap: Trap =
        kill === 0
          ? { at: 'sink', stage: 'accepted', further: random.whole(1, spacing) }
          : drawTrap(random, spacing, { stages: ['mail', 'dot', 'accepted', 'replied'] });
      const set = setTrap(ground, trap, () => engine.kill());
      await until(async () => set.isSprung() || !engine.isAlive() || (await isOver(ground)), springLimitMs);
      trial.note(
        `${engine.kind}: kill ${describeTrap(trap)}${set.isSprung() ? '' : ' (did not come about)'}`,
      );
      faults += set.isSprung() ? 1 : 0;
      set.clear();
      engine.kill();
      await engine.ended;
    }
    return { faults, unknownMax: 0 };
  });
}

/** Letters of which the ledger does not know what became of them, or not yet. */
async function countUnknown(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select ((select count(*) from attempts where status = 'unknown')
      + (select coalesce(sum(cardinality(intended)), 0) from batches))::int as n`;
  return row?.n ?? 0;
}

/** Engines connected to this database, living or not yet noticed to be dead. */
async function visitors(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from pg_stat_activity
    where datname = current_database() and application_name = 'mailroom'`;
  return row?.n ?? 0;
}
