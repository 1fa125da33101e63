import { setTimeout as pause } from 'node:timers/promises';
import { type Engine, type EngineKind, startEngine } from './engines';
import { type Cluster, type Ground, layGround, leaseSeconds } from './ground';
import type { Random } from './random';
import type { Sink, Stage } from './smtp-sink';
import { type Ending, judge, type Verdict } from './verdict';

/** What a trial of a row gets to work with. */
export type Trial = {
  cluster: Cluster;
  random: Random;
  /** Told what is done to whom, for whoever looks into a failed seed. */
  note(line: string): void;
};
/** A trial's verdict, and how many faults really came about in it. */
export type TrialResult = Verdict & { faults: number };

/** Nothing may take longer than this to come to its end once faults are over: leases run out first. */
const endLimitMs = 150_000;

/** A fault that has not come about by then is given up. On a busy machine an engine takes its time to load. */
export const springLimitMs = 45_000;

/** An instant at which a fault comes. */
export type Trap =
  | { at: 'time'; afterMs: number }
  | { at: 'sink'; stage: Stage; further: number }
  | { at: 'database'; side: 'before' | 'after'; further: number };

/** A random instant of a run of which about `letters` are to go: by the clock, by the mail server, or by the database. */
export function drawTrap(
  random: Random,
  letters: number,
  { stages, without }: { stages: readonly [Stage, ...Stage[]]; without?: 'database' },
): Trap {
  const at = random.pick(
    without
      ? (['time', 'sink', 'sink'] as const)
      : (['time', 'sink', 'sink', 'database', 'database'] as const),
  );
  if (at === 'time') return { at, afterMs: random.whole(0, 1500) };
  if (at === 'sink')
    return { at, stage: random.pick(stages), further: random.whole(1, Math.max(1, letters)) };
  return { at, side: random.pick(['before', 'after']), further: random.whole(1, 45) };
}

/** Sets a trap: `spring` runs at its instant, within the very event. Answers whether it has sprung, and how to take it away. */
export function setTrap(ground: Ground, trap: Trap, spring: () => void) {
  let isSprung = false;
  const go = () => {
    if (isSprung) return;
    isSprung = true;
    clear();
    spring();
  };
  const { sink, proxy } = ground;
  let timer: NodeJS.Timeout | undefined;
  let isCleared = false;
  const clear = () => {
    if (isCleared) return;
    isCleared = true;
    clearTimeout(timer);
    if (trap.at === 'sink') sink.watch = null;
    if (trap.at !== 'sink') proxy.watch = null;
  };
  // Counted from the first word to the database: before it a process only loads its code.
  if (trap.at === 'time')
    proxy.watch = () => {
      timer ??= setTimeout(go, trap.afterMs);
      return undefined;
    };
  if (trap.at === 'sink') {
    const aim = sink.count(trap.stage) + trap.further;
    sink.watch = (stage, n) => {
      if (stage === trap.stage && n >= aim) go();
    };
  }
  if (trap.at === 'database') {
    const aim = proxy.written() + trap.further;
    proxy.watch = (n) => {
      if (n < aim) return;
      go();
      return trap.side === 'before' ? 'drop' : 'pass-then-cut';
    };
  }
  return { isSprung: () => isSprung, clear };
}

export function describeTrap(trap: Trap): string {
  if (trap.at === 'time') return `after ${trap.afterMs} ms`;
  if (trap.at === 'sink') return `${trap.further} × ${trap.stage} later`;
  return `${trap.side} the ${trap.further}. chunk to the database`;
}

/** Waits until `isSo`, asking often. False when it takes longer than `limitMs`. */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const limit = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > limit) return false;
    await pause(20);
  }
  return true;
}

/** Waits until the server has seen nothing new for `quietMs`; at most `limitMs`. */
export async function untilStill(sink: Sink, quietMs: number, limitMs: number): Promise<void> {
  const limit = Date.now() + limitMs;
  for (let seen = -1; seen !== seenBy(sink) && Date.now() < limit; ) {
    seen = seenBy(sink);
    await pause(quietMs);
  }
}

const seenBy = (sink: Sink) =>
  (['mail', 'data', 'dot', 'accepted', 'replied'] as const).reduce(
    (all, stage) => all + sink.count(stage),
    0,
  );

