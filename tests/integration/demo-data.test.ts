import { sql } from 'drizzle-orm';
import { beforeAll, expect, test } from 'vitest';
import { db } from '@/db/client';
import { seedDemo } from '@/db/seed';
import { verifyPassword } from '@/lib/auth/passwords';
import { nextSlotAfter, slotAt } from '@/lib/recurrence/slots';

/** Demo data must look the same in any week and at any hour; this one has a run due in the middle of the load. */
const now = new Date('2026-11-21T05:31:00Z');

async function count(query: ReturnType<typeof sql>): Promise<number> {
  const rows = await db.execute(query);
  return rows.length;
}

beforeAll(async () => {
  expect((await seedDemo(now)).loaded).toBe(true);
}, 60_000);

test('demo data is loaded once', async () => {
  expect((await seedDemo(now)).loaded).toBe(false);
});

test('the three people printed at the start can sign in, and are marked as demo', async () => {
  const { users } = await seedDemo(now);
  expect(users.map(({ role }) => role)).toEqual(['user', 'manager', 'admin']);
  for (const { email, password } of users) {
    const [row] = await db.execute<{ password_hash: string; is_demo: boolean }>(
      sql`select password_hash, is_demo from users where email = ${email}`,
    );
    expect(row?.is_demo).toBe(true);
    expect(await verifyPassword(row?.password_hash ?? null, password)).toBe(true);
  }
});

test('every address is made up, so that nothing can reach a stranger', async () => {
  expect(await count(sql`select 1 from clients where email not like '%.example'`)).toBe(0);
  expect(await count(sql`select 1 from deliveries where email not like '%.example'`)).toBe(0);
  expect(await count(sql`select 1 from users where email not like '%.example'`)).toBe(0);
});

test('there is a mailing in every state and a delivery of every outcome', async () => {
  const states = await db.execute<{ state: string }>(sql`
    select distinct case when disabled_at is not null then 'disabled' when paused_at is not null then 'paused' else status::text end as state
    from mailings`);
  expect(states.map(({ state }) => state).sort()).toEqual([
    'completed',
    'created',
    'disabled',
    'paused',
    'running',
  ]);
  const runs = await db.execute<{ status: string }>(sql`select distinct status::text as status from runs`);
  expect(runs.map(({ status }) => status).sort()).toEqual([
    'done',
    'missed',
    'open',
    'partly_done',
    'stopped',
  ]);
  const outcomes = await db.execute<{ status: string }>(
    sql`select distinct status::text as status from deliveries`,
  );
  expect(outcomes.map(({ status }) => status).sort()).toEqual([
    'cancelled',
    'expired',
    'failed',
    'queued',
    'sent',
    'skipped',
    'unknown',
  ]);
});

test('nothing in the history lies in the future, and everything in it agrees', async () => {
  const instant = sql`${now.toISOString()}::timestamptz`;
  expect(await count(sql`select 1 from attempts where attempted_at > ${instant}`)).toBe(0);
  expect(await count(sql`select 1 from deliveries where ended_at > ${instant}`)).toBe(0);
  expect(await count(sql`select 1 from runs where greatest(opened_at, closed_at) > ${instant}`)).toBe(0);
  // Attempts ascend in time with their ids, since lists page by id.
  expect(
    await count(
      sql`select 1 from (select attempted_at, lag(attempted_at) over (order by id) as before from attempts) a where before > attempted_at`,
    ),
  ).toBe(0);
  expect(
    await count(sql`
      select 1 from deliveries d where d.status = 'sent' and not exists (select 1 from attempts a where a.delivery_id = d.id and a.status = 'success')
      union all
      select 1 from deliveries d where d.status in ('skipped', 'cancelled', 'expired') and exists (select 1 from attempts a where a.delivery_id = d.id)
      union all
      select 1 from deliveries d where d.status not in ('queued', 'sending', 'sent') and d.reason is null`),
  ).toBe(0);
  expect(
    await count(sql`select 1 from runs r join run_counts c on c.run_id = r.id
      where r.status = 'done' and c.sent + c.skipped <> c.total or r.status = 'partly_done' and c.sent + c.skipped = c.total
        or r.status <> 'open' and c.queued > 0`),
  ).toBe(0);
});

test("each mailing's next slot is the one its schedule gives", async () => {
  type Row = {
    starts_local: string;
    zone: string;
    periodicity: 'once' | 'daily' | 'weekly' | 'monthly';
    ends_at: string | null;
    starts_at: string;
    next_slot_at: string | null;
    next_slot_index: number;
    held: boolean;
  };
  const rows = await db.execute<Row>(sql`
    select m.*, (m.paused_at is not null or m.disabled_at is not null or u.blocked_at is not null) as held
    from mailings m join users u on u.id = m.owner_id`);
  for (const row of rows) {
    const schedule = {
      startsLocal: row.starts_local,
      zone: row.zone,
      periodicity: row.periodicity,
      endsAt: row.ends_at ? new Date(row.ends_at) : null,
    };
    expect(slotAt(schedule, 0)).toEqual(new Date(row.starts_at));
    if (!row.next_slot_at) continue;
    expect(slotAt(schedule, row.next_slot_index)).toEqual(new Date(row.next_slot_at));
    // One that was due within the last half hour is left to the engine; one that is held stands where it was held.
    const halfHourAgo = new Date(now.getTime() - 30 * 60_000);
    if (!row.held) expect(nextSlotAfter(schedule, halfHourAgo)?.at).toEqual(new Date(row.next_slot_at));
  }
});

test('the numbers of the home page are those of the rows', async () => {
  const [row] = await db.execute<{ kept: number; real: number }>(sql`
    select (select sum(value)::int from totals where name = 'unique_clients') as kept,
      (select count(distinct email_key)::int from clients) as real`);
  expect(row?.kept).toBe(row?.real);
  expect(row?.real).toBeGreaterThan(300);
});
