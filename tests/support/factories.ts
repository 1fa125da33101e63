import { hash } from '@node-rs/argon2';
import type { Db } from '@/db/client';
import { attempts } from '@/db/schema/attempts';
import { batches } from '@/db/schema/batches';
import { clients } from '@/db/schema/clients';
import { deliveries } from '@/db/schema/deliveries';
import { mailingClients, mailings } from '@/db/schema/mailings';
import { messages } from '@/db/schema/messages';
import { posts } from '@/db/schema/posts';
import { runs } from '@/db/schema/runs';
import { suppressions } from '@/db/schema/suppressions';
import { users } from '@/db/schema/users';
import type { Actor } from '@/lib/policy/rules';

/*
 * Rows put straight into the tables, with defaults for whatever a test does not speak of. They take no way through our own
 * functions, so that a test of one function does not hang on others.
 */

let count = 0;
const next = () => {
  count += 1;
  return count;
};

type Owner = { id: number };

export type UserRow = typeof users.$inferSelect;
export type ClientRow = typeof clients.$inferSelect;
export type MessageRow = typeof messages.$inferSelect;
export type MailingRow = typeof mailings.$inferSelect;
export type RunRow = typeof runs.$inferSelect;
export type DeliveryRow = typeof deliveries.$inferSelect;

function only<T>(rows: T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error('the insert returned no row');
  return row;
}

/** A confirmed user. Signs in only when `password` is given: hashing takes a moment. */
export async function createUser(
  db: Db,
  { password, ...overrides }: Partial<typeof users.$inferInsert> & { password?: string } = {},
): Promise<UserRow> {
  const email = overrides.email ?? `user${next()}@users.example`;
  return only(
    await db
      .insert(users)
      .values({
        email,
        emailKey: email.toLowerCase(),
        name: 'Ada Lovelace',
        passwordHash: password
          ? await hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 })
          : 'none',
        confirmedAt: new Date('2026-01-01T00:00:00Z'),
        ...overrides,
      })
      .returning(),
  );
}

/** What the row would be as the one who acts. */
export function asActor(user: UserRow): Actor {
  const { id, email, name, isStaff, isSuperuser, timeZone, locale } = user;
  return { id, email, name, isStaff, isSuperuser, timeZone, locale };
}

/** A user with the roles given, as the one who acts. */
export async function createActor(db: Db, overrides: Parameters<typeof createUser>[1] = {}): Promise<Actor> {
  return asActor(await createUser(db, overrides));
}

export async function createClient(
  db: Db,
  owner: Owner,
  overrides: Partial<typeof clients.$inferInsert> = {},
): Promise<ClientRow> {
  const email = overrides.email ?? `client${next()}@clients.example`;
  return only(
    await db
      .insert(clients)
      .values({
        ownerId: owner.id,
        email,
        emailKey: email.toLowerCase(),
        fullName: 'Grace Hopper',
        ...overrides,
      })
      .returning(),
  );
}

/** Many clients by one statement, in ascending order of their ids. */
export async function createClients(db: Db, owner: Owner, howMany: number): Promise<ClientRow[]> {
  const rows = Array.from({ length: howMany }, () => {
    const email = `client${next()}@clients.example`;
    return { ownerId: owner.id, email, emailKey: email, fullName: `Client ${count}` };
  });
  const made: ClientRow[] = [];
  for (let from = 0; from < rows.length; from += 2000)
    made.push(
      ...(await db
        .insert(clients)
        .values(rows.slice(from, from + 2000))
        .returning()),
    );
  return made;
}

export async function createMessage(
  db: Db,
  owner: Owner,
  overrides: Partial<typeof messages.$inferInsert> = {},
): Promise<MessageRow> {
  return only(
    await db
      .insert(messages)
      .values({
        ownerId: owner.id,
        subject: `News ${next()}`,
        body: '<p>Hello {{ client.full_name | default: "friend" }}</p>',
        ...overrides,
      })
      .returning(),
  );
}

/**
 * A mailing to all clients, once, due since 2026-01-05 09:00 UTC and not begun, with a message made for it. `clients` makes
 * it one to these chosen ones.
 */
