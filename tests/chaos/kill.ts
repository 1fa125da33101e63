import type { Sql } from 'postgres';
import { engineKinds } from './engines';
import type { Ground } from './ground';
import { checkIntents, drawIntentTraps, type Killed, killAtIntent } from './intents';
import type { Random } from './random';
import { type ResendSink, startResendSink } from './resend-sink';
import { startSmtpSink } from './smtp-sink';
import {
  describeTrap,
  drawTrap,
  endEngines,
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
      if (kill === atIntents.length + 1) {
        faults += await deliverLate(trial, ground, sink, { launch, problems });
        continue;
      }
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

/**
 * An engine's requests stay on their way for longer than its lease, dead or frozen; another repeats their batches; then they arrive.
 * The key is the same and the bytes are, so nobody is mailed anew. Answers how many faults came about.
 */
async function deliverLate(
  { random, note }: Trial,
  ground: Ground,
  sink: ResendSink,
  { launch, problems }: { launch: Launch; problems: string[] },
): Promise<number> {
  const isFrozen = random.chance(0.5);
  sink.setSlow(true);
  const first = launch(lasting(random));
  await until(async () => sink.onTheWay().length > 0 || (await isOver(ground)), springLimitMs);
  if (isFrozen) first.freeze();
  else {
    first.kill();
    await first.ended;
  }
  const keys = sink.onTheWay();
  note(`${first.kind}: ${isFrozen ? 'frozen' : 'killed'} while ${keys.length} requests are on their way`);
  sink.setSlow(false);
  if (keys.length === 0) return 0;
  const second = launch('work');
  const isRepeated = () => keys.every((key) => sink.cameUnder(key) > 0);
  if (!(await until(isRepeated, springLimitMs)))
    problems.push('what was on its way has not been repeated under its key');
  sink.deliver();
  first.wake();
  await endEngines([first, second], problems);
  return 1;
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
