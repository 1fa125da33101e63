import http from 'node:http';
import type { Sql } from 'postgres';
import { z } from 'zod';
import { connect } from '@/db/client';
import { encodeCursor } from '@/lib/paging';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { buildProduction } from '../../scripts/prepare.mjs';
import { signInAt } from '../support/visit';
import { watchBusy } from './busy';
import { exportRows } from './export';
import { type Ground, median, progress, quantile, type Row, rowOf, spread, whole } from './ground';
import { expectSums, largestMailing, loadHistory, people } from './history';
import { firstByte, type Site, serve } from './site';

/** Attempts on the other side of the ratio. */
const few = 10_000;

/** A service with so much history: its server, who is signed in, and where its pages are. */
export type Side = { site: Site; owner: string; manager: string; places: Places; attempts: number };

/** What the addresses of pages name. */
const placesSchema = z.object({
  run: z.coerce.number(),
  attempt: z.coerce.number(),
  /** In the middle of the largest mailing's history, of the owner's, and of everybody's. */
  ofRun: z.string(),
  ofOwner: z.string(),
  ofAll: z.string(),
  from: z.string(),
  to: z.string(),
});
type Places = z.output<typeof placesSchema>;

const mailing = `/mailings/${largestMailing}`;

/** What it is, who looks at it, and where it is. */
type Page = [what: string, who: 'owner' | 'manager', path: (at: Places) => string];

/** Every page that shows attempts or sums of them. */
const pages: Page[] = [
  ['the overview', 'owner', () => '/dashboard'],
  ["a manager's overview", 'manager', () => '/dashboard'],
  ['the mailings', 'owner', () => '/mailings'],
  ['a mailing of a tenth of all attempts', 'owner', () => mailing],
  ['a run of it', 'owner', (at) => `${mailing}/runs/${at.run}`],
  ['its letters from the middle on', 'owner', (at) => `${mailing}/runs/${at.run}?after=${at.ofRun}`],
  ['its letters that failed', 'owner', (at) => `${mailing}/runs/${at.run}?status=failed`],
  ['those of a kind', 'owner', (at) => `${mailing}/runs/${at.run}?kind=spam`],
  ['those of a domain', 'owner', (at) => `${mailing}/runs/${at.run}?q=%40rambler.ru`],
  ['one of its letters by address', 'owner', (at) => `${mailing}/runs/${at.run}?q=reader75%40mail.ru`],
  ['the attempts', 'owner', () => '/attempts'],
  ['the attempts from the middle on', 'owner', (at) => `/attempts?after=${at.ofOwner}`],
  ['attempts that failed', 'owner', () => '/attempts?status=failure'],
  ['attempts that nobody answered', 'owner', () => '/attempts?status=unknown'],
  ['attempts of a kind', 'owner', () => '/attempts?kind=mailbox_full'],
  ['attempts of a month', 'owner', (at) => `/attempts?from=${at.from}&to=${at.to}`],
  ['attempts of a mailing', 'owner', () => `/attempts?mailing=${largestMailing}`],
  ['those that failed', 'owner', () => `/attempts?mailing=${largestMailing}&status=failure`],
  [
    'those of a kind and a month',
    'owner',
    (at) => `/attempts?mailing=${largestMailing}&kind=spam&from=${at.from}&to=${at.to}`,
  ],
  ['attempts by the name of a mailing', 'owner', () => '/attempts?q=Weekly+letter+5'],
  ['attempts by an address', 'owner', () => '/attempts?q=reader75%40mail.ru'],
  ['attempts by a word of the answer', 'owner', () => '/attempts?q=spamhaus'],
  ['attempts by what is nowhere', 'owner', () => '/attempts?q=nowhere+to+be+found'],
  ['an attempt', 'owner', (at) => `/attempts/${at.attempt}`],
  ['the report of 30 days', 'owner', () => '/reports'],
  ['the report of 7 days', 'owner', () => '/reports?period=7d'],
  ['the report of all time', 'owner', () => '/reports?period=all'],
  ['the report of a mailing', 'owner', () => `/reports?mailing=${largestMailing}`],
  ["everybody's report of 30 days", 'manager', () => '/manage/reports'],
  ["everybody's report of all time", 'manager', () => '/manage/reports?period=all'],
  ["everybody's attempts", 'manager', () => '/manage/attempts'],
  ["everybody's from the middle on", 'manager', (at) => `/manage/attempts?after=${at.ofAll}`],
  ["everybody's that failed", 'manager', () => '/manage/attempts?status=failure'],
  ["everybody's by a word of the answer", 'manager', () => '/manage/attempts?q=spamhaus'],
  ["everybody's by what is nowhere", 'manager', () => '/manage/attempts?q=nowhere+to+be+found'],
  ["one owner's that failed", 'manager', () => '/manage/attempts?owner=user3%40bench.test&status=failure'],
];

/**
 * Every page of the statistics with ten million attempts ÷ the same page with ten thousand: the 95th percentile of the time to the first
 * byte, from two servers of the production build on two databases of one PostgreSQL. Then the export.
 */
export async function benchReports(ground: Ground): Promise<Row[]> {
  await buildProduction(progress, process.env);
  const smallUrl = await secondDatabase(ground.databaseUrl, 'few');
  const small = await startSide(ground, smallUrl, few);
  const large = await startSide(ground, ground.databaseUrl, ground.attempts);
  return [...(await comparePages(ground, large, small)), ...(await exportRows(ground, large))];
}

