import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import type { Ground } from './ground';
import { startResendSink } from './resend-sink';
import { startSmtpSink } from './smtp-sink';
import {
  describeTrap,
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

const troubles = [
  'killed',
  'immediate',
  'fast',
  'backend killed',
  'backends terminated',
  'cut',
  'cut after the statement',
  'silent',
  'pool exhausted',
  'disk full',
] as const;
type Trouble = (typeof troubles)[number];

/** What the server of this row takes, few enough to be used up. */
export const maxConnections = 40;

/**
 * The database fails in every way it can at random instants, while a worker and a second engine send. The worker never ends: it
 * goes on by itself when the database is back. Nothing is lost or repeated; in doubt is at most the record window of each engine,
 * for each fault.
 */
export async function failDatabase(trial: Trial, faultsWanted: number): Promise<TrialResult> {
  const { random } = trial;
  const recipients = random.whole(600, 1600);
  const isResend = random.chance(0.25);
  const sink = isResend
    ? await startResendSink({ latencyMs: random.whole(50, 150) })
    : await startSmtpSink({ latencyMs: random.whole(8, 25), takesOrphans: true });
  return onGround(
    trial,
    sink,
    recipients,
    async (ground, { launch, problems }) => {
      const worker = launch('work');
      const second = random.chance(0.5) ? launch('overlapping') : null;
      const passes = worker.passes + (second?.passes ?? 0);
      let faults = 0;
      let unknownMax = 0;
      for (let fault = 0; fault < faultsWanted && !(await isOver(ground)); fault += 1) {
        const trouble = random.pick(troubles);
        const left = recipients - sink.accepted.length;
        const trap = drawTrap(random, Math.ceil((isResend ? left / 100 : left) / (faultsWanted - fault)), {
          stages: ['mail', 'dot', 'accepted', 'replied'],
          without: 'database',
        });
        let under: Promise<unknown> | undefined;
        const set = setTrap(ground, trap, () => {
          under = bring(trouble, ground, trial);
        });
        await until(async () => set.isSprung() || (await isOver(ground)), springLimitMs);
        set.clear();
        trial.note(`${trouble}: ${describeTrap(trap)}${set.isSprung() ? '' : ' (did not come about)'}`);
        if (!set.isSprung()) break;
        faults += 1;
        unknownMax += isResend ? 0 : passes * recordWindow;
        await under;
      }
      // As at any kill, leases run out first; a worker that has to find the database again may take a moment more.
      await until(async () => !worker.isAlive() || (await isOver(ground)), 45_000);
      if (!worker.isAlive()) problems.push(`the worker ended: ${worker.said().slice(-1500)}`);
      else if (!(await isOver(ground))) problems.push('the worker did not end the run by itself');
      return { faults, unknownMax };
    },
    { SEND_CONNECTIONS: '2', SEND_BATCH: '120' },
  );
}

/** Brings the trouble about, and takes it away again; returns when it is over. */
async function bring(trouble: Trouble, ground: Ground, { cluster, random }: Trial): Promise<void> {
  const { proxy, sql } = ground;
  // Back at once as often as not: then whoever was cut off goes on with what it has half done.
  const lastsMs = random.chance(0.5) ? 0 : random.whole(0, 2500);
  switch (trouble) {
    case 'killed':
    case 'immediate':
    case 'fast':
      await cluster.fell(({ killed: 'SIGKILL', immediate: 'SIGQUIT', fast: 'SIGINT' } as const)[trouble]);
      await pause(lastsMs);
      return cluster.raise();
    case 'backend killed': {
      // The server ends every other connection too, and recovers.
      const [backend] = await sql<{ pid: number }[]>`
        select pid from pg_stat_activity where datname = current_database() and application_name = 'mailroom' limit 1`;
      if (backend) process.kill(backend.pid, 'SIGKILL');
      return;
    }
    case 'backends terminated':
      await terminate(sql);
      return;
    case 'cut':
    case 'cut after the statement': {
      let isCut = false;
      proxy.watch = () => {
        isCut = true;
        proxy.watch = null;
        proxy.setOpen(false);
        // The others go when this one's chunk has been dealt with.
        setImmediate(() => proxy.cut());
        return trouble === 'cut' ? 'drop' : 'pass-then-cut';
      };
      await until(() => isCut, 5000);
      proxy.watch = null;
      await pause(lastsMs);
      proxy.setOpen(true);
      return;
    }
    case 'silent':
      // Longer than a lease, so that whoever goes on afterwards finds that it is late.
      proxy.setHeld(true);
      await pause(random.chance(0.5) ? lastsMs : leaseMs + lastsMs);
      proxy.setHeld(false);
      return;
    case 'pool exhausted': {
      const others = await exhaust(cluster.adminUrl(), sql);
      await pause(lastsMs);
      for (const other of others) await other.end({ timeout: 1 });
      return;
    }
    case 'disk full': {
      const tables = ['attempts', 'deliveries', 'batches'] as const;
      await sql`create table chaos_disk (share float8 not null)`;
      await sql`insert into chaos_disk values (0)`;
      await sql.unsafe(`
        create function chaos_disk_is_full() returns trigger language plpgsql as $$
        begin
          if random() < (select share from chaos_disk) then
            raise exception 'could not extend file: No space left on device' using errcode = '53100';
          end if;
          return null;
        end $$`);
      for (const table of tables)
        await sql.unsafe(
          `create trigger chaos_disk_is_full after insert or update on ${table} for each statement execute function chaos_disk_is_full()`,
        );
      await sql`update chaos_disk set share = ${random.pick([0.2, 0.6, 1])}`;
      await pause(500 + lastsMs);
      for (const table of tables) await sql.unsafe(`drop trigger chaos_disk_is_full on ${table}`);
      await sql`drop function chaos_disk_is_full`;
      await sql`drop table chaos_disk`;
      return;
    }
  }
}

/** Takes every connection the server has to give and ends those of engines, so that none comes in again. */
async function exhaust(adminUrl: string, sql: postgres.Sql): Promise<postgres.Sql[]> {
  const others: postgres.Sql[] = [];
  const takeAll = async () => {
    for (;;) {
      const other = postgres(adminUrl, { max: 1, onnotice: () => {}, idle_timeout: 0 });
      try {
        await other`select 1`;
        others.push(other);
      } catch {
        await other.end({ timeout: 1 });
        return;
      }
    }
  };
  await takeAll();
  await terminate(sql);
  await takeAll();
  return others;
}

async function terminate(sql: postgres.Sql): Promise<void> {
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'mailroom'`;
}
