import type { Sql } from 'postgres';
import { engineKinds } from './engines';
import type { Ground } from './ground';
import { checkIntents, drawIntentTraps, type Killed, killAtIntent } from './intents';
import type { Random } from './random';
import { startResendSink } from './resend-sink';
import { startSmtpSink } from './smtp-sink';
import {
  describeTrap,
  drawTrap,
  isOver,
  type Launch,
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
 * `kill -9` of an engine at instants of one run, a new one after each, over SMTP: first on both sides of the commit of an intent, then
 * while a letter is with the server that nobody has recorded, then anywhere. What was handed over and not recorded is `unknown`: at
 * most the record window for each kill, each listed; nothing goes whose intent is not on disk.
 */
export async function killOverSmtp(trial: Trial, kills: number): Promise<TrialResult> {
  const { random } = trial;
  const recipients = random.whole(500, 1200);
  const sink = await startSmtpSink({ latencyMs: random.whole(3, 12), takesOrphans: random.chance(0.7) });
  return onGround(trial, sink, recipients, async (ground, { launch, problems }) => {
    let faults = 0;
    let unknownMax = 0;
    let known = 0;
    const atIntents = drawIntentTraps(random, true);
    for (let kill = 0; kill < kills && !(await isOver(ground)); kill += 1) {
      const spacing = Math.ceil((recipients - sink.accepted.length) / (kills - kill));
      const atIntent = atIntents[kill];
      const killed = atIntent
        ? await killAtIntent(trial, ground, launch, lasting(random), atIntent)
        : await killAt(
            trial,
            ground,
            launch,
            kill === atIntents.length
              ? { at: 'sink', stage: 'accepted', further: random.whole(1, spacing) }
              : drawTrap(random, spacing, { stages: ['mail', 'data', 'dot', 'accepted', 'replied'] }),
          );
      faults += killed.isSprung ? 1 : 0;
      unknownMax += killed.passes * recordWindow;
      problems.push(...(await checkDead(ground, killed)));
      const open = await countUnknown(ground.sql);
      if (open - known > killed.passes * recordWindow)
        problems.push(`kill ${kill + 1} left ${open - known} letters in doubt`);
      known = open;
    }
    return { faults, unknownMax };
  });
}

/** The same over Resend: the key makes a repeat harmless, so nobody is unknown and nobody is mailed twice. */
export async function killOverResend(trial: Trial, kills: number): Promise<TrialResult> {
  const { random } = trial;
  const recipients = random.whole(800, 2000);
  const sink = await startResendSink({ latencyMs: random.whole(30, 120) });
  return onGround(trial, sink, recipients, async (ground, { launch, problems }) => {
    let faults = 0;
    const atIntents = drawIntentTraps(random, false);
    for (let kill = 0; kill < kills && !(await isOver(ground)); kill += 1) {
      const left = (recipients - sink.accepted.length) / 100;
      const spacing = Math.ceil(left / (kills - kill));
      const atIntent = atIntents[kill];
      const killed = atIntent
        ? await killAtIntent(trial, ground, launch, lasting(random), atIntent)
        : await killAt(
            trial,
            ground,
            launch,
            kill === atIntents.length
              ? { at: 'sink', stage: 'accepted', further: random.whole(1, spacing) }
              : drawTrap(random, spacing, { stages: ['mail', 'dot', 'accepted', 'replied'] }),
          );
      faults += killed.isSprung ? 1 : 0;
      problems.push(...(await checkDead(ground, killed)));
    }
    return { faults, unknownMax: 0 };
  });
}

/** Kinds that go on until they are killed: what they may not claim yet they wait for. */
const lasting = (random: Random) => random.pick(['work', 'overlapping'] as const);

/** Starts an engine of any kind and kills it at an instant of the mail server, the database or the clock. */
async function killAt({ random, note }: Trial, ground: Ground, launch: Launch, trap: Trap): Promise<Killed> {
  const engine = launch(random.pick(engineKinds));
  const set = setTrap(ground, trap, () => engine.kill());
  await until(async () => set.isSprung() || !engine.isAlive() || (await isOver(ground)), springLimitMs);
  const isSprung = set.isSprung();
  set.clear();
  note(`${engine.kind}: kill ${describeTrap(trap)}${isSprung ? '' : ' (did not come about)'}`);
  engine.kill();
  await engine.ended;
  return { isSprung, passes: engine.passes, check: async () => [] };
}

/** What a dead engine has done that it should not have. What it had under way in the database ends first. */
async function checkDead(ground: Ground, killed: Killed): Promise<string[]> {
  await until(async () => (await visitors(ground.sql)) === 0, 10_000);
  return [...(await killed.check()), ...(await checkIntents(ground))];
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
