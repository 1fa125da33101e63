import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { db } from '@/db/client';
import { engines, mailings, transports } from '@/db/schema';
import { transportName } from '@/lib/email/transport';
import { rawConnection } from '@/tests/support/database';
import {
  createActor,
  createBatch,
  createClients,
  createDelivery,
  createMailing,
  createRun,
} from '@/tests/support/factories';

/** Asks a process that has just started, so that no earlier reading is shared. */
async function freshProcess() {
  vi.resetModules();
  const { GET } = await import('@/app/api/health/route');
  return async () => {
    const response = await GET();
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, health: JSON.parse(text) };
  };
}
const ask = async () => (await freshProcess())();

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
const ahead = (seconds: number) => ago(-seconds);

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines, batches cascade`);
});

describe('the health of an installation', () => {
  it('is fine when nothing is due, and says so to anybody without being kept anywhere', async () => {
    const { status, headers, health } = await ask();
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(health).toEqual({
      ok: true,
      database: { ok: true, latencyMs: expect.any(Number) },
      transport: { kind: 'outbox', waiting: null },
      oldestDueSlot: null,
      oldestLease: null,
      lastPassAt: null,
      worker: { alive: false },
    });
  });

  it('tells who is at work, what is due and which lease ends first', async () => {
    const owner = await createActor(db);
    const slot = ago(60);
    await createMailing(db, owner, { nextSlotAt: slot });
    await createMailing(db, owner, { nextSlotAt: ago(30) });
    await createMailing(db, owner, { nextSlotAt: ago(900), pausedAt: ago(1000) });
    const mailing = await createMailing(db, owner, { status: 'running', nextSlotAt: ahead(3600) });
    const run = await createRun(db, mailing, { slotAt: ago(90) });
    const [ends, later] = [ahead(40), ahead(90)];
    await createBatch(db, run, { leasedUntil: later });
    await createBatch(db, run, { leasedUntil: ends });
    await createBatch(db, run, { leasedUntil: ago(500), endedAt: ago(600) });
    const seenAt = ago(20);
    await db.insert(engines).values([
      { holder: 'worker', kind: 'worker', seenAt },
      { holder: 'cron', kind: 'cron', seenAt: ago(300) },
    ]);
    expect(await ask()).toMatchObject({
      status: 200,
      health: {
        ok: true,
        oldestDueSlot: slot.toISOString(),
        oldestLease: ends.toISOString(),
        lastPassAt: seenAt.toISOString(),
        worker: { alive: true },
      },
    });
    await db.update(engines).set({ seenAt: ago(61) });
    expect((await ask()).health.worker).toEqual({ alive: false });
  });

  it('tells why and until when the transport waits, and neither server, user nor address', async () => {
    const until = ahead(300);
    await db.insert(transports).values([
      {
        name: transportName(),
        waitsUntil: until,
        waitsSince: ago(60),
        waitCode: 'quota_daily',
        waitResponse: 'vera@mail.people.test is out of quota',
        waitsInRow: 1,
      },
      {
        name: 'smtp:vera@mail.people.test:587#0a1b2c3d',
        waitsUntil: until,
        waitCode: 'auth_refused',
        waitsInRow: 1,
      },
    ]);
    const owner = await createActor(db, { email: 'vera@mail.people.test' });
    await createMailing(db, owner, { nextSlotAt: ago(60) });
    const { status, health, text } = await ask();
    expect(status).toBe(200);
    expect(health.transport).toEqual({
      kind: 'outbox',
      waiting: { code: 'quota_daily', until: until.toISOString() },
    });
    expect(text).not.toMatch(/vera|people\.test|@/);
  });

  it('is bad when a slot has been due for five minutes and nobody has passed since', async () => {
    const owner = await createActor(db);
    await createMailing(db, owner, { nextSlotAt: ago(290) });
    expect((await ask()).status).toBe(200);
    await createMailing(db, owner, { nextSlotAt: ago(310) });
    expect(await ask()).toMatchObject({ status: 503, health: { ok: false, database: { ok: true } } });
    await db.insert(engines).values({ holder: 'cron', kind: 'cron', seenAt: ago(310) });
    expect((await ask()).status).toBe(503);
    await db.update(engines).set({ seenAt: ago(10) });
    expect((await ask()).status).toBe(200);
    // What nobody is to send is not late.
    await db.execute(sql`truncate engines`);
    await db.update(mailings).set({ pausedAt: ago(400) });
    expect((await ask()).status).toBe(200);
  });

  it('is bad when letters of an open run have lain for five minutes and nobody has passed since', async () => {
    const owner = await createActor(db);
    const mailing = await createMailing(db, owner, { status: 'running', nextSlotAt: null });
    const run = await createRun(db, mailing, { slotAt: ago(310) });
    const [first, second] = await createClients(db, owner, 2);
    if (!first || !second) throw new Error('no clients');
    await createDelivery(db, run, first, { nextTryAt: ahead(60) });
    // A retry that is not due yet is nobody's fault.
    expect((await ask()).status).toBe(200);
    await createDelivery(db, run, second);
    expect((await ask()).status).toBe(503);
  });

  it('is bad when the database does not answer within two seconds; a crowd that asks meanwhile costs it one question', async () => {
    const process = await freshProcess();
    const watcher = rawConnection(2);
    let release = () => {};
    const isReleased = new Promise<void>((resolve) => {
      release = resolve;
    });
    try {
      let lock: Promise<unknown> = Promise.resolve();
      await new Promise<void>((locked) => {
        lock = watcher.begin(async (tx) => {
          await tx`lock table engines in access exclusive mode`;
          locked();
          await isReleased;
        });
      });
      const began = performance.now();
      const crowd = Array.from({ length: 200 }, process);
      await expect
        .poll(async () => {
          const [row] = await watcher<{ waiting: number }[]>`
            select count(*)::int as waiting from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%due_slot%'`;
          return row?.waiting;
        })
        .toBe(1);
      for (const { status, health } of await Promise.all(crowd)) {
        expect(status).toBe(503);
        expect(health).toMatchObject({ ok: false, database: { ok: false, latencyMs: null } });
      }
      expect(performance.now() - began).toBeLessThan(3500);
      release();
      await lock;
      await expect.poll(async () => (await process()).status, { timeout: 5000 }).toBe(200);
    } finally {
      release();
      await watcher.end();
    }
  });

  it('is asked of the database anew for those who come a second later', async () => {
    const process = await freshProcess();
    expect((await process()).health.lastPassAt).toBeNull();
    await db.insert(engines).values({ holder: 'worker', kind: 'worker', seenAt: ago(1) });
    await expect.poll(async () => (await process()).health.worker.alive, { timeout: 5000 }).toBe(true);
  });
});
