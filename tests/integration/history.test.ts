import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { deliveries, mailingEventRuns, mailingEvents, mailings, runs, users } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { listHistory } from '@/lib/history/queries';
import { deleteMailing, duplicateMailing, updateMailing } from '@/lib/mailings/mutations';
import type { Actor } from '@/lib/policy/rules';
import {
  disableMailing,
  enableMailing,
  finishRun,
  pauseMailing,
  resumeMailing,
  startRun,
  stopMailing,
} from '@/lib/runs/mutations';
import { blockUser, unblockUser } from '@/lib/users/mutations';
import { given } from '@/tests/support/accounts';
import {
  asActor,
  createActor,
  createClients,
  createDelivery,
  createMailing,
  createRun,
  createUser,
  type MailingRow,
} from '@/tests/support/factories';

const start = new Date('2026-01-05T09:00:00Z');
const minutes = (n: number) => new Date(start.getTime() + n * 60_000);

let owner: Actor;
let clock: ReturnType<typeof fixedClock>;
let mailing: MailingRow;

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, audit cascade`);
  owner = await createActor(db, { name: 'Vera Ivanova' });
  await createClients(db, owner, 3);
  clock = fixedClock(start);
  mailing = await createMailing(db, owner, { status: 'running', createdAt: minutes(-60) });
});

/** What the history tells, without what nobody asks here: `what by whom`. */
const told = async (actor: Actor, input: { mailingId: number; runId?: number }) =>
  (await listHistory(actor, input)).items.map(({ kind, who }) => `${kind} ${who}`);
const ofMailing = (actor = owner) => told(actor, { mailingId: mailing.id });
const ofRun = (runId: number, actor = owner) => told(actor, { mailingId: mailing.id, runId });
const command = () => ({ mailingId: mailing.id });

/** A run of the mailing that was opened by its schedule, with a queued letter for each client but one that has failed. */
async function openRun(overrides: Parameters<typeof createRun>[2] = {}) {
  const run = await createRun(db, mailing, { slotAt: start, ...overrides });
  const [first, ...rest] = await createClients(db, owner, 3);
  if (!first) throw new Error('three clients were made');
  await createDelivery(db, run, first, { status: 'failed', kind: 'mailbox_full', reason: 'tries_used' });
  for (const client of rest) await createDelivery(db, run, client);
  return run;
}

describe('the history of a run', () => {
  it('has one line for each command, in the order they were given, with who gave it and when', async () => {
    const run = await openRun();
    clock.set(minutes(1));
    given(await pauseMailing(owner, command(), db, clock));
    clock.set(minutes(2));
    given(await resumeMailing(owner, command(), db, clock));
    clock.set(minutes(3));
    given(await stopMailing(owner, command(), db, clock));
    clock.set(minutes(4));
    const outcomes = ['failed', 'cancelled', 'unknown'] as const;
    const which = { outcomes, kinds: ['mailbox_full'] as const, unknownKinds: ['no_answer'] as const };
    given(await finishRun(owner, { mailingId: mailing.id, runId: run.id, ...which }, db, clock));
    const { items } = await listHistory(owner, { mailingId: mailing.id, runId: run.id });
    expect(items.map(({ at, kind, who, name, detail }) => ({ at, kind, who, name, detail }))).toEqual([
      { at: start, kind: 'opened', who: 'itself', name: '', detail: { letters: 3 } },
      { at: minutes(1), kind: 'paused', who: 'you', name: 'Vera Ivanova', detail: {} },
      { at: minutes(2), kind: 'resumed', who: 'you', name: 'Vera Ivanova', detail: {} },
      { at: minutes(3), kind: 'stopped', who: 'you', name: 'Vera Ivanova', detail: { letters: 2 } },
      { at: minutes(3), kind: 'ended', who: 'itself', name: '', detail: { endedAs: 'stopped' } },
      {
        at: minutes(4),
        kind: 'finished',
        who: 'you',
        name: 'Vera Ivanova',
        detail: { letters: 3, ...which, endedAtMs: minutes(3).getTime(), endedAs: 'stopped' },
      },
    ]);
  });

  it('tells a start by hand once, however often the button is pressed', async () => {
    const { runId } = given(await startRun(owner, command(), db, clock));
    given(await startRun(owner, command(), db, clock));
    expect(await ofRun(runId)).toEqual(['started you']);
    expect((await listHistory(owner, { mailingId: mailing.id })).items).toMatchObject([
      { kind: 'started', runId, detail: { letters: 3 } },
      { kind: 'created' },
    ]);
  });

  it('tells a pause of both runs that are open as one line, which stands in the history of each', async () => {
    const scheduled = await openRun();
    const manual = await openRun({ slotAt: null });
    given(await pauseMailing(owner, command(), db, clock));
    expect(await ofRun(scheduled.id)).toEqual(['opened itself', 'paused you']);
    expect(await ofRun(manual.id)).toEqual(['started unknown', 'paused you']);
    expect(await ofMailing()).toEqual(['paused you', 'created you']);
  });

  it('tells nothing of a command that was refused, and of one that was given twice only the first', async () => {
    given(await pauseMailing(owner, command(), db, clock));
    expect(await pauseMailing(owner, command(), db, clock)).toMatchObject({ ok: false });
    given(await resumeMailing(owner, command(), db, clock));
    expect(await resumeMailing(owner, command(), db, clock)).toMatchObject({ ok: false });
    given(await stopMailing(owner, command(), db, clock));
    expect(await stopMailing(owner, command(), db, clock)).toMatchObject({ ok: false });
    expect(await finishRun(owner, { ...command(), outcomes: ['failed'] }, db, clock)).toMatchObject({
      ok: false,
    });
    await db.delete(deliveries);
    await db.execute(sql`delete from clients`);
    expect(await startRun(owner, command(), db, clock)).toMatchObject({ ok: false });
    expect(await ofMailing()).toEqual(['stopped you', 'resumed you', 'paused you', 'created you']);
  });

  it('is written with what it tells, or not at all', async () => {
    await openRun();
    const undone = db.transaction(async (tx) => {
      given(await pauseMailing(owner, command(), tx, clock));
      expect(await tx.select().from(mailingEvents)).toHaveLength(1);
      throw new Error('power cut');
    });
    await expect(undone).rejects.toThrow('power cut');
    expect(await ofMailing()).toEqual(['created you']);
    const [row] = await db.select().from(mailings).where(eq(mailings.id, mailing.id));
    expect(row?.pausedAt).toBeNull();
  });

  it('is told from what the run itself knows where it is older than the history', async () => {
    const stopped = { status: 'stopped', stoppedAt: minutes(5), closedAt: minutes(6) } as const;
    const run = await createRun(db, mailing, { slotAt: start, ...stopped });
    expect(await ofRun(run.id)).toEqual(['opened itself', 'stopped unknown', 'ended itself']);
    const done = await createRun(db, mailing, { status: 'done', closedAt: minutes(7) });
    expect(await ofRun(done.id)).toEqual(['started unknown', 'ended itself']);
    const missed = await createRun(db, mailing, { slotAt: minutes(1), status: 'missed' });
    expect(await ofRun(missed.id)).toEqual([]);
  });
});

describe('the history of a mailing', () => {
  it('tells its owner who disabled it and why, and who lifted that, also in the run that was held', async () => {
    const run = await openRun();
    const manager = await createActor(db, { name: 'Oleg Kim', isStaff: true });
    given(await disableMailing(manager, { ...command(), reason: 'Three complaints' }, db, clock));
    expect(await disableMailing(manager, { ...command(), reason: 'Again' }, db, clock)).toMatchObject({
      ok: false,
    });
    clock.set(minutes(1));
    given(await enableMailing(manager, command(), db, clock));
    const { items } = await listHistory(owner, command());
    expect(items).toMatchObject([
      { kind: 'enabled', who: 'staff', name: 'Oleg Kim', reason: '' },
      { kind: 'disabled', who: 'staff', name: 'Oleg Kim', reason: 'Three complaints' },
      { kind: 'created', who: 'you' },
    ]);
    expect(await ofRun(run.id)).toEqual(['opened itself', 'disabled staff', 'enabled staff']);
    expect(await ofMailing(manager)).toEqual(['enabled you', 'disabled you', 'created owner']);
  });

  it('tells its owner by name which admin paused it, also after the account of the admin is gone', async () => {
    const admin = await createUser(db, { name: 'Olga Berg', isStaff: true, isSuperuser: true });
    given(await pauseMailing(asActor(admin), command(), db, clock));
    await db.delete(users).where(eq(users.id, admin.id));
    expect((await listHistory(owner, command())).items[0]).toMatchObject({
      kind: 'paused',
      who: 'staff',
      name: 'Olga Berg',
    });
  });

  it('tells of a block of its owner and why, in every mailing that it held and in no other', async () => {
    const now = Date.now();
    const from = { createdAt: new Date(now - 3_600_000), openedAt: new Date(now - 1_800_000) };
    const live = await createMailing(db, owner, { status: 'running', createdAt: from.createdAt });
    const run = await createRun(db, live, { slotAt: from.openedAt, openedAt: from.openedAt });
    const over = await createMailing(db, owner, { status: 'completed', createdAt: from.createdAt });
    const closed = { status: 'done', closedAt: from.openedAt } as const;
    const before = await createRun(db, over, { openedAt: from.openedAt, ...closed });
    const manager = await createActor(db, { name: 'Oleg Kim', isStaff: true });
    given(await blockUser(manager, { userId: owner.id, reason: 'A bought list' }));
    given(await unblockUser(null, { userId: owner.id }));
    const later = await createMailing(db, owner, { createdAt: new Date(now + 3_600_000) });
    const { items } = await listHistory(owner, { mailingId: live.id });
    expect(items).toMatchObject([
      { kind: 'unblocked', who: 'command_line', name: '', reason: '' },
      { kind: 'blocked', who: 'staff', name: 'Oleg Kim', reason: 'A bought list' },
      { kind: 'created', who: 'you' },
    ]);
    expect(await told(owner, { mailingId: live.id, runId: run.id })).toEqual([
      'opened itself',
      'blocked staff',
      'unblocked command_line',
    ]);
    for (const input of [
      { mailingId: over.id },
      { mailingId: over.id, runId: before.id },
      { mailingId: later.id },
    ])
      expect((await told(owner, input)).join()).not.toContain('blocked');
  });

  it('tells what an edit changed, and nothing of a form that was sent back as it was shown', async () => {
    const people = await createClients(db, owner, 3);
    const [first, second] = people.map(({ id }) => id);
    const shown = { startsAt: mailing.startsLocal, zone: mailing.zone, endsAt: '', name: mailing.name };
    const same = { ...command(), ...shown, messageId: mailing.messageId, periodicity: 'once' } as const;
    given(await updateMailing(owner, { ...same, audience: 'all' }, db, clock));
    expect(await ofMailing()).toEqual(['created you']);
    given(await updateMailing(owner, { ...same, audience: 'chosen', clientIds: [first ?? 0] }, db, clock));
    clock.set(minutes(1));
    given(await updateMailing(owner, { ...same, audience: 'chosen', clientIds: [first ?? 0] }, db, clock));
    clock.set(minutes(2));
    const changed = { name: 'Another', endsAt: '2026-03-01T09:00', clientIds: [second ?? 0] };
    given(await updateMailing(owner, { ...same, audience: 'chosen', ...changed }, db, clock));
    expect((await listHistory(owner, command())).items).toMatchObject([
      { kind: 'edited', detail: { fields: ['name', 'clients', 'end'] } },
      { kind: 'edited', at: start, detail: { fields: ['clients'] } },
      { kind: 'created' },
    ]);
  });

  it('stays with a mailing that is deleted after it had runs, and begins anew with a copy', async () => {
    await openRun();
    const copy = given(await duplicateMailing(owner, command(), db, clock));
    expect((await told(owner, { mailingId: copy.id })).sort()).toEqual(['created you', 'paused you']);
    given(await deleteMailing(owner, command(), db, clock));
    expect(await ofMailing()).toEqual(['archived you', 'stopped you', 'created you']);
    given(await deleteMailing(owner, { mailingId: copy.id }, db, clock));
    expect(await told(owner, { mailingId: copy.id })).toEqual([]);
  });

  it('is read by its owner and by managers, and by nobody else', async () => {
    const run = await openRun();
    given(await pauseMailing(owner, command(), db, clock));
    const stranger = await createActor(db);
    const manager = await createActor(db, { isStaff: true });
    expect(await ofMailing(stranger)).toEqual([]);
    expect(await ofRun(run.id, stranger)).toEqual([]);
    expect(await ofMailing(manager)).toEqual(['paused owner', 'created owner']);
    const other = await createMailing(db, stranger);
    expect(await told(stranger, { mailingId: other.id, runId: run.id })).toEqual([]);
    expect(await told(manager, { mailingId: other.id, runId: run.id })).toEqual([]);
  });

  it('is read page by page without a gap or a repetition, forwards in a run and backwards in a mailing', async () => {
    const run = await openRun();
    // Some at one instant, so that the time alone does not tell them apart.
    for (let nth = 0; nth < 4; nth += 1) {
      clock.set(minutes(nth < 2 ? 1 : nth));
      given(await pauseMailing(owner, command(), db, clock));
      given(await resumeMailing(owner, command(), db, clock));
    }
    given(await stopMailing(owner, command(), db, clock));
    for (const input of [command(), { ...command(), runId: run.id }]) {
      const whole = (await listHistory(owner, { ...input, size: 50 })).items;
      const seen: typeof whole = [];
      let after: string | undefined;
      do {
        const page = await listHistory(owner, { ...input, size: 2, after });
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items);
        after = page.next ?? undefined;
      } while (after);
      expect(seen).toEqual(whole);
    }
    expect(await ofRun(run.id)).toHaveLength(11);
    expect(await ofMailing()).toHaveLength(10);
  });

  it('goes with the account of its owner', async () => {
    await openRun();
    given(await pauseMailing(owner, command(), db, clock));
    expect(await db.select().from(mailingEventRuns)).toHaveLength(1);
    await db.delete(users).where(eq(users.id, owner.id));
    expect(await db.select().from(mailingEvents)).toEqual([]);
    expect(await db.select().from(mailingEventRuns)).toEqual([]);
    expect(await db.select().from(runs)).toEqual([]);
  });
});
