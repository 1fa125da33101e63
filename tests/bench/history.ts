import type { Sql } from 'postgres';
import { z } from 'zod';
import { classify } from '@/lib/attempts/answers';
import { hashPassword } from '@/lib/auth/passwords';
import { differingSums } from '../support/sums';
import { seconds } from './ground';

/** Who signs in: an owner with most of the history, and a manager who has none. */
export const people = {
  owner: 'owner@bench.test',
  manager: 'manager@bench.test',
  password: 'a long and honest passphrase',
};

/**
 * The mailing that is looked at. In a long history it has a tenth of all attempts, in ten runs of the last ten weeks; in a short one two
 * fifths, in two runs, so that its lists fill a page as those of the long one do.
 */
export const largestMailing = 1;

const large = ['deliveries', 'attempts'];
const mailingsOfOwner = 200;
const others = 9;
const mailingsOfOther = 20;
const managerId = others + 2;
/** Runs of each mailing; of the largest its share of all attempts, and how many days apart its runs are. */
const long = { runs: 10, largest: 0.1, largestDays: 7 };
const short: typeof long = { runs: 2, largest: 0.4, largestDays: 22 };
/** Of a thousand deliveries so many are taken at the second try, refused at once, refused three times, never answered. */
const fates = { retried: 20, refused: 44, thrice: 6, unanswered: 10 };
const attemptsPerDelivery = (1000 + fates.retried + 2 * fates.thrice) / 1000;

const refusals: [code: number, response: string, stage: string][] = [
  [550, '550 5.1.1 The email account that you tried to reach does not exist.', 'rcpt'],
  [
    550,
    '550 Message was not accepted -- invalid mailbox. Local mailbox is unavailable: user not found',
    'rcpt',
  ],
  [550, '550 5.2.1 The user you are trying to contact is disabled', 'rcpt'],
  [550, '550 5.1.2 Host unknown', 'rcpt'],
  [554, '554 5.7.1 Message rejected under suspicion of SPAM', 'dot'],
  [554, '554 5.7.1 Service unavailable; client host blocked using zen.spamhaus.org', 'rcpt'],
  [550, '550 5.7.26 This mail is unauthenticated: SPF and DKIM did not pass', 'dot'],
  [552, '552 5.3.4 Message size exceeds fixed limit', 'dot'],
  [550, '550 5.7.1 Recipient policy does not allow this message', 'rcpt'],
  [552, '552 5.2.2 The mailbox is over quota', 'rcpt'],
  [554, '554 Transaction failed', 'dot'],
];
const delays: [code: number, response: string, stage: string][] = [
  [450, '450 4.2.0 Greylisted, see https://postgrey.example/help', 'rcpt'],
  [452, '452 4.2.2 The mailbox is full, try again later', 'rcpt'],
  [421, '421 4.7.0 Try again later, too many messages from this sender', 'rcpt'],
  [451, '451 4.3.0 Temporary lookup failure', 'rcpt'],
];

/**
 * A service's two years of history in a migrated, empty database: about so many attempts, 8 % of them refused, of 200 mailings of one
 * owner and 180 of nine others; each mailing has ten runs where there are a million attempts or more, and two where there are
 * fewer, see {@link largestMailing}. Rows are written by set with the triggers asleep, and each table of sums by one statement from the rows. Answers how many attempts there are.
 */
