import { sql } from 'drizzle-orm';
import { db } from '@/db/client';
import type { Actor } from '@/lib/policy/rules';
import { startRun } from '@/lib/runs/mutations';

/** A letter of 5 KB of HTML, personalised. */
export const subject = 'News for {{ client.full_name | default: "friend" }}';
export const body = `<h1>Hello {{ client.full_name | default: "friend" }}</h1>${'<p>The quick brown fox jumps over the lazy dog, and writes home about it every week.</p>'.repeat(
  57,
)}<p>Sent to {{ client.email }}.</p>`;

/** The same letter as a peer makes it for the nth client: values put in, a text part made from the HTML, a link to leave by. */
export function personalised(nth: number) {
  const name = `Client Number ${nth}`;
  const address = `client${nth}@bench.test`;
  const fill = (text: string) =>
    text
      .replaceAll('{{ client.full_name | default: "friend" }}', name)
      .replaceAll('{{ client.email }}', address);
  const html = fill(body);
  return {
    name,
    address,
    subject: fill(subject),
    html,
    text: html.replace(/<[^>]+>/g, ' '),
    headers: {
      'List-Unsubscribe': `<http://localhost:3000/u/${nth}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
  };
}

export type Owner = { ownerId: number; messageId: number };

/** One owner with that many clients and a message, in an emptied database. Returns the ids. */
export async function stock(clients: number, letter = { subject, body }): Promise<Owner> {
  await db.execute(
    sql`truncate users, runs, deliveries, attempts, batches, transports, engines, client_addresses cascade`,
  );
  const [owner] = await db.execute<{ id: string }>(sql`
    insert into users (email, email_key, name, password_hash, confirmed_at)
    values ('owner@bench.test', 'owner@bench.test', 'Bench Owner', 'none', now()) returning id`);
  const ownerId = Number(owner?.id);
  await db.execute(sql`
    insert into clients (owner_id, email, email_key, full_name)
    select ${ownerId}, 'client' || n || '@bench.test', 'client' || n || '@bench.test', 'Client Number ' || n
    from generate_series(1, ${clients}) n`);
  const [message] = await db.execute<{ id: string }>(sql`
    insert into messages (owner_id, subject, body) values (${ownerId}, ${letter.subject}, ${letter.body}) returning id`);
  await db.execute(sql`analyze`);
  return { ownerId, messageId: Number(message?.id) };
}

/** A mailing to all clients that is due since `at`. */
export async function dueMailing(owner: Owner, at: Date): Promise<number> {
  const [mailing] = await db.execute<{ id: string }>(sql`
    insert into mailings (owner_id, name, message_id, audience, periodicity, starts_local, zone, starts_at, next_slot_at)
    values (${owner.ownerId}, 'Bench', ${owner.messageId}, 'all', 'once', ${at.toISOString().slice(0, 19)}, 'UTC',
      ${at.toISOString()}::timestamptz, ${at.toISOString()}::timestamptz) returning id`);
  return Number(mailing?.id);
}

/** A run to that many clients, open and analysed, in an emptied database. */
export async function openRun(
  howMany: number,
  letter?: { subject: string; body: string },
): Promise<{ mailingId: number; runId: number }> {
  const owner = await stock(howMany, letter);
  const never = new Date(Date.now() + 365 * 24 * 3600_000);
  const actor: Actor = {
    id: owner.ownerId,
    email: 'owner@bench.test',
    name: 'Bench Owner',
    isStaff: false,
    isSuperuser: false,
    timeZone: 'UTC',
    locale: 'en',
  };
  const mailingId = await dueMailing(owner, never);
  const started = await startRun(actor, { mailingId });
  if (!started.ok) throw new Error(`the run did not open: ${started.error.code}`);
  await db.execute(sql`analyze`);
  return { mailingId, runId: started.data.runId };
}
