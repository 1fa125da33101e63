import type { Sql } from 'postgres';
import { layDatabaseWire, type Statement } from '../support/database-wire';
import type { EngineKind } from './engines';
import type { Ground } from './ground';
import type { Random } from './random';
import type { Sink } from './smtp-sink';
import { isOver, type Launch, springLimitMs, type Trial, until, untilStill } from './trial';

/** Where an engine dies: at the nth statement that puts on disk who goes next, alone or with the record of who went before. */
export type IntentTrap = {
  with: 'nothing else' | 'a record';
  nth: number;
  /** Before the server has it, or when it is committed and the engine has not heard so. */
  side: 'before' | 'after';
};

/**
 * Two traps, one on each side of a commit: the first at the very first intent, the second further on, where it goes with a record if
 * `withRecord`.
 */
export function drawIntentTraps(
  random: Random,
  withRecord: boolean,
): [first: IntentTrap, second: IntentTrap] {
  const [side, other] = random.chance(0.5) ? (['before', 'after'] as const) : (['after', 'before'] as const);
  return [
    { with: 'nothing else', nth: 1, side },
    { with: withRecord ? 'a record' : 'nothing else', nth: random.whole(1, 2), side: other },
  ];
}

/** An engine that is dead. */
export type Killed = {
  /** It died where it was meant to. */
  isSprung: boolean;
  passes: number;
  /** What it has done that it should not have; asked when what it had under way in the database has ended. */
  check: () => Promise<string[]>;
};

/**
 * Starts an engine and kills it at its intent: from then on every statement of the kind is held back, or its answer is, until the
 * mail server has seen nothing new for a while. By then whoever hands over before the intent is on disk, or before it knows so, has
 * done it.
 */
export async function killAtIntent(
  { note }: Trial,
  ground: Ground,
  launch: Launch,
  kind: EngineKind,
  trap: IntentTrap,
): Promise<Killed> {
  const wire = await layDatabaseWire(ground.directSettings.DATABASE_URL ?? '');
  const held: string[] = [];
  let seen = 0;
  const holds = (statement: Statement): boolean => {
    const intent = intentOf(statement);
    if (!intent) return false;
    if (intent.with === trap.with) seen += 1;
    if (seen < trap.nth) return false;
    held.push(...intent.ids);
    return true;
  };
  if (trap.side === 'before') wire.watch = (statement) => (holds(statement) ? 'held' : 'pass');
  else wire.answered = (statement) => (holds(statement) ? new Promise<void>(() => {}) : Promise.resolve());

  const engine = launch(kind, wire.url);
  await until(async () => held.length > 0 || !engine.isAlive() || (await isOver(ground)), springLimitMs);
  await untilStill(ground.sink, stillMs, 10_000);
  const isSprung = held.length > 0;
  engine.kill();
  await engine.ended;
  await wire.close();
  const where = `${trap.side} the commit of intent ${trap.nth} with ${trap.with}`;
  note(`${kind}: kill ${where}${isSprung ? '' : ' (did not come about)'}`);
  return {
    isSprung,
    passes: engine.passes,
    async check() {
      if (!isSprung) return [`no engine came to be killed ${where}: ${engine.said().slice(-1500)}`];
      if (trap.side === 'before') return [];
      const taken = await takenOf(ground.sink);
      const intended = await ground.sql<{ email: string }[]>`
        select d.email from batches b join deliveries d on d.id = any (b.intended) where d.id = any (${held}::bigint[])`;
      if (intended.length === 0) return ['an intent that was committed is not on disk'];
      const early = intended.filter(({ email }) => taken.has(email)).length;
      return early > 0 ? [`${early} letters were handed over before their engine knew that they may go`] : [];
    },
  };
}

/** Longer than an engine that has nothing to wait for takes from one step to the next. */
const stillMs = 300;

/** Whom a statement puts on disk as about to go, and perhaps others; null when it does nothing of the kind. */
function intentOf({ query, values }: Statement): { with: IntentTrap['with']; ids: string[] } | null {
  const isRecord = query.includes('record_outcomes(');
  if (!isRecord && !query.includes('intend_attempts(')) return null;
  const lists = [...query.matchAll(/\$(\d+)\s*::bigint\[\]/g)]
    .map(([, n]) => values[Number(n) - 1]?.match(/\d+/g) ?? [])
    .filter((list) => list.length > 0);
  // A record names those that went, and only then who goes next.
  if (lists.length < (isRecord ? 2 : 1)) return null;
  return { with: isRecord ? 'a record' : 'nothing else', ids: lists.flat() };
}

/** Letters that the mail server took of which nothing is on disk: neither that they were about to go, nor what became of them. */
export async function checkIntents({ sql, sink }: { sql: Sql; sink: Sink }): Promise<string[]> {
  const taken = [...(await takenOf(sink))];
  const unannounced = await sql`
    select 1 from deliveries d where d.email = any (${taken}) and d.status = 'queued'
      and not exists (select 1 from attempts a where a.delivery_id = d.id)
      and not exists (select 1 from batches b where d.id = any (b.intended))`;
  return unannounced.length > 0
    ? [`${unannounced.length} letters were handed over before their intent was on disk`]
    : [];
}

/** Whom the mail server has taken a letter for, when it has decided on all that came. */
async function takenOf(sink: Sink): Promise<Set<string>> {
  await sink.quiet();
  return new Set(sink.accepted.map(({ recipient }) => recipient));
}