export async function loadHistory(
  database: Sql,
  attempts: number,
  log: (text: string) => void,
): Promise<number> {
  const one = await database.reserve();
  try {
    const step = async (name: string, work: () => Promise<unknown>) =>
      log(`${name}: ${(await seconds(work)).toFixed(0)} s`);
    await one`set maintenance_work_mem = '1GB'`;
    await one`set work_mem = '256MB'`;
    await one`set synchronous_commit = off`;
    // It is vacuumed once, at the end.
    for (const table of large) await one.unsafe(`alter table ${table} set (autovacuum_enabled = false)`);
    await insertPeople(one, Math.ceil(attempts / 100));
    await planRuns(one, attempts, attempts >= 1_000_000 ? long : short);
    const indexes = await dropIndexes(one);
    await one`set session_replication_role = replica`;
    await step('deliveries', () => insertDeliveries(one));
    await step('attempts', () => insertAttempts(one));
    await step('indexes', async () => {
      for (const definition of indexes) await one.unsafe(definition);
    });
    await step('sums', () => insertSums(one));
    await one`set session_replication_role = origin`;
    for (const table of large) await one.unsafe(`alter table ${table} reset (autovacuum_enabled)`);
    await step('vacuum', () => one`vacuum analyze`);
    const [counted] = await one`select count(*)::int as attempts from attempts`;
    return z.object({ attempts: z.number() }).parse(counted).attempts;
  } finally {
    one.release();
  }
}

/** Takes all indexes from the two large tables, and answers the statements that make them again. */
async function dropIndexes(one: Sql): Promise<string[]> {
  const found = await one<{ drop: string; make: string }[]>`
    select case when i.indisprimary then format('alter table %s drop constraint %s', i.indrelid::regclass, c.conname)
        else format('drop index %s', i.indexrelid::regclass) end as drop,
      case when i.indisprimary then format('alter table %s add constraint %s %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
        else pg_get_indexdef(i.indexrelid) end as make
    from pg_index i left join pg_constraint c on c.conindid = i.indexrelid
    where i.indrelid = any (${large}::regclass[])`;
  for (const { drop } of found) await one.unsafe(drop);
  return found.map(({ make }) => make);
}

/** Fails when a sum differs from what its rows say; looks at all of them. */
export async function expectSums(database: Sql): Promise<void> {
  const differing = await database.unsafe(`${differingSums} limit 3`);
  if (differing.length > 0) throw new Error(`sums differ: ${JSON.stringify(differing)}`);
}

async function insertPeople(one: Sql, clients: number): Promise<void> {
  const hash = await hashPassword(people.password);
  await one`
    insert into users (id, email, email_key, name, password_hash, confirmed_at, is_staff) overriding system value
    select n, email, email, 'Bench User ' || n, ${hash}, now() - interval '3 years', n = ${managerId}
    from generate_series(1, ${managerId}::int) n cross join lateral (
      select case n when 1 then ${people.owner} when ${managerId} then ${people.manager} else 'user' || n || '@bench.test' end as email
    ) named`;
  await one`
    insert into clients (owner_id, email, email_key, full_name)
    select 1, email, email, 'Reader Number ' || n from generate_series(1, ${clients}::int) n
    cross join lateral (select ${one.unsafe(addressOf('n'))} as email) named`;
  await one`
    insert into messages (id, owner_id, subject, body) overriding system value
    select n, case when n <= 20 then 1 else n - 19 end, 'News of the season, letter ' || n,
      repeat('<p>What to say, when to say it, and to whom; with examples that were really sent.</p>', 50)
    from generate_series(1, 20 + ${others}::int) n`;
  await one`
    insert into mailings (id, owner_id, name, message_id, audience, periodicity, starts_local, zone, starts_at, status, next_slot_at,
      created_at) overriding system value
    select n, owner_id, (array['Weekly letter', 'Spring offers', 'New arrivals', 'Invitation', 'Письмо друзьям'])[1 + n % 5] || ' ' || n,
      case when owner_id = 1 then 1 + n % 20 else owner_id + 19 end, 'all',
      (case when is_over then 'once' else 'weekly' end)::periodicity, '2024-11-01T09:00', 'Europe/Moscow',
      now() - interval '730 days', (case when is_over then 'completed' else 'running' end)::mailing_status,
      case when not is_over then now() + interval '1 hour' * (24 + n) end, now() - interval '731 days'
    from generate_series(1, ${mailingsOfOwner + others * mailingsOfOther}::int) n
    cross join lateral (
      select case when n <= ${mailingsOfOwner} then 1 else 2 + (n - ${mailingsOfOwner} - 1) / ${mailingsOfOther} end as owner_id,
        n % 2 = 0 as is_over
    ) of_it`;
  for (const table of ['users', 'messages', 'mailings'])
    await one.unsafe(
      `select setval(pg_get_serial_sequence('${table}', 'id'), (select max(id) from ${table}))`,
    );
}

