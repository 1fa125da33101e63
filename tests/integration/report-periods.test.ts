import { sql } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { db } from '@/db/client';
import { attempts, deliveries, transports } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import type { Actor } from '@/lib/policy/rules';
import { answerReport, exportReport } from '@/lib/reports/csv';
import {
  countUnfinished,
  findAlarms,
  findAttention,
  findReport,
  listKinds,
  listReportRows,
  listSteps,
  type Report,
  readWholeReport,
  sumPeriod,
} from '@/lib/reports/queries';
import {
  type ReportList,
  type ReportSort,
  readReportAsked,
  readTablesAsked,
  reportSorts,
  reportTables,
  type Whose,
} from '@/lib/reports/schema';
import { listStuckRuns } from '@/lib/runs/queries';
import {
  createActor,
  createAttempt,
  createClient,
  createClients,
  createDelivery,
  createMailing,
  createMessage,
  createRun,
  createSuppression,
} from '@/tests/support/factories';
import { differingSums } from '@/tests/support/sums';

/*
 * Reports against the rows themselves: letters of three users over a winter, made around both changes of daylight saving, counted anew
 * by the calendar of PostgreSQL, which knows zones by itself.
 */

const clock = fixedClock(new Date('2026-04-02T10:00:00Z'));
const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe'];

let owner: Actor;
let stranger: Actor;
let manager: Actor;
let other: { mailing: number; message: number };
const mailingIds: number[] = [];
const messageIds: number[] = [];

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** Two mailings with runs from October to April; every third letter is refused, every tenth unknown. */
async function sendOverWinter(of: Actor, seed: number): Promise<{ mailing: number; message: number }> {
  const random = seeded(seed);
  const domains = ['one.example', 'two.example', 'three.example'];
  const people = [];
  for (const [at, domain] of domains.entries())
    people.push(await createClient(db, of, { email: `p${at}-${seed}@${domain}` }));
  let last = { mailing: 0, message: 0 };
  for (const nth of [0, 1]) {
    const message = await createMessage(db, of, { subject: `Subject ${nth}` });
    const mailing = await createMailing(db, of, {
      messageId: message.id,
      name: `Winter ${nth}`,
      status: 'running',
    });
    last = { mailing: mailing.id, message: message.id };
    if (of === owner) {
      mailingIds.push(mailing.id);
      messageIds.push(message.id);
    }
    for (let week = 0; week < 24; week += 1) {
      const openedAt = new Date(
        Date.parse('2025-10-18T22:00:00Z') + (week * 7 + nth * 3) * 86_400_000 + random() * 86_400_000,
      );
      const isOpen = week === 23 && nth === 1;
      const run = await createRun(db, mailing, {
        openedAt,
        messageId: week % 2 ? message.id : null,
        slotAt: openedAt,
        status: 'open',
      });
      const rows = await db
        .insert(deliveries)
        .values(
          people.map((person, at) => {
            const roll = (week + at) % 10;
            const status = roll === 9 ? 'unknown' : roll % 3 === 2 ? 'failed' : 'sent';
            return {
              runId: run.id,
              clientId: person.id,
              email: person.email,
              fullName: person.fullName,
              status,
              endedAt: openedAt,
              reason: status === 'sent' ? null : 'refused',
              kind: status === 'sent' ? null : status === 'failed' ? 'address_unknown' : 'no_answer',
            } as const;
          }),
        )
        .returning({ id: deliveries.id, status: deliveries.status });
      await db.insert(attempts).values(
        rows.flatMap(({ id, status }) => {
          const one = {
            deliveryId: id,
            runId: run.id,
            mailingId: mailing.id,
            ownerId: of.id,
            batchId: 1,
            code: 250,
            response: '',
            stage: 'dot',
            transport: 'smtp',
          };
          // Some hours later, over the midnights of several zones.
          const later = () => new Date(openedAt.getTime() + random() * 5 * 3_600_000);
          const result = { sent: 'success', failed: 'failure', unknown: 'unknown' } as const;
          const last = status === 'sent' || status === 'failed' ? result[status] : result.unknown;
          return [
            ...(random() < 0.3
              ? [{ ...one, attemptedAt: openedAt, status: 'failure', kind: 'greylisted' } as const]
              : []),
            {
              ...one,
              attemptedAt: later(),
              status: last,
              kind:
                last === 'success'
                  ? null
                  : last === 'failure'
                    ? ('address_unknown' as const)
                    : ('no_answer' as const),
            },
          ];
        }),
      );
      if (!isOpen)
        await db.execute(
          sql`update runs set status = 'partly_done', closed_at = opened_at where id = ${run.id}`,
        );
    }
  }
  await createSuppression(db, of, `gone-${seed}@one.example`, {
    createdAt: new Date('2026-03-29T00:30:00Z'),
  });
  await createSuppression(db, of, `spam-${seed}@one.example`, {
    createdAt: new Date('2026-02-10T12:00:00Z'),
    reason: 'complained',
  });
  return last;
}