/** Whether the run has been opened and has ended, with its mailing. While the database can not tell, it has not. */
export async function isOver(ground: Ground): Promise<boolean> {
  return readWhetherOver(ground).catch(() => false);
}

async function readWhetherOver(ground: Ground): Promise<boolean> {
  const [row] = await ground.sql<{ over: boolean }[]>`
    select status = 'completed' and exists (select 1 from runs) and not exists (select 1 from runs where status = 'open') as over
    from mailings where id = ${ground.mailingId}`;
  return row?.over ?? false;
}

/**
 * Runs to the end what engines have left: with those that live, and with a cron call now and then, as the real ones come. Ends
 * the engines. Says what did not end.
 */
export async function finish(ground: Ground, engines: Engine[], problems: string[]): Promise<void> {
  const settings = { ...ground.settings, DATABASE_URL: ground.directSettings.DATABASE_URL ?? '' };
  const limit = Date.now() + endLimitMs;
  while (!(await isOver(ground)) && Date.now() < limit) {
    // Saving anything wakes the worker, and so do we.
    await ground.sql`select pg_notify('mailroom_due', '')`;
    if (!engines.some((engine) => engine.isAlive())) {
      const call = startEngine('send-due', settings, { budgetSeconds: 20 });
      const { code } = await call.ended;
      if (code !== 0) problems.push(`a cron call ended with ${code}: ${call.said()}`);
    }
    await pause(250);
  }
  if (!(await isOver(ground)))
    problems.push(`the run did not end within ${endLimitMs / 1000} s after the last fault`);
  await endEngines(engines, problems);
  if (!(await until(() => isQuiet(ground.sink), 20_000)))
    problems.push('somebody is still connected to the mail server');
}

async function isQuiet(sink: Sink): Promise<boolean> {
  return Promise.race([sink.quiet().then(() => true), pause(50).then(() => false)]);
}

/** Asks engines to end; one that does not, or ends badly, is a problem. Those killed are none, nor those that were still loading. */
export async function endEngines(engines: Engine[], problems: string[]): Promise<void> {
  for (const engine of engines) engine.ask();
  await Promise.all(
    engines.map(async (engine) => {
      const ended = await Promise.race([engine.ended, pause(25_000).then(() => null)]);
      if (!ended) {
        problems.push(`an engine (${engine.kind}) did not end when asked to`);
        engine.kill();
        await engine.ended;
      } else if (ended.code !== 0 && ended.signal !== 'SIGKILL' && ended.signal !== 'SIGTERM')
        problems.push(
          `an engine (${engine.kind}) ended with ${ended.code ?? ended.signal}: ${engine.said().slice(-1500)}`,
        );
    }),
  );
}

/** Starts an engine; without another way to the database it takes the proxy. */
export type Launch = (kind: EngineKind, databaseUrl?: string) => Engine;

/** Lays the ground, lets `work` spoil it, runs to the end and judges. Everything started is ended, whatever happens. */
export async function onGround(
  { cluster }: Trial,
  sink: Sink,
  recipients: number,
  work: (
    ground: Ground,
    tools: { launch: Launch; engines: Engine[]; problems: string[] },
  ) => Promise<{
    faults: number;
    unknownMax: number;
    mayEnd?: Ending[];
    /** What can be told only when all has ended. */
    atEnd?: (() => Promise<void>)[];
  }>,
  settings: Record<string, string> = {},
): Promise<TrialResult> {
  const ground = await layGround(cluster, sink, recipients, settings);
  const engines: Engine[] = [];
  const problems: string[] = [];
  const launch: Launch = (kind, databaseUrl = ground.settings.DATABASE_URL ?? '') => {
    const engine = startEngine(
      kind,
      { ...ground.settings, DATABASE_URL: databaseUrl },
      { budgetSeconds: 20 },
    );
    engines.push(engine);
    return engine;
  };
  try {
    const { faults, atEnd = [], ...limits } = await work(ground, { launch, engines, problems });
    await finish(ground, engines, problems);
    for (const check of atEnd) await check();
    const verdict = await judge(ground, limits);
    return { ...verdict, problems: [...problems, ...verdict.problems], faults };
  } finally {
    for (const engine of engines) engine.kill();
    await Promise.all(engines.map((engine) => engine.ended));
    await ground.close();
  }
}

/** Long enough for any lease to have run out. */
export const leaseMs = leaseSeconds * 1000;