/** The address of an owner's nth client: most at five large providers, the others spread over a thousand domains. */
const addressOf = (n: string) => `'reader' || ${n} || '@' || case when ${n} % 10 < 7
  then (array['mail.ru', 'yandex.ru', 'gmail.com', 'rambler.ru', 'outlook.com'])[1 + ${n} % 5]
  else 'company' || (${n}::bigint * 31) % 997 || '.ru' end`;

/** Which runs there will be, and how large: the temporary table `plan` and the rows of `runs`. */
async function planRuns(one: Sql, attempts: number, shape: typeof long): Promise<void> {
  const deliveries = attempts / attemptsPerDelivery;
  await one`
    create temporary table plan as
    select row_number() over when_opened as id, *,
      (sum(size) over when_opened - size + 1)::bigint as first_delivery
    from (
      select m.id as mailing_id, m.owner_id, m.message_id,
        case when m.id = ${largestMailing} then now() - interval '1 day' * ${shape.largestDays}::int * nth
          else now() - interval '730 days' * (((m.id * 7919 + nth * 24593) % 100003 + 1) / 100003.0) end as opened_at,
        case when m.id = ${largestMailing} then floor(${(deliveries * shape.largest) / shape.runs}::float8)
          when weight = 0 then 0
          else greatest(1, round(${deliveries}::float8 * case when m.owner_id = 1 then ${0.7 - shape.largest}::float8 else 0.3 end
            * weight / sum(weight) over (partition by m.owner_id = 1, m.id = ${largestMailing}))) end::int as size
      from mailings m cross join lateral generate_series(1, ${shape.runs}::int) nth
      cross join lateral (
        -- Few large and many small ones, and of twenty one that was missed.
        select case when (m.id * 13 + nth * 7) % 20 = 0 then 0 else 1.0 / (1 + (m.id * 37 + nth * 11) % 97) end as weight
      ) weighed
    ) sized
    window when_opened as (order by opened_at, mailing_id)
    order by opened_at, mailing_id`;
  await one`
    insert into runs (id, mailing_id, owner_id, message_id, kind, slot_at, status, subject, body, from_name, from_email, reply_to,
      link_base, transport, opened_at, closed_at, last_delivery_id, served_at) overriding system value
    select id, mailing_id, owner_id, case when size > 0 then message_id end, 'scheduled', opened_at,
      (case when size = 0 then 'missed' when size < 20 then 'done' else 'partly_done' end)::run_status,
      'News of the season', '<p>What to say, when to say it, and to whom.</p>', 'Bench User', 'bench@bench.test', 'bench@bench.test',
      'http://localhost:3000', 'smtp:smtp.bench.test:587', opened_at, opened_at + interval '40 minutes',
      case when size > 0 then first_delivery + size - 1 end, opened_at
    from plan`;
  await one`select setval(pg_get_serial_sequence('runs', 'id'), (select max(id) from runs))`;
  await one`analyze plan`;
}

/** What becomes of the ith delivery of a run: `h` of a thousand, how often it is tried, which answer it gets, and when. */
const fate = `
  select h, answer, case when h < ${fates.retried} then 2 when ${isThrice('h')} then 3 else 1 end as tries,
    p.opened_at + i * interval '20 milliseconds' as first_at
  from (select ((i::bigint * 7919 + p.id * 104729) % 1000)::int as h, ((i::bigint * 31 + p.id) % 1009)::int as answer offset 0) drawn offset 0`;

function isThrice(h: string): string {
  const from = fates.retried + fates.refused;
  return `${h} between ${from} and ${from + fates.thrice - 1}`;
}
const isRefused = `h between ${fates.retried} and ${fates.retried + fates.refused - 1}`;
const isUnanswered = `h between ${fates.retried + fates.refused + fates.thrice} and ${
  fates.retried + fates.refused + fates.thrice + fates.unanswered - 1
}`;

