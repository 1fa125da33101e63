import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { closeDatabase, db } from '@/db/client';
import { fixedClock } from '@/lib/clock';
import type { Transport } from '@/lib/email/transport';
import { parseEnv } from '@/lib/env';
import { sendDueMailings } from '@/lib/sending/engine';
import { migrateDatabase } from '../../scripts/migrate.mjs';
import { recount } from '../support/ledger';
import { createOldDatabase } from '../support/old-database';
import { playedTransport } from '../support/transport';

/*
 * Mailroom is upgraded while engines of the version before have letters on their way, of which that version kept an attempt,
 * `unknown`, from before the hand-over on; now the batch keeps them. Made by that version's own functions.
 */

const now = new Date();
const minutes = (n: number) => new Date(now.getTime() + n * 60_000);
const members = 30;

let old: { url: string; drop: () => Promise<void> };
let raw: postgres.Sql;
let runId: number;
const smtp = playedTransport(undefined, { name: 'smtp:played' });
const resend = playedTransport(undefined, { name: 'resend:played', repeatsSafely: true });

/** What one engine of the old version had in hand: the ids it claimed, of which it had intended the first so many. */
async function claimed(transport: string, most: number, intended: number, key: string | null = null) {
  const holder = `engine of ${transport} ${most}`;
  const rows = await raw<{ of_batch: string; delivery_id: string }[]>`
    select * from claim_batch(${holder}, ${transport}, ${most}, 3600, ${key}, ${now})`;
  const ids = rows.map((row) => Number(row.delivery_id));
  const batch = Number(rows[0]?.of_batch);
  const attempts = await raw<{ attempt_id: string }[]>`
    select * from intend_attempts(${batch}, ${holder}, ${ids.slice(0, intended)}::bigint[], 3600, 'other bytes', ${now})`;
  return { batch, holder, ids, attempts: attempts.map((row) => Number(row.attempt_id)) };
}

let overSmtp: Awaited<ReturnType<typeof claimed>>;
let overResend: Awaited<ReturnType<typeof claimed>>;

beforeAll(async () => {
  old = await createOldDatabase(inject('postgresUrl'), '0007_uploads');
  process.env.DATABASE_URL = old.url;
  raw = postgres(old.url, { max: 1, onnotice: () => {} });
  const insert = async (table: string, row: Record<string, unknown>) =>
    Number((await raw<{ id: string }[]>`insert into ${raw(table)} ${raw(row)} returning id`)[0]?.id);
  const ownerId = await insert('users', {
    ...{ email: 'ada@mail.org', email_key: 'ada@mail.org', name: 'Ada', password_hash: 'none' },
    confirmed_at: minutes(-9999),
  });
  const messageId = await insert('messages', { owner_id: ownerId, subject: 'News', body: '<p>Hello</p>' });
  const mailingId = await insert('mailings', {
    ...{ owner_id: ownerId, name: 'News', message_id: messageId, audience: 'all', periodicity: 'once' },
    ...{ starts_local: '2026-01-05T09:00', zone: 'UTC', starts_at: minutes(-60), status: 'running' },
  });
  runId = await insert('runs', {
    ...{ mailing_id: mailingId, owner_id: ownerId, kind: 'scheduled', slot_at: minutes(-60), status: 'open' },
    ...{ subject: 'News', body: '<p>Hello</p>', from_name: 'Ada', from_email: 'mailroom@sender.test' },
    ...{ reply_to: 'ada@mail.org', link_base: 'http://localhost:3000' },
    ...{ opened_at: minutes(-60), served_at: minutes(-60) },
  });
  await raw`
    insert into deliveries (run_id, client_id, email, full_name, status)
    select ${runId}, n, 'c' || n || '@mail.org', 'Client', 'queued' from generate_series(1, ${members}) n`;
  overSmtp = await claimed('smtp:played', 10, 4);
  overResend = await claimed('resend:played', 10, 10, 'the key');
  // Of the first parcel two are recorded, and with them a third is intended: four on disk less two and one more.
  const [first = 0, second = 0] = overSmtp.attempts;
  await raw`
    select * from record_outcomes(${overSmtp.batch}, ${overSmtp.holder}, 3600, ${now}, ${[first, second]}::bigint[],
      ${overSmtp.ids.slice(0, 2)}::bigint[], array['success', 'success'], array[250, 250], array['250 Ok', '250 Ok'],
      array['dot', 'dot'], array['sent', 'sent'], array[null, null]::text[], array[1, 1], array[null, null]::text[],
      ${overSmtp.ids.slice(4, 5)}::bigint[])`;
  await closeDatabase();
  await migrateDatabase(old.url);
}, 60_000);
afterAll(async () => {
  await closeDatabase();
  await raw.end();
  await old.drop();
});

const pass = (transport: Transport) =>
  sendDueMailings({
    clock: fixedClock(minutes(1)),
    deadline: new Date('2999-01-01'),
    transport,
    settings: parseEnv({ ...process.env }),
  });
const statusesOf = async (ids: number[]) => {
  const rows = await db.execute<{ id: string; status: string }>(sql`select id, status from deliveries`);
  return ids.map((id) => rows.find((row) => Number(row.id) === id)?.status);
};
const handed = (transport: typeof smtp) => transport.handed.map(({ letter }) => letter.deliveryId).toSorted();

it('leaves to the old engines what is theirs until their leases end, and mails the rest', async () => {
  await recount(runId);
  expect(await pass(smtp)).toMatchObject({ claimed: 10, sent: 10, unknown: 0 });
  const [firstOfAll = 0] = overSmtp.ids;
  expect(handed(smtp)).toEqual(Array.from({ length: 10 }, (_, n) => firstOfAll + 20 + n).toSorted());
  await recount(runId);
});

it('then calls unknown what may have gone out, mails once what had only been claimed, and lists each attempt once', async () => {
  smtp.handed.length = 0;
  await raw`update batches set leased_until = now() where id = ${overSmtp.batch}`;
  expect(await pass(smtp)).toMatchObject({ claimed: 5, sent: 5, unknown: 3 });
  expect(handed(smtp)).toEqual(overSmtp.ids.slice(5).toSorted());
  expect(await statusesOf(overSmtp.ids.slice(0, 6))).toEqual([
    'sent',
    'sent',
    'unknown',
    'unknown',
    'unknown',
    'sent',
  ]);
  const [doubled] = await db.execute<{ n: number }>(sql`
    select count(*)::int as n from (select 1 from attempts group by delivery_id having count(*) > 1) twice`);
  expect(doubled?.n).toBe(0);
  await recount(runId);
});

it('and over Resend repeats nothing whose bytes are others now: those are unknown', async () => {
  await raw`update batches set leased_until = now() where id = ${overResend.batch}`;
  expect(await pass(resend)).toMatchObject({ sent: 0, unknown: 10, remaining: 0 });
  expect(resend.handed).toEqual([]);
  expect(new Set(await statusesOf(overResend.ids))).toEqual(new Set(['unknown']));
  await recount(runId);
});