/** The export alone. */
export async function benchExport(ground: Ground): Promise<Row[]> {
  await buildProduction(progress, process.env);
  return exportRows(ground, await startSide(ground, ground.databaseUrl, ground.attempts));
}

async function secondDatabase(url: string, name: string): Promise<string> {
  const { sql } = connect(url, 1);
  await sql.unsafe(`create database ${name}`);
  await sql.end();
  const second = new URL(url);
  second.pathname = `/${name}`;
  await migrateDatabase(second.href);
  return second.href;
}

async function startSide(ground: Ground, url: string, attempts: number): Promise<Side> {
  const { sql } = connect(url, 2);
  try {
    progress(`loading ${whole(attempts)} attempts`);
    const loaded = await loadHistory(sql, attempts, progress);
    if (attempts <= 1_000_000) await expectSums(sql);
    return await openSide(ground, url, sql, loaded);
  } finally {
    await sql.end();
  }
}

/** A server on a database with a history in it. */
export async function openSide(ground: Ground, url: string, database: Sql, attempts: number): Promise<Side> {
  const site = await serve(ground, { DATABASE_URL: url });
  return {
    site,
    attempts,
    places: await findPlaces(database),
    owner: await signInAt(site.base, people.owner, people.password),
    manager: await signInAt(site.base, people.manager, people.password),
  };
}

async function findPlaces(database: Sql): Promise<Places> {
  const [run] = await database`select max(id) as id from runs where mailing_id = ${largestMailing}`;
  const [client] = await database`
    select client_id as id from deliveries where run_id = ${run?.id} order by client_id
    offset (select total / 2 from run_counts where run_id = ${run?.id}) limit 1`;
  const halfway = async (of: string) => {
    const [found] = await database.unsafe(`
      select id, (extract(epoch from attempted_at) * 1000000)::bigint as at from attempts
      where ${of} and attempted_at < now() - interval '365 days' order by attempted_at desc, id desc limit 1`);
    return encodeCursor([Number(found?.id), Number(found?.at)]);
  };
  const [attempt] = await database`
    select id from attempts where owner_id = 1 and kind is not null order by attempted_at desc limit 1`;
  const [day] =
    await database`select (now() - interval '50 days')::date::text as from, (now() - interval '20 days')::date::text as to`;
  return placesSchema.parse({
    run: run?.id,
    attempt: attempt?.id,
    ofRun: encodeCursor([Number(client?.id)]),
    ofOwner: await halfway('owner_id = 1'),
    ofAll: await halfway('true'),
    from: day?.from,
    to: day?.to,
  });
}

/** Each page of both sides in turn, one request after the other: none waits for another, and to ask faster would measure the rate. */
export async function comparePages(ground: Ground, large: Side, small: Side): Promise<Row[]> {
  // Of twenty requests the 95th percentile is the second slowest.
  const asked = Math.max(10, Math.round(ground.letters / 500));
  // The first requests load the code of a page, and what it reads into the cache of the database.
  for (const page of pages) await askInTurn(page, [large, small], 3);
  const measured = new Map(
    pages.map(([what]) => [what, { ours: [] as number[], peer: [] as number[], ratios: [] as number[] }]),
  );
  const readBusy = watchBusy([
    { name: 'the server', pid: large.site.pid },
    { name: 'the other server', pid: small.site.pid },
    { name: 'Postgres', pid: ground.postgresPid, withChildren: true },
    { name: 'this client', pid: process.pid },
  ]);
  for (let round = 0; round < ground.rounds; round += 1) {
    const turns = round % 2 === 0 ? [large, small] : [small, large];
    for (const page of pages) {
      const times = await askInTurn(page, turns, asked);
      const [ours, peer] = [large, small].map((side) => quantile(times.get(side) ?? [], 0.95));
      const found = measured.get(page[0]);
      if (!found || !ours || !peer) throw new Error(`${page[0]} was not measured`);
      found.ours.push(ours);
      found.peer.push(peer);
      found.ratios.push(ours / peer);
      progress(
        `round ${round + 1}, ${page[0]}: ${ours.toFixed(0)} ÷ ${peer.toFixed(0)} ms = ${(ours / peer).toFixed(2)}`,
      );
    }
  }
  ground.note(`cores busy: ${readBusy()}`);
  ground.note(
    `${whole(large.attempts)} attempts against ${whole(small.attempts)}; p95 of the first byte of ${asked} requests a round and side, ${asked * ground.rounds} of each page and side in all`,
  );
  return [...measured].map(([what, { ours, peer, ratios }]) =>
    rowOf(
      {
        what: `${what}: with ${whole(large.attempts)} attempts ÷ with ${whole(small.attempts)}`,
        ours: `${median(ours).toFixed(0)} ms`,
        peer: `${median(peer).toFixed(0)} ms`,
        ratio: median(ratios),
        spread: spread(ratios),
      },
      { sign: '≤', must: 1.5, aim: 1.1 },
    ),
  );
}

/** Asks sides in turn for one page, so often each, one after the other. */
async function askInTurn(
  [what, who, path]: Page,
  turns: Side[],
  times: number,
): Promise<Map<Side, number[]>> {
  const agent = new http.Agent({ keepAlive: true });
  const found = new Map<Side, number[]>(turns.map((side) => [side, []]));
  try {
    for (let asked = 0; asked < times; asked += 1)
      for (const side of turns) {
        const url = `${side.site.base}${path(side.places)}`;
        found.get(side)?.push(await firstByte(url, side[who], agent, performance.now()));
      }
  } catch (error) {
    throw new Error(`${what}: ${error}`);
  }
  agent.destroy();
  return found;
}