const textArray = (values: readonly (string | number)[]) =>
  `array[${values.map((value) => (typeof value === 'number' ? value : `'${value.replaceAll("'", "''")}'`)).join(', ')}]`;
/** One column of a list of answers, as an SQL expression: the one that the delivery drew. */
const drawn = (answers: typeof refusals, column: 'code' | 'response' | 'stage' | 'kind') => {
  const values = answers.map(([code, response, stage]) =>
    column === 'kind'
      ? (classify({ status: 'failure', code, response, stage }) ?? '')
      : { code, response, stage }[column],
  );
  return `(${textArray(values)})[1 + f.answer % ${answers.length}]`;
};

async function insertDeliveries(one: Sql): Promise<void> {
  await one.unsafe(`
    insert into deliveries (id, run_id, client_id, email, full_name, status, reason, tries, ended_at, kind) overriding system value
    select p.first_delivery + i - 1, p.id, p.owner_id * 1000000000 - 1000000000 + i, ${addressOf('i')}, 'Reader Number ' || i,
      (case when ${isRefused} or ${isThrice('h')} then 'failed' when ${isUnanswered} then 'unknown' else 'sent' end)::delivery_status,
      case when ${isRefused} then 'refused' when ${isThrice('h')} then 'tries_used' when ${isUnanswered} then 'no_answer' end,
      f.tries, f.first_at + (f.tries - 1) * interval '10 minutes' + interval '1 second',
      (case when ${isRefused} then ${drawn(refusals, 'kind')} when ${isThrice('h')} then ${drawn(delays, 'kind')}
        when ${isUnanswered} then 'no_answer' end)::answer_kind
    from plan p cross join lateral generate_series(1, p.size) i cross join lateral (${fate}) f`);
  await one`select setval(pg_get_serial_sequence('deliveries', 'id'), (select max(id) from deliveries))`;
}

async function insertAttempts(one: Sql): Promise<void> {
  const isLast = 'nth = tries';
  await one.unsafe(`
    insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, code, response, stage, transport,
      kind)
    select p.first_delivery + i - 1, p.id, p.mailing_id, p.owner_id, p.id, at, status::attempt_status,
      case status when 'success' then 250 when 'failure' then case when is_delay then ${drawn(delays, 'code')}
        else ${drawn(refusals, 'code')} end end,
      case status when 'success' then '250 2.0.0 Ok: queued as ' || upper(to_hex((p.first_delivery + i) * 7919))
        when 'failure' then case when is_delay then ${drawn(delays, 'response')} else ${drawn(refusals, 'response')} end else '' end,
      case status when 'failure' then case when is_delay then ${drawn(delays, 'stage')} else ${drawn(refusals, 'stage')} end
        else 'dot' end,
      'smtp:smtp.bench.test:587',
      (case status when 'unknown' then 'no_answer' when 'failure' then case when is_delay then ${drawn(delays, 'kind')}
        else ${drawn(refusals, 'kind')} end end)::answer_kind
    from plan p cross join lateral (
      select i, answer, first_at + (nth - 1) * interval '10 minutes' as at,
        case when ${isLast} and ${isUnanswered} then 'unknown'
          when ${isRefused} or ${isThrice('h')} or not (${isLast}) then 'failure' else 'success' end as status,
        not (${isRefused}) as is_delay
      from generate_series(1, p.size) i cross join lateral (${fate}) f cross join lateral generate_series(1, f.tries) nth
      order by at
    ) f`);
}