export async function createMailing(
  db: Db,
  owner: Owner,
  {
    clients: chosen,
    ...overrides
  }: Partial<typeof mailings.$inferInsert> & { clients?: { id: number }[] } = {},
): Promise<MailingRow> {
  const startsAt = overrides.startsAt ?? new Date('2026-01-05T09:00:00Z');
  const messageId = overrides.messageId ?? (await createMessage(db, owner)).id;
  const mailing = only(
    await db
      .insert(mailings)
      .values({
        ownerId: owner.id,
        name: `Mailing ${next()}`,
        messageId,
        audience: chosen ? 'chosen' : 'all',
        periodicity: 'once',
        startsLocal: startsAt.toISOString().slice(0, 16),
        zone: 'UTC',
        startsAt,
        nextSlotAt: overrides.status === 'completed' ? null : startsAt,
        ...overrides,
      })
      .returning(),
  );
  if (chosen && chosen.length > 0)
    await db.insert(mailingClients).values(chosen.map(({ id }) => ({ mailingId: mailing.id, clientId: id })));
  return mailing;
}

/** An open manual run without deliveries; a `slotAt` makes it a scheduled one. */
export async function createRun(
  db: Db,
  mailing: { id: number; ownerId: number },
  overrides: Partial<typeof runs.$inferInsert> = {},
): Promise<RunRow> {
  const openedAt = overrides.openedAt ?? overrides.slotAt ?? new Date('2026-01-05T09:00:00Z');
  const status = overrides.status ?? 'open';
  return only(
    await db
      .insert(runs)
      .values({
        mailingId: mailing.id,
        ownerId: mailing.ownerId,
        kind: overrides.slotAt ? 'scheduled' : 'manual',
        status,
        subject: 'News',
        body: '<p>Hello {{ client.full_name | default: "friend" }}</p>',
        fromName: 'Ada Lovelace',
        fromEmail: 'mailroom@sender.example',
        replyTo: 'ada@users.example',
        linkBase: 'http://localhost:3000',
        openedAt,
        servedAt: openedAt,
        closedAt: status === 'open' ? null : openedAt,
        ...overrides,
      })
      .returning(),
  );
}

/** A delivery of the run to the client: queued unless another status is given. */
export async function createDelivery(
  db: Db,
  run: { id: number; openedAt: Date },
  client: { id: number; email: string; fullName: string },
  overrides: Partial<typeof deliveries.$inferInsert> = {},
): Promise<DeliveryRow> {
  const status = overrides.status ?? 'queued';
  return only(
    await db
      .insert(deliveries)
      .values({
        runId: run.id,
        clientId: client.id,
        email: client.email,
        fullName: client.fullName,
        status,
        endedAt: status === 'queued' ? null : run.openedAt,
        ...overrides,
      })
      .returning(),
  );
}

export async function createBatch(
  db: Db,
  run: { id: number },
  overrides: Partial<typeof batches.$inferInsert> = {},
): Promise<typeof batches.$inferSelect> {
  return only(
    await db
      .insert(batches)
      .values({
        runId: run.id,
        transport: 'outbox',
        holder: 'test',
        leasedUntil: new Date('2026-01-05T09:02:00Z'),
        ...overrides,
      })
      .returning(),
  );
}

/** An attempt at the delivery, with a batch made for it when none is given: accepted unless another status is given. */
export async function createAttempt(
  db: Db,
  run: { id: number; mailingId: number; ownerId: number; openedAt: Date },
  delivery: { id: number },
  overrides: Partial<typeof attempts.$inferInsert> = {},
): Promise<typeof attempts.$inferSelect> {
  const batchId = overrides.batchId ?? (await createBatch(db, run, { endedAt: run.openedAt })).id;
  return only(
    await db
      .insert(attempts)
      .values({
        deliveryId: delivery.id,
        runId: run.id,
        mailingId: run.mailingId,
        ownerId: run.ownerId,
        batchId,
        attemptedAt: run.openedAt,
        status: 'success',
        code: 250,
        response: '250 2.0.0 Ok: queued',
        stage: 'dot',
        transport: 'outbox',
        ...overrides,
      })
      .returning(),
  );
}

export async function createSuppression(
  db: Db,
  owner: Owner,
  email: string,
  overrides: Partial<typeof suppressions.$inferInsert> = {},
): Promise<typeof suppressions.$inferSelect> {
  return only(
    await db
      .insert(suppressions)
      .values({ ownerId: owner.id, emailKey: email.toLowerCase(), reason: 'unsubscribed', ...overrides })
      .returning(),
  );
}

/** A draft; `status: 'published'` gives it a date. */
export async function createPost(
  db: Db,
  overrides: Partial<typeof posts.$inferInsert> = {},
): Promise<typeof posts.$inferSelect> {
  const number = next();
  return only(
    await db
      .insert(posts)
      .values({
        title: `Post ${number}`,
        slug: `post-${number}`,
        body: '<p>Text</p>',
        publishedAt: overrides.status === 'published' ? new Date('2026-01-05T09:00:00Z') : null,
        ...overrides,
      })
      .returning(),
  );
}