async function asked(
  actor: Actor,
  params: Record<string, string | string[]>,
  whose: Whose = 'own',
): Promise<Report> {
  const { report, errors } = await findReport(actor, readReportAsked(params, whose), db, clock);
  if (!report) throw new Error(JSON.stringify(errors));
  return report;
}

async function codesOf(
  actor: Actor,
  params: Record<string, string | string[]>,
  whose: Whose = 'own',
): Promise<Record<string, string>> {
  const { report, errors } = await findReport(actor, readReportAsked(params, whose), db, clock);
  const codes = Object.fromEntries(Object.entries(errors).map(([name, { code }]) => [name, code]));
  expect(report === null).toBe(Object.keys(codes).length > 0);
  return codes;
}

beforeAll(async () => {
  owner = await createActor(db, { timeZone: 'Europe/Berlin', email: 'winter.owner@reports.example' });
  stranger = await createActor(db, { email: 'winter.stranger@reports.example' });
  manager = await createActor(db, { isStaff: true });
  await sendOverWinter(owner, 1);
  other = await sendOverWinter(stranger, 2);
});

const winter = { from: '2025-10-19', to: '2026-04-02' };

describe('a report', () => {
  test('agrees with the rows, in zones of every kind and over both changes of daylight saving', async () => {
    expect(await db.execute(sql.raw(differingSums))).toEqual([]);
    for (const zone of zones)
      for (const by of ['day', 'week', 'month'] as const) {
        const report = await asked(owner, { ...winter, zone, by });
        const counted = await db.execute<{ step: string; sent: number; failed: number; unknown: number }>(sql`
          select greatest(date_trunc(${by}, attempted_at at time zone ${zone})::date, ${winter.from}::date)::text as step,
            (count(*) filter (where status = 'success'))::int as sent,
            (count(*) filter (where status = 'failure'))::int as failed,
            (count(*) filter (where status = 'unknown'))::int as unknown
          from attempts where owner_id = ${owner.id}
            and (attempted_at at time zone ${zone})::date between ${winter.from}::date and ${winter.to}::date
          group by 1 order by 1`);
        const steps = await listSteps(owner, report);
        expect(
          steps
            .filter(({ sent, failed, unknown }) => sent + failed + unknown > 0)
            .map(({ first, sent, failed, unknown }) => ({ step: first, sent, failed, unknown })),
          `${zone} by ${by}`,
        ).toEqual([...counted]);
        expect(steps.length).toBe(by === 'day' ? 166 : by === 'week' ? 25 : 7);
        // Every table tells of the same attempts.
        const { tried } = await sumPeriod(owner, report);
        const summed = (rows: { sent: number; failed: number; unknown: number }[]) =>
          rows.reduce(
            (all, row) => ({
              sent: all.sent + row.sent,
              failed: all.failed + row.failed,
              unknown: all.unknown + row.unknown,
            }),
            { sent: 0, failed: 0, unknown: 0 },
          );
        expect(summed(steps)).toEqual(tried);
        for (const list of ['mailings', 'messages'] as const)
          expect(summed((await listReportRows(owner, report, { list, size: 100 })).items)).toEqual(tried);
      }
  });

  test('counts no other owner’s rows, and a manager’s counts all or those of one', async () => {
    const mine = await sumPeriod(owner, await asked(owner, winter));
    const theirs = await sumPeriod(stranger, await asked(stranger, { ...winter, zone: 'Europe/Berlin' }));
    const all = await asked(manager, { ...winter, zone: 'Europe/Berlin' }, 'all');
    const both = await sumPeriod(manager, all);
    expect(both.tried.sent).toBe(mine.tried.sent + theirs.tried.sent);
    expect(both.left).toEqual({ unsubscribed: 2, bounced: 0, complained: 2 });
    const one = await asked(
      manager,
      { ...winter, zone: 'Europe/Berlin', owner: 'Winter.Owner@reports.example' },
      'all',
    );
    expect(await sumPeriod(manager, one)).toEqual(mine);
    const senders = await listReportRows(manager, all, { list: 'senders' });
    expect(senders.items.map(({ name, complained }) => ({ name, complained }))).toEqual(
      expect.arrayContaining([
        { name: 'winter.owner@reports.example', complained: 1 },
        { name: 'winter.stranger@reports.example', complained: 1 },
      ]),
    );
    // Who is no manager gets nothing of it, however the question is put.
    const forged = { ...all, zone: 'UTC' };
    expect((await sumPeriod(owner, forged)).tried).toEqual({ sent: 0, failed: 0, unknown: 0 });
    for (const list of Object.keys(reportSorts) as ReportList[])
      expect((await listReportRows(owner, forged, { list })).items).toEqual([]);
    expect(await findAlarms(owner, forged, db, clock)).toMatchObject({
      refused: [],
      complained: [],
      unknown: [],
      waiting: [],
    });
    expect(await codesOf(owner, { owner: stranger.email }, 'all')).toEqual({ owner: 'not_found' });
  });

  test('tells what became of the letters of the runs that began in it, and the counts add up', async () => {
    const report = await asked(owner, { from: '2026-01-01', to: '2026-01-31' });
    const { letters, runs } = await sumPeriod(owner, report);
    const [rows] = await db.execute<Record<string, number>>(sql`
      select count(*)::int as total, (count(*) filter (where d.status = 'sent'))::int as sent,
        (count(*) filter (where d.status = 'failed'))::int as failed, (count(*) filter (where d.status = 'unknown'))::int as unknown,
        count(distinct r.id)::int as runs
      from deliveries d join runs r on r.id = d.run_id
      where r.owner_id = ${owner.id} and (r.opened_at at time zone 'Europe/Berlin')::date between '2026-01-01' and '2026-01-31'`);
    const { runs: begun, ...outcomes } = rows ?? {};
    expect(runs).toEqual({ begun, missed: 0 });
    expect(letters).toEqual({ ...outcomes, skipped: 0, expired: 0, cancelled: 0, queued: 0 });
    const { total, ...ended } = letters;
    expect(Object.values(ended).reduce((all, one) => all + one, 0)).toBe(total);
    const kinds = await listKinds(owner, report);
    expect(kinds.reduce((all, kind) => all + kind.failed, 0)).toBe(letters.failed);
    expect(kinds.reduce((all, kind) => all + kind.unknown, 0)).toBe(letters.unknown);
  });

  test('narrows down to one mailing or one message, of everything it tells', async () => {
    const [first = 0, second = 0] = mailingIds;
    const [message = 0] = messageIds;
    const whole = (await sumPeriod(owner, await asked(owner, winter))).tried;
    const ofFirst = await asked(owner, { ...winter, mailing: String(first) });
    const ofSecond = await asked(owner, { ...winter, mailing: String(second) });
    const parts = [(await sumPeriod(owner, ofFirst)).tried, (await sumPeriod(owner, ofSecond)).tried];
    expect((parts[0]?.sent ?? 0) + (parts[1]?.sent ?? 0)).toBe(whole.sent);
    expect((await listReportRows(owner, ofFirst, { list: 'mailings' })).items).toMatchObject([
      { id: String(first), name: 'Winter 0', ...parts[0] },
    ]);
    const ofMessage = await asked(owner, { ...winter, message: String(message) });
    const [counted] = await db.execute<{ sent: number; runs: number }>(sql`
      select (count(*) filter (where a.status = 'success'))::int as sent, count(distinct r.id)::int as runs
      from attempts a join runs r on r.id = a.run_id where r.message_id = ${message} and r.owner_id = ${owner.id}
        and a.attempted_at < '2026-04-02T22:00Z'`);
    const numbers = await sumPeriod(owner, ofMessage);
    expect(numbers.tried.sent).toBe(counted?.sent);
    expect(numbers.runs.begun).toBe(counted?.runs);
    expect((await listReportRows(owner, ofMessage, { list: 'messages' })).items).toHaveLength(1);
    // Of runs whose message is gone, the letters are told too.
    expect(
      (await listReportRows(owner, ofFirst, { list: 'messages' })).items.map(({ name }) => name),
    ).toContain('');
  });

  test('tells domains of runs that are over, and how many are not', async () => {
    const report = await asked(owner, { ...winter, zone: 'UTC' });
    const counted = await db.execute(sql`
      select split_part(d.email, '@', 2) as name, (count(*) filter (where a.status = 'success'))::int as sent,
        (count(*) filter (where a.status = 'failure'))::int as failed, (count(*) filter (where a.status = 'unknown'))::int as unknown
      from attempts a join deliveries d on d.id = a.delivery_id join runs r on r.id = a.run_id
      where a.owner_id = ${owner.id} and r.status <> 'open' and a.attempted_at < '2026-04-03T00:00Z' group by 1 order by 1`);
    const { items } = await listReportRows(owner, report, { list: 'domains', sort: 'name' });
    expect(items.map(({ name, sent, failed, unknown }) => ({ name, sent, failed, unknown }))).toEqual([
      ...counted,
    ]);
    expect(await countUnfinished(owner, report)).toBe(1);
    expect(await countUnfinished(owner, await asked(owner, { from: '2026-01-01', to: '2026-01-31' }))).toBe(
      0,
    );
    expect(await countUnfinished(manager, await asked(manager, winter))).toBe(0);
  });

  test('tells domains and answers of any days in any zone as the rows do, of whole months and of hours', async () => {
    const periods = [
      ['2025-10-01', '2026-04-02'],
      ['2025-10-31', '2026-03-01'],
      ['2025-11-01', '2025-11-30'],
      ['2025-12-02', '2025-12-30'],
      ['2026-01-15', '2026-01-15'],
      ['2026-02-28', '2026-03-01'],
    ] as const;
    for (const zone of zones)
      for (const [from, to] of periods)
        for (const whose of ['own', 'all'] as const) {
          const actor = whose === 'own' ? owner : manager;
          const report = await asked(
            actor,
            { from, to, zone, owner: whose === 'all' ? owner.email : '' },
            whose,
          );
          const inside = (at: string) =>
            sql.raw(
              `${at} at time zone '${zone}' >= '${from}'::date and ${at} at time zone '${zone}' < '${to}'::date + 1`,
            );
          const domains = await db.execute(sql`
            select split_part(d.email, '@', 2) as name, (count(*) filter (where a.status = 'success'))::int as sent,
              (count(*) filter (where a.status = 'failure'))::int as failed, (count(*) filter (where a.status = 'unknown'))::int as unknown
            from attempts a join deliveries d on d.id = a.delivery_id join runs r on r.id = a.run_id
            where a.owner_id = ${owner.id} and r.status <> 'open' and ${inside('a.attempted_at')} group by 1 order by 1`);
          const { items } = await listReportRows(actor, report, { list: 'domains', sort: 'name' });
          expect(
            items.map(({ name, sent, failed, unknown }) => ({ name, sent, failed, unknown })),
            `${zone} ${from} ${to} ${whose}`,
          ).toEqual([...domains]);
          const kinds = await db.execute(sql`
            select kind, sum(attempts)::int as attempts, sum(failed)::int as failed, sum(unknown)::int as unknown from (
              select a.kind, 1 as attempts, 0 as failed, 0 as unknown from attempts a join runs r on r.id = a.run_id
              where a.owner_id = ${owner.id} and a.kind is not null and ${inside('r.opened_at')}
              union all
              select d.kind, 0, (d.status = 'failed')::int, (d.status = 'unknown')::int from deliveries d join runs r on r.id = d.run_id
              where r.owner_id = ${owner.id} and d.kind is not null and ${inside('r.opened_at')}
            ) rows group by 1 order by 2 desc, 3 desc, 1`);
          expect(await listKinds(actor, report), `${zone} ${from} ${to} ${whose}`).toEqual([...kinds]);
        }
    // Of everybody's: the other owner's letters are in it too.
    const everybody = await asked(manager, { ...winter, zone: 'Asia/Kathmandu' }, 'all');
    const ofBoth = await Promise.all(
      [owner, stranger].map((each) => asked(each, { ...winter, zone: 'Asia/Kathmandu' })),
    );
    const sent = async (actor: Actor, report: Report) =>
      (await listReportRows(actor, report, { list: 'domains', size: 500 })).items
        .filter(({ name }) => name === 'two.example')
        .reduce((sum, row) => sum + row.sent, 0);
    const [mine = 0, theirs = 0] = [
      await sent(owner, ofBoth[0] ?? everybody),
      await sent(stranger, ofBoth[1] ?? everybody),
    ];
    expect(await sent(manager, everybody)).toBeGreaterThanOrEqual(mine + theirs);
    expect(mine).toBeGreaterThan(0);
  });

  test('walks its tables page by page, each row once, in the order asked for', async () => {
    const all = await asked(manager, winter, 'all');
    const mine = await asked(owner, winter);
    for (const [list, sorts] of Object.entries(reportSorts) as [
      ReportList,
      (typeof reportSorts)[ReportList],
    ][])
      for (const sort of sorts)
        for (const [actor, report] of [
          [manager, all],
          [owner, mine],
        ] as const) {
          if (actor === owner && list === 'senders') continue;
          const whole = await listReportRows(actor, report, { list, sort, size: 1000 });
          expect(whole.next).toBeNull();
          const walked: string[] = [];
          let after: string | undefined;
          do {
            const page = await listReportRows(actor, report, { list, sort, after, size: 1 });
            walked.push(...page.items.map(({ id }) => id));
            after = page.next ?? undefined;
          } while (after);
          expect(walked, `${list} by ${sort}`).toEqual(whole.items.map(({ id }) => id));
          const keys = whole.items.map((row) => row[sort]);
          const sorted =
            sort === 'name' ? keys.toSorted() : keys.map(Number).toSorted((one, another) => another - one);
          expect(keys).toEqual(sorted);
          // The address of a further page is understood as its table has given it out.
          const { next } = await listReportRows(actor, report, { list, sort, size: 1 });
          expect(next, `${list} by ${sort}`).not.toBeNull();
          const address = { [`sort_${list}`]: sort, [`after_${list}`]: next ?? undefined };
          expect(readTablesAsked(address)[list]).toEqual({ sort, after: next, isDamaged: false });
        }
    // A cursor that somebody made up leads to the first page, and harms nothing.
    const made = Buffer.from(JSON.stringify(["1'); drop table runs; --", '1'])).toString('base64url');
    for (const after of ['nonsense', made, 'x'.repeat(3000)])
      expect((await listReportRows(owner, mine, { list: 'mailings', after })).items).toHaveLength(2);
  });

  test('behind a cursor that was tampered with begin at their beginning, the others stay, and the page knows which', async () => {
    const report = await asked(owner, winter);
    const { next } = await listReportRows(owner, report, { list: 'domains', sort: 'name', size: 1 });
    const word = (keys: unknown) => Buffer.from(JSON.stringify(keys)).toString('base64url');
    const tampered = [
      ...['x', '%00', next?.slice(0, -3) ?? '', `${next}`.repeat(40)],
      ...[[], [1], [1, 2], ['1', '1'], [1.5, '1'], [1, '1', '1'], [null, '1'], { sent: 1 }].map(word),
    ];
    for (const after of tampered) {
      const tables = readTablesAsked({
        after_mailings: after,
        sort_domains: 'name',
        after_domains: next ?? undefined,
      });
      expect(tables.mailings, after).toEqual({ sort: 'sent', after: undefined, isDamaged: true });
      expect(tables.domains).toEqual({ sort: 'name', after: next, isDamaged: false });
      expect(tables.messages).toEqual({ sort: 'sent', after: undefined, isDamaged: false });
      const { lists } = await readWholeReport(owner, report, tables);
      expect(lists.map(({ list, isDamaged, page }) => [list, isDamaged, page.items.length])).toEqual([
        ['mailings', true, 2],
        ['messages', false, 3],
        ['domains', false, 2],
      ]);
    }
    // That of another sort is none of this one.
    for (const sort of ['sent', 'failed', 'share'] satisfies ReportSort[])
      expect(readTablesAsked({ sort_domains: sort, after_domains: next ?? undefined }).domains).toEqual({
        sort,
        after: undefined,
        isDamaged: true,
      });
    expect(readTablesAsked({ after_mailings: ['a', 'b'] }).mailings.isDamaged).toBe(true);
  });

  test('takes along each table whole, whatever is shown of it', async () => {
    const all = await asked(manager, winter, 'all');
    for (const table of reportTables) {
      const { columns, chunks } = exportReport(manager, all, table);
      const lines = [];
      for await (const rows of chunks) lines.push(...rows.map((row) => columns.map((column) => row[column])));
      expect(lines.length, table).toBeGreaterThan(1);
      for (const line of lines)
        expect(
          line.every((cell) => cell !== undefined),
          table,
        ).toBe(true);
    }
  });

  test('is of the days that its reader’s presets mean, and compared with those before', async () => {
    const days = async (period: string, at = clock) => {
      const { report } = await findReport(owner, readReportAsked({ period }, 'own'), db, at);
      const { first, last } = report?.period ?? { first: '', last: '' };
      return [first, last, report?.before?.first ?? null, report?.before?.last ?? null];
    };
    expect(await days('today')).toEqual(['2026-04-02', '2026-04-02', '2026-04-01', '2026-04-01']);
    expect(await days('7d')).toEqual(['2026-03-27', '2026-04-02', '2026-03-20', '2026-03-26']);
    expect(await days('30d')).toEqual(['2026-03-04', '2026-04-02', '2026-02-02', '2026-03-03']);
    expect(await days('month')).toEqual(['2026-04-01', '2026-04-02', '2026-03-01', '2026-03-02']);
    expect(await days('last_month')).toEqual(['2026-03-01', '2026-03-31', '2026-02-01', '2026-02-28']);
    expect(await days('year')).toEqual(['2026-01-01', '2026-04-02', '2025-01-01', '2025-04-02']);
    const [first, last, ...before] = await days('all');
    expect([last, ...before]).toEqual(['2026-04-02', null, null]);
    expect(first?.slice(0, 7)).toBe('2025-10');
    // Late in the evening it is tomorrow already further east.
    expect(await days('today', fixedClock(new Date('2026-04-02T22:30:00Z')))).toEqual([
      '2026-04-03',
      '2026-04-03',
      '2026-04-02',
      '2026-04-02',
    ]);
    expect(await days('month', fixedClock(new Date('2026-03-31T10:00:00Z')))).toEqual([
      '2026-03-01',
      '2026-03-31',
      '2026-02-01',
      '2026-02-28',
    ]);
    // The night that daylight saving shortens is in its day all the same.
    const night = await asked(owner, { from: '2026-03-29', to: '2026-03-29' });
    expect(night.period.until.getTime() - night.period.from.getTime()).toBe(23 * 3_600_000);
    expect((await sumPeriod(owner, night)).left.unsubscribed).toBe(1);
  });

  test('asked for in a way that makes no sense is refused field by field, and nothing of another’s is told', async () => {
    const long = 'x'.repeat(10_000);
    expect(await codesOf(owner, {})).toEqual({});
    expect(await codesOf(owner, { from: '2026-03-02', to: '2026-03-01' })).toEqual({ to: 'to_before_from' });
    expect(await codesOf(owner, { from: '2026-02-30', to: long })).toEqual({
      from: 'invalid_date',
      to: 'invalid_date',
    });
    expect(await codesOf(owner, { zone: 'Mars/Olympus' })).toEqual({ zone: 'invalid_zone' });
    expect(await codesOf(owner, { zone: long, by: long, period: long })).toEqual({
      zone: 'invalid_zone',
      by: 'invalid_value',
      period: 'invalid_value',
    });
    expect(await codesOf(owner, { period: 'for ever', by: 'hour' })).toEqual({
      period: 'invalid_value',
      by: 'invalid_value',
    });
    expect(await codesOf(owner, { from: '2020-01-01', to: '2026-01-01', by: 'day' })).toEqual({
      by: 'too_many_steps',
    });
    expect(await codesOf(owner, { from: '1971-01-01', to: '2199-12-30' })).toEqual({ by: 'too_many_steps' });
    expect(await codesOf(owner, { from: '1970-01-01' })).toEqual({ from: 'invalid_date' });
    expect(await codesOf(owner, { from: '1970-01-02', to: '1971-01-01' })).toEqual({});
    expect(await codesOf(owner, { from: '2199-12-30' })).toEqual({});
    for (const id of [String(other.mailing), '999999999', "7' or 1=1", '-1', '0', long])
      expect(await codesOf(owner, { mailing: id })).toEqual({ mailing: 'not_found' });
    for (const id of [String(other.message), '999999999', long])
      expect(await codesOf(owner, { message: id })).toEqual({ message: 'not_found' });
    // A manager's own report is of the manager's own.
    expect(await codesOf(manager, { mailing: String(other.mailing) })).toEqual({ mailing: 'not_found' });
    expect(await codesOf(manager, { mailing: String(other.mailing) }, 'all')).toEqual({});
    expect(await codesOf(manager, { mailing: String(other.mailing), owner: owner.email }, 'all')).toEqual({
      mailing: 'not_found',
    });
    expect(await codesOf(manager, { owner: long }, 'all')).toEqual({ owner: 'too_long' });
    expect(await codesOf(manager, { owner: 'nobody at all' }, 'all')).toEqual({ owner: 'not_found' });
    const several = await findReport(
      manager,
      readReportAsked({ owner: '@REPORTS.example' }, 'all'),
      db,
      clock,
    );
    expect(several.errors.owner?.code).toBe('several');
    expect(several.alike.map(({ email }) => email)).toEqual([
      'winter.owner@reports.example',
      'winter.stranger@reports.example',
    ]);
    // What was typed is kept, as far as anybody would type.
    const kept = await findReport(
      owner,
      readReportAsked({ from: '2026-02-30', zone: 'Mars/Olympus' }, 'own'),
      db,
      clock,
    );
    expect(kept.asked).toMatchObject({ from: '2026-02-30', zone: 'Mars/Olympus' });
    // An owner is no field of one's own report.
    expect(await codesOf(owner, { owner: long })).toEqual({});
  });

  test('comes as a file to whoever may read it, narrowed down as its page, formulas made harmless', async () => {
    const url = (of: Record<string, string>) =>
      `http://localhost:3000/api/reports?${new URLSearchParams({ ...winter, ...of })}`;
    const hostile = await createMailing(db, owner, { name: '=HYPERLINK("http://evil.example")' });
    const run = await createRun(db, hostile, { openedAt: new Date('2026-03-30T09:00:00Z') });
    const person = await createClient(db, owner, { email: 'cell@four.example' });
    const delivery = await createDelivery(db, run, person, { status: 'sent' });
    await createAttempt(db, run, delivery);
    const answer = await answerReport(owner, 'own', url({ table: 'mailings' }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toContain('report-mailings-2025-10-19-2026-04-02.csv');
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    const lines = (await answer.text()).split('\r\n');
    expect(lines[0]).toBe('mailing_id,mailing,runs,letters_sent,attempts_failed,attempts_unknown');
    expect(lines.slice(1, -1)).toHaveLength(3);
    expect(lines).toContain(`${hostile.id},"'=HYPERLINK(""http://evil.example"")",1,1,0,0`);
    const one = await answerReport(
      owner,
      'own',
      url({ table: 'steps', by: 'month', mailing: String(hostile.id) }),
    );
    expect((await one.text()).split('\r\n')).toContain('2026-03-01,2026-03-31,1,0,0');

    const wrong = await answerReport(owner, 'own', url({ table: 'senders', zone: 'Mars/Olympus' }));
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({
      error: { fields: { table: { code: 'invalid_value' }, zone: { code: 'invalid_zone' } } },
    });
    const foreign = await answerReport(owner, 'own', url({ mailing: String(other.mailing) }));
    expect(foreign.status).toBe(400);
    expect((await answerReport(null, 'own', url({}))).status).toBe(404);
    const senders = await answerReport(manager, 'all', url({ table: 'senders' }));
    expect(await senders.text()).toContain('winter.stranger@reports.example');
    expect((await answerReport(owner, 'own', url({ table: 'attention' }))).status).toBe(400);
  });

  test('of all users names who is refused too often, who is complained about, and what nobody knows of', async () => {
    const spammer = await createActor(db, { email: 'spammer@alarms.example' });
    const report = await asked(manager, { from: '2026-06-01', to: '2026-06-30', zone: 'UTC' }, 'all');
    const ofJune = (alarms: Awaited<ReturnType<typeof findAlarms>>) => ({
      refused: alarms.refused.map(({ name, failed, share }) => ({ name, failed, share })),
      complained: alarms.complained.map(({ name, complained }) => ({ name, complained })),
      unknown: alarms.unknown.map(({ ownerEmail, letters }) => ({ ownerEmail, letters })),
    });
    const mailing = await createMailing(db, spammer);
    const run = await createRun(db, mailing, { openedAt: new Date('2026-06-10T09:00:00Z') });
    const people = await createClients(db, spammer, 100);
    const left = await db
      .insert(deliveries)
      .values(
        people.map(({ id, email, fullName }, at) => {
          const status = at < 9 ? 'failed' : at < 10 ? 'unknown' : 'sent';
          const kind = status === 'failed' ? 'spam' : status === 'unknown' ? 'no_answer' : null;
          const reason = status === 'sent' ? null : 'refused';
          return {
            runId: run.id,
            clientId: id,
            email,
            fullName,
            status,
            reason,
            endedAt: run.openedAt,
            kind,
          } as const;
        }),
      )
      .returning({ id: deliveries.id, status: deliveries.status });
    const results = { failed: 'failure', unknown: 'unknown' } as const;
    await db.insert(attempts).values(
      left.map(({ id, status }) => ({
        deliveryId: id,
        runId: run.id,
        mailingId: mailing.id,
        ownerId: spammer.id,
        batchId: 1,
        attemptedAt: run.openedAt,
        status: status === 'failed' || status === 'unknown' ? results[status] : ('success' as const),
        transport: 'smtp',
      })),
    );
    const unknown = [{ ownerEmail: spammer.email, letters: 1 }];
    // 9 of 100, and nobody has complained.
    expect(ofJune(await findAlarms(manager, report, db, clock))).toEqual({
      refused: [],
      complained: [],
      unknown,
    });
    const [tenth] = left;
    await createAttempt(db, run, { id: tenth?.id ?? 0 }, { status: 'failure', code: 554 });
    await createAttempt(db, run, { id: tenth?.id ?? 0 }, { status: 'failure', code: 554 });
    await createSuppression(db, spammer, 'angry@alarms.example', {
      reason: 'complained',
      createdAt: new Date('2026-06-11T09:00:00Z'),
    });
    await db.insert(transports).values({
      name: 'smtp:alarms.example:587',
      waitsUntil: new Date('2026-04-02T11:00:00Z'),
      waitsSince: new Date('2026-04-02T09:00:00Z'),
      waitCode: 'unreachable',
    });
    const alarms = await findAlarms(manager, report, db, clock);
    expect(ofJune(alarms)).toEqual({
      refused: [{ name: spammer.email, failed: 11, share: 11 / 102 }],
      complained: [{ name: spammer.email, complained: 1 }],
      unknown,
    });
    expect(alarms.waiting).toMatchObject([{ code: 'unreachable', until: new Date('2026-04-02T11:00:00Z') }]);
    const taken = await answerReport(
      manager,
      'all',
      'http://localhost/api/reports/all?table=attention&from=2026-06-01&to=2026-06-30&zone=UTC',
    );
    const [columns, ...rows] = (await taken.text()).split('\r\n');
    expect(columns).toBe(
      'needs_attention,name,owner,mailing_id,run_id,attempts,attempts_failed,complaints,letters_unknown,since,until',
    );
    expect(rows).toEqual([
      `much_refused,${spammer.email},${spammer.email},,,102,11,1,,,`,
      `complaints,${spammer.email},${spammer.email},,,102,11,1,,,`,
      `unknown_outcome,${mailing.name},${spammer.email},${mailing.id},${run.id},,,,1,,`,
      '',
    ]);
    // A run that has not moved since June, a year later.
    await db.execute(sql`update runs set next_delivery_id = ${tenth?.id ?? 0} where id = ${run.id}`);
    await createDelivery(db, run, await createClient(db, spammer));
    const later = fixedClock(new Date('2027-06-10T09:00:00Z'));
    expect(await listStuckRuns(manager, { ownerId: spammer.id }, db, later)).toMatchObject([
      { runId: run.id, hold: { kind: 'no_engine' } },
    ]);
    expect(await listStuckRuns(spammer, { ownerId: spammer.id }, db, later)).toEqual([]);
    expect(ofJune(await findAlarms(spammer, report, db, clock))).toEqual({
      refused: [],
      complained: [],
      unknown: [],
    });
  });

  test('a manager is told on the overview how much needs attention and whose it is, as the report says it; nobody else is', async () => {
    const today = fixedClock(new Date('2028-03-15T12:00:00Z'));
    const careless = await createActor(db, { email: 'careless@alarms.example' });
    expect(await findAttention(careless, db, today)).toBeNull();
    const before = await findAttention(manager, db, today);
    const sent = await createRun(db, await createMailing(db, careless), {
      status: 'partly_done',
      openedAt: new Date('2028-03-10T09:00:00Z'),
    });
    await createDelivery(db, sent, await createClient(db, careless), { status: 'unknown' });
    const stuck = await createRun(db, await createMailing(db, careless), {
      openedAt: new Date('2028-03-11T09:00:00Z'),
    });
    await createDelivery(db, stuck, await createClient(db, careless));
    const told = await findAttention(manager, db, today);
    expect(told?.count).toEqual({ value: (before?.count.value ?? 0) + 2, exact: true });
    expect(told?.alarms.unknown).toMatchObject([
      { runId: sent.id, mailingId: sent.mailingId, ownerEmail: careless.email, letters: 1 },
    ]);
    expect(told?.stuck).toContainEqual(
      expect.objectContaining({
        runId: stuck.id,
        ownerEmail: careless.email,
        hold: expect.objectContaining({ kind: 'no_engine' }),
      }),
    );
    const { report } = await findReport(manager, readReportAsked({}, 'all'), db, today);
    expect(report && (await findAlarms(manager, report, db, today))).toEqual(told?.alarms);
    // Of a kind the report lists ten: that there may be more is said.
    for (let more = 0; more < 10; more += 1) {
      const run = await createRun(db, await createMailing(db, careless), {
        status: 'partly_done',
        openedAt: new Date('2028-03-12T09:00:00Z'),
      });
      await createDelivery(db, run, await createClient(db, careless), { status: 'unknown' });
    }
    expect((await findAttention(manager, db, today))?.count).toEqual({
      value: (told?.count.value ?? 0) + 9,
      exact: false,
    });
  });

  test('of who has sent nothing is empty and says so', async () => {
    const nobody = await createActor(db);
    for (const period of ['today', 'year', 'all']) {
      const { report, isBegun } = await findReport(nobody, readReportAsked({ period }, 'own'), db, clock);
      expect(isBegun).toBe(false);
      if (!report) throw new Error('no report');
      expect((await sumPeriod(nobody, report)).tried).toEqual({ sent: 0, failed: 0, unknown: 0 });
    }
  });
});