/** Each table of sums by one statement, a run after the other as they come into being: two passes over the attempts, and the rest of these. */
async function insertSums(one: Sql): Promise<void> {
  await one`
    create temporary table tally as
    select a.run_id, domain_of(d.email) as domain, quarter_of(a.attempted_at) as quarter_at, a.kind,
      count(*) filter (where a.status = 'success') as succeeded, count(*) filter (where a.status = 'failure') as failed,
      count(*) filter (where a.status = 'unknown') as unknown
    from attempts a join deliveries d on d.id = a.delivery_id group by 1, 2, 3, 4`;
  await one`
    insert into run_domains (run_id, domain, quarter_at, owner_id, mailing_id, succeeded, failed, unknown)
    select t.run_id, t.domain, t.quarter_at, c.owner_id, c.mailing_id, sum(t.succeeded), sum(t.failed), sum(t.unknown)
    from tally t join run_counts c on c.run_id = t.run_id group by 1, 2, 3, 4, 5 order by 1, 2, 3`;
  await one`
    insert into run_answers (run_id, domain, kind, attempts, failed, unknown)
    select run_id, coalesce(domain, ''), kind, sum(attempts), sum(failed), sum(unknown) from (
      select run_id, domain, kind, failed + unknown as attempts, 0 as failed, 0 as unknown from tally where kind is not null
      union all
      select run_id, domain_of(email), kind, 0, (status = 'failed')::int, (status = 'unknown')::int
      from deliveries where kind is not null
    ) rows group by grouping sets ((run_id, domain, kind), (run_id, kind)) order by 1, 2, 3`;
  await one`drop table tally`;
  await one`
    insert into run_minutes (run_id, minute_at, succeeded, failed, unknown)
    select run_id, minute_of(attempted_at), count(*) filter (where status = 'success'), count(*) filter (where status = 'failure'),
      count(*) filter (where status = 'unknown')
    from attempts group by 1, 2 order by 1, 2`;
  await one`
    insert into run_quarters (run_id, quarter_at, owner_id, mailing_id, succeeded, failed, unknown)
    select c.run_id, quarter_of(m.minute_at), c.owner_id, c.mailing_id, sum(m.succeeded), sum(m.failed), sum(m.unknown)
    from run_minutes m join run_counts c on c.run_id = m.run_id group by 1, 2, 3, 4 order by 1, 2`;
  await one`
    update run_counts c set total = d.total, sent = d.sent, failed = d.failed, unknown = d.unknown,
      attempts_succeeded = a.succeeded, attempts_failed = a.failed, attempts_unknown = a.unknown
    from (
      select run_id, count(*) as total, count(*) filter (where status = 'sent') as sent,
        count(*) filter (where status = 'failed') as failed, count(*) filter (where status = 'unknown') as unknown
      from deliveries group by 1
    ) d join (
      select run_id, sum(succeeded) as succeeded, sum(failed) as failed, sum(unknown) as unknown from run_quarters group by 1
    ) a using (run_id) where c.run_id = d.run_id`;
  await one`
    insert into domain_sums (owner_id, span, begins_at, domain, succeeded, failed, unknown)
    select w.owner_id, 'day', day_of(quarter_at), domain, sum(succeeded), sum(failed), sum(unknown)
    from run_domains r cross join lateral (values (0::bigint), (r.owner_id)) w (owner_id) group by 1, 3, 4 order by 1, 3, 4`;
  await one`
    insert into domain_sums (owner_id, span, begins_at, domain, succeeded, failed, unknown)
    select owner_id, 'month', month_of(begins_at), domain, sum(succeeded), sum(failed), sum(unknown)
    from domain_sums group by 1, 3, 4 order by 1, 3, 4`;
  await one`
    insert into kind_sums (owner_id, day_at, kind, attempts, failed, unknown)
    select w.owner_id, day_of(r.opened_at), a.kind, sum(a.attempts), sum(a.failed), sum(a.unknown)
    from runs r join run_answers a on a.run_id = r.id and a.domain = ''
    cross join lateral (values (0::bigint), (r.owner_id)) w (owner_id) group by 1, 2, 3 order by 1, 2, 3`;
  await one`
    insert into mailing_answers (mailing_id, domain, kind, attempts, failed, unknown)
    select r.mailing_id, a.domain, a.kind, sum(a.attempts), sum(a.failed), sum(a.unknown)
    from runs r join run_answers a on a.run_id = r.id group by 1, 2, 3 order by 1, 2, 3`;
}
