import { asc, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { db, replacePool } from '@/db/client';
import { attempts, clients, deliveries } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { smtpTransport } from '@/lib/email/smtp';
import { parseEnv } from '@/lib/env';
import { sendDueMailings } from '@/lib/sending/engine';
import { type DatabaseWire, type Fate, layDatabaseWire, type Statement } from '../support/database-wire';
import { createMailing, createUser } from '../support/factories';
import { recount, runsOf } from '../support/ledger';
import { type ScriptedServer, scriptedSmtp } from '../support/scripted-smtp';

/*
 * The network between the engine and its database fails in the worst moments there are: when an engine writes down which
 * letters go next, and what became of them. The server may or may not have it; the engine never hears.
 */

const start = new Date('2026-01-05T09:00:00Z');
/** Several claims of two parcels each: every first record of a claim also writes down who goes next. */
const many = 330;

let wire: DatabaseWire;
let server: ScriptedServer;

beforeAll(async () => {
  wire = await layDatabaseWire(process.env.DATABASE_URL ?? '');
  process.env.DATABASE_URL = wire.url;
});
beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
  server = await scriptedSmtp();
});
afterEach(async () => {
  wire.watch = null;
  wire.answered = null;
  await server.close();
});
afterAll(async () => {
  // Not ended: the driver waits for connections that were cut in the middle of a query.
  replacePool();
  await wire.close();
});

const isRecord = ({ query }: Statement) => query.includes('record_outcomes(');

/** The n-th try, from 1 on, of what is tried again as it was. */
function tries() {
  const seen = new Map<string, number>();
  return ({ query, parameters }: Statement) => {
    const key = query + parameters;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    return seen.get(key) ?? 0;
  };
}

/** Sends a mailing to `many` clients while statements meet their fate, and holds what came of it against every promise. */
async function sendWhile(fate: (statement: Statement) => Fate): Promise<void> {
  const owner = await createUser(db);
  const addresses = Array.from({ length: many }, (_, index) => `c${index + 1}@mail.org`);
  await db
    .insert(clients)
    .values(
      addresses.map((email) => ({ ownerId: owner.id, email, emailKey: email, fullName: 'Grace Hopper' })),
    );
  const mailing = await createMailing(db, owner);
  const transport = smtpTransport('smtp:test', {
    host: '127.0.0.1',
    port: server.port,
    implicitTls: false,
    tls: 'required',
    user: null,
    password: null,
    connections: 2,
    timeoutMs: 10_000,
  });
  try {
    wire.watch = fate;
    const counts = await sendDueMailings({
      clock: fixedClock(start),
      deadline: new Date('2999-01-01'),
      transport,
      settings: parseEnv({ ...process.env, SEND_BATCH: '200' }),
    });
    wire.watch = null;
    expect(counts).toMatchObject({
      claimed: many,
      sent: many,
      unknown: 0,
      failed: 0,
      retried: 0,
      remaining: 0,
    });
  } finally {
    await transport.close();
  }

  expect(server.recipients.toSorted()).toEqual(addresses.toSorted());
  const [run] = await runsOf(mailing.id);
  expect(run?.status).toBe('done');
  const rows = await db.select().from(deliveries).orderBy(asc(deliveries.id));
  expect(rows.filter(({ status, tries }) => status !== 'sent' || tries !== 1)).toEqual([]);
  const written = await db.select().from(attempts).orderBy(asc(attempts.deliveryId));
  expect(written.map(({ deliveryId, status }) => [deliveryId, status])).toEqual(
    rows.map(({ id }) => [id, 'success']),
  );
  expect(await recount(run?.id ?? 0)).toMatchObject({
    total: many,
    sent: many,
    unknown: 0,
    sending: 0,
    queued: 0,
  });
}

describe('when the connection to the database is cut while the outcomes of letters are written down', () => {
  it('after they were written: they stay written, and whoever goes next is mailed once', async () => {
    const nth = tries();
    let cuts = 0;
    await sendWhile((statement) => {
      if (!isRecord(statement) || nth(statement) > 1) return 'pass';
      cuts += 1;
      return 'cut-after';
    });
    expect(cuts).toBeGreaterThanOrEqual(7);
  });

  it('before they were written: they are written all the same, each once', async () => {
    const nth = tries();
    let cuts = 0;
    await sendWhile((statement) => {
      if (!isRecord(statement) || nth(statement) > 1) return 'pass';
      cuts += 1;
      return 'cut-before';
    });
    expect(cuts).toBeGreaterThanOrEqual(7);
  });

  it('three times on end: nobody is in doubt, nobody mailed twice', async () => {
    const nth = tries();
    let cuts = 0;
    let first: string | undefined;
    await sendWhile((statement) => {
      if (!isRecord(statement)) return 'pass';
      first ??= statement.parameters;
      if (statement.parameters !== first || nth(statement) > 3) return 'pass';
      cuts += 1;
      return cuts === 2 ? 'cut-before' : 'cut-after';
    });
    expect(cuts).toBe(3);
  });

  it('and they reach the database only when they have been written a second time: nothing is told of a letter twice', async () => {
    const nth = tries();
    const repeated = new Set<string>();
    wire.answered = async (statement) => {
      if (repeated.delete(statement.parameters)) await wire.deliver();
    };
    let cuts = 0;
    await sendWhile((statement) => {
      if (!isRecord(statement)) return 'pass';
      if (nth(statement) > 1) {
        repeated.add(statement.parameters);
        return 'pass';
      }
      cuts += 1;
      return 'late';
    });
    expect(cuts).toBeGreaterThanOrEqual(7);
  });
});

describe('when the connection to the database is cut while it is written down who goes next', () => {
  const isIntent = ({ query }: Statement) => query.includes('intend_attempts(');
  it.each<Fate>(['cut-after', 'cut-before'])(
    '(%s) each is mailed once, and one attempt tells of it',
    async (fate) => {
      const nth = tries();
      let cuts = 0;
      await sendWhile((statement) => {
        if (!isIntent(statement) || nth(statement) > 1) return 'pass';
        cuts += 1;
        return fate;
      });
      expect(cuts).toBeGreaterThanOrEqual(4);
    },
  );

  it('three times on end: each is mailed once, and one attempt tells of it', async () => {
    const fates: Fate[] = ['cut-before', 'cut-after', 'cut-after'];
    await sendWhile((statement) => (isIntent(statement) ? (fates.shift() ?? 'pass') : 'pass'));
    expect(fates).toEqual([]);
  });

  it('and it reaches the database only when it has been written a second time: nobody has a second attempt', async () => {
    const nth = tries();
    const repeated = new Set<string>();
    let delivered = 0;
    wire.answered = async (statement) => {
      if (!repeated.delete(statement.parameters)) return;
      delivered += 1;
      await wire.deliver();
    };
    let cuts = 0;
    await sendWhile((statement) => {
      if (!isIntent(statement)) return 'pass';
      if (nth(statement) > 1) {
        repeated.add(statement.parameters);
        return 'pass';
      }
      cuts += 1;
      return 'late';
    });
    expect(cuts).toBeGreaterThanOrEqual(4);
    expect(delivered).toBe(cuts);
  });
});
