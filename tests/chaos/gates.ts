import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { start } from './engines';
import type { Ground } from './ground';
import { startResendSink } from './resend-sink';
import { startSmtpSink } from './smtp-sink';
import {
  drawTrap,
  isOver,
  onGround,
  setTrap,
  springLimitMs,
  type Trial,
  type TrialResult,
  until,
} from './trial';
import { recordWindow, show } from './verdict';

const lifted = { pause: 'resume', disable: 'enable', block: 'unblock' } as const;
const answer = z.object({ ok: z.boolean() });
/** Requests of 100 letters that a pass may have under way at Resend. */
const batchesAtOnce = 4;

/**
 * Gates close at random instants of a run, over SMTP and Resend: pause, disable and block, each lifted again; clients unsubscribe;
 * and in the end the mailing is stopped, or its end passes, or it is left alone. After a gate has closed nothing more may be written
 * down as an intent, so that only what was on disk by then may arrive: the record window of each engine, at Resend its requests under way.
 */
export async function closeGates(trial: Trial, gates: number): Promise<TrialResult> {
  const { random } = trial;
  const recipients = random.whole(1500, 2500);
  const isResend = random.chance(0.3);
  const sink = isResend
    ? await startResendSink({ latencyMs: random.whole(80, 250) })
    : await startSmtpSink({ latencyMs: random.whole(8, 20), takesOrphans: true });
  return onGround(
    trial,
    sink,
    recipients,
    async (ground, { launch, problems }) => {
      const keeper = await startKeeper(ground);
      try {
        const engines = [launch('work'), launch(random.pick(['work', 'overlapping'] as const))];
        const passes = engines.reduce((all, engine) => all + engine.passes, 0);
        let faults = 0;
        const atEnd: (() => Promise<void>)[] = [];
        const atRandom = async (share: number) => {
          const left = Math.ceil((recipients - sink.accepted.length) * share);
          const trap = drawTrap(random, Math.ceil(isResend ? left / 100 : left), {
            stages: ['mail', 'dot', 'accepted', 'replied'],
            without: 'database',
          });
          const set = setTrap(ground, trap, () => {});
          await until(async () => set.isSprung() || (await isOver(ground)), springLimitMs);
          set.clear();
          return set.isSprung() && !(await isOver(ground));
        };
        /** What was intended after the gate had closed, and how many letters began to arrive, against what may have been on its way. */
        const hold = async (gate: string, closedAt: number, from: number) => {
          const [after] = await ground.sql<{ n: number }[]>`
            select count(*)::int as n from attempts where attempted_at > ${new Date(closedAt + 1).toISOString()}::timestamptz`;
          if (after?.n) problems.push(`${after.n} letters were taken up after ${gate}`);
          const late = sink.accepted.slice(from).filter(({ handedOverAt }) => handedOverAt > closedAt).length;
          trial.note(`${gate}: ${late} letters came after it`);
          const most = passes * (isResend ? batchesAtOnce * 100 : recordWindow);
          if (late > most) problems.push(`${late} letters left after ${gate}, ${most} at most`);
        };

        // A slot that comes while its mailing is held is missed, by the rule: gates close on a run that is open.
        await until(async () => {
          const [run] = await ground.sql`select 1 from runs where status = 'open' limit 1`;
          return run !== undefined;
        }, springLimitMs);
        // Once in each trial; the others hold all of it.
        const unsubscribesAt = random.whole(1, gates - 1);
        for (let n = 1; n < gates; n += 1) {
          if (!(await atRandom(1 / (gates + 1)))) break;
          faults += 1;
          if (n === unsubscribesAt) {
            atEnd.push(await unsubscribeSome(trial, ground, problems));
            continue;
          }
          const gate = random.pick(['pause', 'disable', 'block'] as const);
          const before = sink.accepted.length;
          if (!(await keeper.tell(gate))) break;
          const closedAt = Date.now();
          await pause(random.whole(300, 1200));
          const isHeld = !(await isOver(ground));
          await hold(gate, closedAt, before);
          if (isHeld && gate !== 'block') {
            const seen = await show(ground);
            if (!(gate === 'pause' ? seen.pausedAt : seen.disabledAt) && seen.status !== 'completed')
              problems.push(`the mailing does not say that it is held by ${gate}`);
          }
          await keeper.tell(lifted[gate]);
          await ground.sql`select pg_notify('mailroom_due', '')`;
        }
        const end = random.pick(['stop', 'endsAt', 'nothing'] as const);
        if (end !== 'nothing' && (await atRandom(0.7))) {
          faults += 1;
          const before = sink.accepted.length;
          if (end === 'stop') await keeper.tell('stop');
          else await ground.sql`update mailings set ends_at = now() where id = ${ground.mailingId}`;
          const closedAt = Date.now();
          await until(() => isOver(ground), 30_000);
          await hold(end, closedAt, before);
        }
        // Two engines that are asked to end and no other fault: over SMTP nothing may be in doubt.
        return {
          faults,
          unknownMax: 0,
          mayEnd: ['skipped', end === 'stop' ? 'cancelled' : 'expired'],
          atEnd,
        };
      } finally {
        await keeper.end();
      }
    },
    { SEND_CONNECTIONS: '2', SEND_BATCH: '100' },
  );
}

/** Whoever is claimed after that is skipped; the others may have had their letter on its way. */
async function unsubscribeSome({ random, note }: Trial, ground: Ground, problems: string[]) {
  const { sql, recipients } = ground;
  const numbers = new Set(Array.from({ length: random.whole(5, 20) }, () => random.whole(1, recipients)));
  // As the page does that the link in a letter leads to.
  const emails = [...numbers].map((n) => `client${n}@clients.test`);
  await sql`
    insert into suppressions (owner_id, email_key, reason)
    select ${ground.ownerId}, email, 'unsubscribed' from unnest(${emails}::text[]) as email on conflict do nothing`;
  const [committed] = await sql<{ at: string }[]>`select clock_timestamp()::text as at`;
  note(`unsubscribe: ${numbers.size} clients`);
  return async () => {
    const taken = await sql<{ email: string }[]>`
      select d.email from attempts a join batches b on b.id = a.batch_id join deliveries d on d.id = a.delivery_id
      where d.email = any (${emails}) and b.created_at > ${committed?.at ?? ''}::timestamptz`;
    if (taken.length > 0)
      problems.push(`${taken.length} were claimed and mailed after they had unsubscribed`);
  };
}

/** The process that closes and opens gates, loaded and waiting. */
async function startKeeper(ground: Ground) {
  const { child, ended, said } = start(
    [path.join(import.meta.dirname, 'gate-child.ts')],
    ground.directSettings,
  );
  if (!child.stdout) throw new Error('the keeper of the gates has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const line = await lines.next();
    if (line.done) throw new Error(`the keeper of the gates ended: ${said()}`);
    const parsed: unknown = JSON.parse(line.value);
    return parsed;
  };
  await read();
  return {
    /** Returns when the gate's transaction has been committed; false when it was refused, as a mailing that has ended may. */
    async tell(word: string): Promise<boolean> {
      child.stdin?.write(`${word} ${ground.mailingId} ${ground.ownerId}\n`);
      return answer.parse(await read()).ok;
    },
    async end() {
      child.stdin?.end();
      await Promise.race([ended, pause(5000)]);
      if (child.exitCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
