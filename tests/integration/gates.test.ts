import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { attempts, clients, mailings, messages, transports } from '@/db/schema';
import { deleteClient, updateClient } from '@/lib/clients/mutations';
import { fixedClock } from '@/lib/clock';
import type { SendResult, Transport } from '@/lib/email/transport';
import { parseEnv } from '@/lib/env';
import { deleteMailing, updateMailing } from '@/lib/mailings/mutations';
import { updateMessage } from '@/lib/messages/mutations';
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
import { findRun } from '@/lib/runs/queries';
import { unsubscribeToken } from '@/lib/sending/compose/token';
import { sendDueMailings } from '@/lib/sending/engine';
import { unsubscribeByToken } from '@/lib/suppressions/mutations';
import { blockUser, unblockUser } from '@/lib/users/mutations';
import {
  asActor,
  type ClientRow,
  createClient,
  createClients,
  createMailing,
  createUser,
  type MailingRow,
} from '../support/factories';
import { deliveriesOf, endings, recount, runsOf } from '../support/ledger';
import { accepted, playedTransport, senderRefused } from '../support/transport';

/*
 * What people do while a run is being sent. The mail server is played; at its k-th letter it stands still while somebody pauses,
 * stops, blocks, edits … From then on nothing may be handed over but what an engine had written down as about to go: at most the
 * record window of 100.
 */

const start = new Date('2026-01-05T09:00:00Z');
const hours = (n: number) => new Date(start.getTime() + n * 3600_000);
const recordWindow = 100;
/** Clients of a run here, and the letter at which something happens. */
const many = 400;
const kth = 130;

let owner: Actor;
let manager: Actor;
let people: ClientRow[];
let clock: ReturnType<typeof fixedClock>;

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
  owner = asActor(await createUser(db));
  manager = asActor(await createUser(db, { isStaff: true }));
  people = await createClients(db, owner, many);
  clock = fixedClock(start);
});

function pass(transport: Transport, settings: Record<string, string> = {}) {
  return sendDueMailings({
    clock,
    deadline: new Date('2999-01-01'),
    transport,
    settings: parseEnv({ ...process.env, ...settings }),
    random: () => 0.999,
  });
}

/**
 * A server at whose k-th letter `meanwhile` happens, once, while it answers nobody. `left` is how many letters it had been handed
 * when that was over.
 */
function interrupted(meanwhile: (at: { clientEmail: string }) => Promise<unknown>) {
  const seen = { left: -1 };
  let standstill: Promise<void> | null = null;
  const server = playedTransport(async (letter, nth): Promise<SendResult> => {
    if (nth >= kth)
      standstill ??= meanwhile({ clientEmail: letter.to.address }).then(() => {
        seen.left = server.handed.length;
      });
    await standstill;
    return accepted;
  });
  return { server, seen };
}

const addresses = (server: { handed: { letter: { to: { address: string } } }[] }) =>
  server.handed.map(({ letter }) => letter.to.address);

async function onlyRun(mailing: MailingRow) {
  const found = await runsOf(mailing.id);
  expect(found).toHaveLength(1);
  return found[0] as NonNullable<(typeof found)[number]>;
}

const mailingNow = async (mailing: MailingRow) =>
  (await db.select().from(mailings).where(eq(mailings.id, mailing.id)))[0];

/** After the gate closed: nothing left but the window, all of that is recorded, the rest stands as `rest` says. */
async function expectHeld(
  mailing: MailingRow,
  { server, seen }: ReturnType<typeof interrupted>,
  rest: string,
): Promise<{ runId: number; handed: number }> {
  expect(seen.left).toBeGreaterThanOrEqual(kth);
  const handed = server.handed.length;
  expect(handed - seen.left).toBeLessThan(recordWindow);
  expect(handed).toBeLessThan(many);
  expect(new Set(addresses(server)).size).toBe(handed);
  const run = await onlyRun(mailing);
  expect(await endings(run.id)).toEqual({ sent: handed, [rest]: many - handed });
  const counted = await recount(run.id);
  expect(counted).toMatchObject({ total: many, sent: handed, sending: 0, unknown: 0 });
  const before = server.handed.length;
  expect(await pass(server)).toMatchObject({ sent: 0, runsOpened: 0, unknown: 0 });
  expect(server.handed).toHaveLength(before);
  return { runId: run.id, handed };
}

/** The rest leaves, and everybody has got it once. */
async function expectGoesOn(mailing: MailingRow, { server }: ReturnType<typeof interrupted>) {
  const before = server.handed.length;
  expect((await pass(server)).sent).toBe(many - before);
  expect(new Set(addresses(server)).size).toBe(many);
  expect(server.handed).toHaveLength(many);
  const run = await onlyRun(mailing);
  expect(run.status).toBe('done');
  expect(await recount(run.id)).toMatchObject({ total: many, sent: many });
  expect((await mailingNow(mailing))?.status).toBe('completed');
}

describe('pause and resume', () => {
  it('nothing leaves after a pause but what was about to go; resumed, the rest leaves, and each letter once', async () => {
    const mailing = await createMailing(db, owner);
    const meeting = interrupted(() => pauseMailing(owner, { mailingId: mailing.id }, db, clock));
    await pass(meeting.server);
    await expectHeld(mailing, meeting, 'queued');
    expect(await onlyRun(mailing)).toMatchObject({ status: 'open', pausedAt: start });
    expect(await mailingNow(mailing)).toMatchObject({ status: 'running', pausedAt: start });
    await resumeMailing(owner, { mailingId: mailing.id });
    await expectGoesOn(mailing, meeting);
  });

  it('a pause of days keeps the run, and the slots that came meanwhile go by the rule for missed ones', async () => {
    const mailing = await createMailing(db, owner, { periodicity: 'daily' });
    const meeting = interrupted(() => pauseMailing(owner, { mailingId: mailing.id }, db, clock));
    await pass(meeting.server);
    const { handed } = await expectHeld(mailing, meeting, 'queued');
    clock.set(hours(3 * 24 + 1));
    expect((await pass(meeting.server)).sent).toBe(0);
    await resumeMailing(owner, { mailingId: mailing.id });
    // The slot that had come waited for the run before it.
    expect((await pass(meeting.server)).sent).toBe(many - handed + many);
    const found = await runsOf(mailing.id);
    expect(found.map((run) => run.status)).toEqual(['done', 'missed', 'missed', 'done']);
    for (const run of found) await recount(run.id);
  });

  it('a pause that is lifted at once lets the same pass go on or the next one, and no letter leaves twice', async () => {
    const mailing = await createMailing(db, owner);
    const meeting = interrupted(async () => {
      await pauseMailing(owner, { mailingId: mailing.id }, db, clock);
      await resumeMailing(owner, { mailingId: mailing.id });
    });
    await pass(meeting.server);
    await pass(meeting.server);
    expect(meeting.server.handed).toHaveLength(many);
    expect(new Set(addresses(meeting.server)).size).toBe(many);
    expect(await recount((await onlyRun(mailing)).id)).toMatchObject({ sent: many });
  });
});

describe('a disable, and a block of the owner', () => {
  const holds: [
    what: string,
    hold: (mailing: MailingRow) => Promise<unknown>,
    lift: (mailing: MailingRow) => Promise<unknown>,
  ][] = [
    [
      'a disabled mailing',
      (mailing) => disableMailing(manager, { mailingId: mailing.id, reason: 'complaints' }, db, clock),
      (mailing) => enableMailing(manager, { mailingId: mailing.id }, db, clock),
    ],
    [
      'a blocked owner',
      () => blockUser(manager, { userId: owner.id, reason: 'complaints' }),
      () => unblockUser(manager, { userId: owner.id }, db, clock),
    ],
  ];

  it.each(holds)(
    '%s sends nothing more, and goes on when it is lifted within 24 hours',
    async (_what, hold, lift) => {
      const mailing = await createMailing(db, owner);
      const meeting = interrupted(async () => expect(await hold(mailing)).toMatchObject({ ok: true }));
      await pass(meeting.server);
      await expectHeld(mailing, meeting, 'queued');
      expect((await onlyRun(mailing)).status).toBe('open');
      clock.set(hours(23.9));
      expect((await pass(meeting.server)).sent).toBe(0);
      expect(await lift(mailing)).toMatchObject({ ok: true });
      await expectGoesOn(mailing, meeting);
    },
  );

  it.each(holds)(
    '%s, lifted after 24 hours: the rest is cancelled, and slots that came meanwhile are not sent',
    async (_what, hold, lift) => {
      const mailing = await createMailing(db, owner, { periodicity: 'daily' });
      const meeting = interrupted(async () => expect(await hold(mailing)).toMatchObject({ ok: true }));
      await pass(meeting.server);
      const { runId, handed } = await expectHeld(mailing, meeting, 'queued');
      clock.set(hours(49));
      expect(await lift(mailing)).toMatchObject({ ok: true });
      expect(await pass(meeting.server)).toMatchObject({ sent: 0, runsOpened: 0 });
      expect(meeting.server.handed).toHaveLength(handed);
      expect(await endings(runId)).toEqual({ sent: handed, 'cancelled held_too_long': many - handed });
      expect((await runsOf(mailing.id)).map((run) => run.status)).toEqual([
        'partly_done',
        'missed',
        'missed',
      ]);
      expect((await mailingNow(mailing))?.status).toBe('running');
      await recount(runId);
      // The next slot is an ordinary one.
      clock.set(hours(72));
      expect((await pass(meeting.server)).sent).toBe(many);
      // And those who were left out can still get it.
      expect(
        await finishRun(owner, { mailingId: mailing.id, runId, outcomes: ['cancelled'] }, db, clock),
      ).toMatchObject({
        data: { requeued: many - handed },
      });
      expect((await pass(meeting.server)).sent).toBe(many - handed);
      expect(await recount(runId)).toMatchObject({ total: many, sent: many });
    },
  );

  it.each(holds)(
    '%s in mid-run, lifted in the same moment, loses nobody and writes to nobody twice',
    async (_what, hold, lift) => {
      const mailing = await createMailing(db, owner);
      const meeting = interrupted(async () => {
        await hold(mailing);
        await lift(mailing);
      });
      await pass(meeting.server);
      await pass(meeting.server);
      expect(meeting.server.handed).toHaveLength(many);
      expect(new Set(addresses(meeting.server)).size).toBe(many);
      expect((await onlyRun(mailing)).status).toBe('done');
    },
  );

  it('a block ends at its owner: the mailing of another goes on', async () => {
    const other = asActor(await createUser(db));
    await createClients(db, other, 60);
    const mailing = await createMailing(db, owner);
    const theirs = await createMailing(db, other, { startsAt: hours(1) });
    const meeting = interrupted(() => blockUser(manager, { userId: owner.id, reason: 'complaints' }));
    await pass(meeting.server);
    await expectHeld(mailing, meeting, 'queued');
    clock.set(hours(1));
    expect(await pass(meeting.server)).toMatchObject({ runsOpened: 1, sent: 60 });
    expect((await onlyRun(theirs)).status).toBe('done');
    expect((await onlyRun(mailing)).status).toBe('open');
  });
});

describe('unsubscribing in mid-run', () => {
  it('who was not claimed yet is skipped with the reason; whose letter had been taken ends as one or the other, once', async () => {
    const mailing = await createMailing(db, owner);
    const late = people.at(-1);
    let near: string | undefined;
    const meeting = interrupted(async ({ clientEmail }) => {
      const rows = await deliveriesOf((await onlyRun(mailing)).id);
      const here = rows.findIndex((row) => row.email === clientEmail);
      // The neighbour is in the same claim; the last one is not.
      near = rows[here + 5]?.email;
      for (const row of [rows[here + 5], rows.at(-1)])
        expect(await unsubscribeByToken(unsubscribeToken(row?.id ?? 0))).toMatchObject({ ok: true });
    });
    await pass(meeting.server, { SEND_BATCH: '150' });
    const run = await onlyRun(mailing);
    const rows = await deliveriesOf(run.id);
    const got = addresses(meeting.server);
    expect(new Set(got).size).toBe(got.length);
    expect(got).not.toContain(late?.email);
    expect(rows.at(-1)).toMatchObject({
      email: late?.email,
      status: 'skipped',
      reason: 'unsubscribed',
      tries: 0,
    });
    const neighbour = rows.find((row) => row.email === near);
    expect(neighbour?.status).toBe(got.includes(near ?? '') ? 'sent' : 'skipped');
    expect(run.status).toBe('done');
    expect(await recount(run.id)).toMatchObject({
      total: many,
      sent: got.length,
      skipped: many - got.length,
    });
  });

  it('who unsubscribes while a refused letter waits for its next try does not get it', async () => {
    const mailing = await createMailing(db, owner, { clients: people.slice(0, 2) });
    const server = playedTransport((_letter, nth) =>
      nth <= 2
        ? {
            outcome: 'refused',
            scope: 'recipient',
            lasting: false,
            code: 450,
            response: '450 later',
            stage: 'rcpt',
          }
        : accepted,
    );
    await pass(server);
    const run = await onlyRun(mailing);
    const [first] = await deliveriesOf(run.id);
    await unsubscribeByToken(unsubscribeToken(first?.id ?? 0));
    clock.set(hours(1));
    await pass(server);
    expect(await endings(run.id)).toEqual({ sent: 1, 'skipped unsubscribed': 1 });
    expect(addresses(server).slice(2)).toEqual([people[1]?.email]);
    expect((await onlyRun(mailing)).status).toBe('done');
    await recount(run.id);
  });
});

describe('stop, the end of the mailing, and the archive', () => {
  it('stop cancels what is unsent; the run says so, the mailing is over, and exactly the rest can be sent later', async () => {
    const mailing = await createMailing(db, owner, { periodicity: 'daily' });
    const meeting = interrupted(async () =>
      expect(await stopMailing(owner, { mailingId: mailing.id }, db, clock)).toMatchObject({ ok: true }),
    );
    await pass(meeting.server);
    const { runId, handed } = await expectHeld(mailing, meeting, 'cancelled stopped');
    expect((await onlyRun(mailing)).status).toBe('stopped');
    expect(await mailingNow(mailing)).toMatchObject({ status: 'completed', nextSlotAt: null });
    clock.set(hours(30));
    expect(await pass(meeting.server)).toMatchObject({ sent: 0, runsOpened: 0 });
    await finishRun(owner, { mailingId: mailing.id, outcomes: ['cancelled'] }, db, clock);
    expect((await pass(meeting.server)).sent).toBe(many - handed);
    expect(new Set(addresses(meeting.server)).size).toBe(many);
    expect(await recount(runId)).toMatchObject({ total: many, sent: many });
    expect(await mailingNow(mailing)).toMatchObject({ status: 'completed', nextSlotAt: null });
  });

  it('nothing leaves once the end has come: the rest is expired', async () => {
    const mailing = await createMailing(db, owner, { endsAt: hours(2), periodicity: 'daily' });
    const meeting = interrupted(async () => clock.set(hours(2)));
    await pass(meeting.server);
    await expectHeld(mailing, meeting, 'expired deadline_passed');
    expect((await onlyRun(mailing)).status).toBe('partly_done');
    expect(await mailingNow(mailing)).toMatchObject({ status: 'completed', nextSlotAt: null });
  });

  it('an end that is moved while it sends holds for the run that is open', async () => {
    const mailing = await createMailing(db, owner, { endsAt: hours(48) });
    const meeting = interrupted(async () => {
      const moved = await updateMailing(
        owner,
        {
          mailingId: mailing.id,
          name: mailing.name,
          messageId: mailing.messageId,
          audience: 'all',
          zone: 'UTC',
          startsAt: mailing.startsLocal,
          endsAt: '2026-01-05T10:00',
          periodicity: 'once',
        },
        db,
        clock,
      );
      expect(moved).toMatchObject({ ok: true });
      clock.set(hours(1));
    });
    await pass(meeting.server);
    await expectHeld(mailing, meeting, 'expired deadline_passed');
    expect((await mailingNow(mailing))?.status).toBe('completed');
  });

  it('a paused run whose end comes is expired, not kept', async () => {
    const mailing = await createMailing(db, owner, { endsAt: hours(2) });
    const meeting = interrupted(() => pauseMailing(owner, { mailingId: mailing.id }, db, clock));
    await pass(meeting.server);
    clock.set(hours(2));
    await pass(meeting.server);
    const run = await onlyRun(mailing);
    expect(run.status).toBe('partly_done');
    expect(await endings(run.id)).toEqual({
      sent: meeting.server.handed.length,
      'expired deadline_passed': many - meeting.server.handed.length,
    });
    expect(await mailingNow(mailing)).toMatchObject({ status: 'completed', pausedAt: null });
    await recount(run.id);
  });

  it('a manual run ends 24 hours after its start, whatever the mailing does', async () => {
    const mailing = await createMailing(db, owner, { startsAt: hours(1000) });
    await startRun(owner, { mailingId: mailing.id }, db, clock);
    const meeting = interrupted(async () => clock.set(hours(24)));
    await pass(meeting.server);
    await expectHeld(mailing, meeting, 'expired deadline_passed');
    expect((await onlyRun(mailing)).status).toBe('partly_done');
  });

  it('a mailing that is deleted while it sends is stopped and kept as history', async () => {
    const mailing = await createMailing(db, owner, { periodicity: 'daily' });
    const meeting = interrupted(async () =>
      expect(await deleteMailing(owner, { mailingId: mailing.id }, db, clock)).toMatchObject({
        ok: true,
        data: { archived: true },
      }),
    );
    await pass(meeting.server);
    await expectHeld(mailing, meeting, 'cancelled stopped');
    expect((await onlyRun(mailing)).status).toBe('stopped');
    expect(await mailingNow(mailing)).toMatchObject({
      status: 'completed',
      nextSlotAt: null,
      archivedAt: start,
    });
    expect(
      await finishRun(owner, { mailingId: mailing.id, outcomes: ['cancelled'] }, db, clock),
    ).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
    clock.set(hours(24));
    expect(await pass(meeting.server)).toMatchObject({ sent: 0, runsOpened: 0 });
  });
});

describe('edits in mid-run', () => {
  it('an edited message changes no letter of the run that is open, and every letter of the next', async () => {
    const mailing = await createMailing(db, owner, { periodicity: 'daily' });
    const [message] = await db.select().from(messages).where(eq(messages.id, mailing.messageId));
    const meeting = interrupted(async () =>
      expect(
        await updateMessage(owner, {
          id: mailing.messageId,
          subject: 'Later news',
          body: '<p>Later</p>',
        }),
      ).toMatchObject({ ok: true }),
    );
    await pass(meeting.server);
    const subjects = () => new Set(meeting.server.handed.map(({ letter }) => letter.subject));
    expect(meeting.server.handed).toHaveLength(many);
    expect([...subjects()]).toEqual([message?.subject]);
    expect(meeting.server.handed.every(({ letter }) => letter.html.includes('Hello'))).toBe(true);
    meeting.server.handed.length = 0;
    clock.set(hours(24));
    await pass(meeting.server);
    expect([...subjects()]).toEqual(['Later news']);
  });

  it('a client added does not get this run, one who is deleted or renamed gets it as it was frozen, and all of them count', async () => {
    const mailing = await createMailing(db, owner, { periodicity: 'daily' });
    const [gone, renamed] = [people.at(-1), people.at(-2)];
    const meeting = interrupted(async () => {
      await createClient(db, owner, { email: 'added@clients.example' });
      expect(await deleteClient(owner, { id: gone?.id ?? 0 })).toMatchObject({ ok: true });
      expect(
        await updateClient(owner, {
          id: renamed?.id ?? 0,
          email: 'renamed@clients.example',
          fullName: 'Renamed',
          comment: '',
        }),
      ).toMatchObject({ ok: true });
    });
    await pass(meeting.server);
    const got = addresses(meeting.server);
    expect(got).toHaveLength(many);
    expect(new Set(got)).toEqual(new Set(people.map((client) => client.email)));
    expect(await recount((await onlyRun(mailing)).id)).toMatchObject({ total: many, sent: many });
    meeting.server.handed.length = 0;
    clock.set(hours(24));
    await pass(meeting.server);
    const next = addresses(meeting.server);
    expect(next).toHaveLength(many);
    expect(next).toContain('added@clients.example');
    expect(next).toContain('renamed@clients.example');
    expect(next).not.toContain(gone?.email);
    expect(await db.$count(clients)).toBe(many);
  });
});

describe('a second engine', () => {
  it('that joins in mid-run shares the rest, and each letter leaves once', async () => {
    const mailing = await createMailing(db, owner);
    const other = playedTransport();
    let second: ReturnType<typeof pass> | undefined;
    const meeting = interrupted(async () => {
      second = pass(other, { SEND_BATCH: '20' });
    });
    const first = await pass(meeting.server, { SEND_BATCH: '20' });
    const counts = await second;
    expect(first.sent + (counts?.sent ?? 0)).toBe(many);
    expect(new Set([...addresses(meeting.server), ...addresses(other)]).size).toBe(many);
    expect(meeting.server.handed.length + other.handed.length).toBe(many);
    await pass(other);
    expect((await onlyRun(mailing)).status).toBe('done');
    await recount((await onlyRun(mailing)).id);
  });

  it('stops at the same gate: after a pause neither sends more than what it had written down', async () => {
    const mailing = await createMailing(db, owner);
    const other = playedTransport();
    let second: ReturnType<typeof pass> | undefined;
    let handedByOther = 0;
    const meeting = interrupted(async () => {
      second = pass(other, { SEND_BATCH: '20' });
      await pauseMailing(owner, { mailingId: mailing.id }, db, clock);
      handedByOther = other.handed.length;
    });
    await pass(meeting.server, { SEND_BATCH: '20' });
    await second;
    const handed = meeting.server.handed.length + other.handed.length;
    expect(meeting.server.handed.length - meeting.seen.left).toBeLessThan(recordWindow);
    expect(other.handed.length - handedByOther).toBeLessThanOrEqual(recordWindow);
    expect(await recount((await onlyRun(mailing)).id)).toMatchObject({
      sent: handed,
      queued: many - handed,
      sending: 0,
    });
    await resumeMailing(owner, { mailingId: mailing.id });
    await pass(meeting.server);
    expect(new Set([...addresses(meeting.server), ...addresses(other)]).size).toBe(many);
  });
});

describe('a database that fails between send and record', () => {
  it('leaves what was handed over unknown, at most the window and each of them listed; the rest leaves once', async () => {
    const mailing = await createMailing(db, owner);
    await db.execute(sql`
      create function refuse_results() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$`);
    const meeting = interrupted(async () => {
      await db.execute(sql`
        create trigger refuse_results before insert on attempts for each statement execute function refuse_results()`);
    });
    try {
      await expect(pass(meeting.server)).rejects.toThrow();
    } finally {
      await db.execute(sql`drop trigger if exists refuse_results on attempts`);
      await db.execute(sql`drop function refuse_results()`);
    }
    const first = [...addresses(meeting.server)];
    expect(first.length - meeting.seen.left).toBeLessThan(recordWindow);
    // The engine is gone: its lease runs out by the database's clock.
    await db.execute(
      sql`update batches set leased_until = now() - interval '1 second' where ended_at is null`,
    );
    const after = playedTransport();
    const counts = await pass(after);
    const run = await onlyRun(mailing);
    const rows = await deliveriesOf(run.id);
    const unknown = rows.filter((row) => row.status === 'unknown');
    expect(unknown.length).toBeGreaterThan(0);
    expect(unknown.length).toBeLessThanOrEqual(recordWindow);
    expect(counts.remaining).toBe(0);
    // Whoever was handed over before is not handed over again.
    expect(addresses(after).filter((address) => first.includes(address))).toEqual([]);
    for (const address of first)
      expect(['sent', 'unknown']).toContain(rows.find((row) => row.email === address)?.status);
    expect(rows.filter((row) => row.status === 'sent')).toHaveLength(many - unknown.length);
    expect(run.status).toBe('partly_done');
    expect(await recount(run.id)).toMatchObject({
      total: many,
      unknown: unknown.length,
      sent: many - unknown.length,
    });
    // The owner decides about those whom nobody can know about.
    await finishRun(owner, { mailingId: mailing.id, outcomes: ['unknown'] }, db, clock);
    expect((await pass(after)).sent).toBe(unknown.length);
    expect((await onlyRun(mailing)).status).toBe('done');
  });

  it('whose connections are all cut in mid-run loses nobody and repeats nobody', async () => {
    const mailing = await createMailing(db, owner);
    const meeting = interrupted(async () => {
      await db
        .execute(sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`)
        .catch(() => {});
    });
    await pass(meeting.server).catch(() => {});
    await db.execute(
      sql`update batches set leased_until = now() - interval '1 second' where ended_at is null`,
    );
    const after = playedTransport();
    await pass(after);
    const run = await onlyRun(mailing);
    const got = [...addresses(meeting.server), ...addresses(after)];
    expect(new Set(got).size).toBe(got.length);
    const counted = await recount(run.id);
    expect(counted.unknown).toBeLessThanOrEqual(recordWindow);
    expect(counted).toMatchObject({ total: many, sent: many - counted.unknown, queued: 0, sending: 0 });
  });
});

describe('a sender in trouble for 72 hours', () => {
  it('the rest of the run fails with that reason, the page shows no wait any more, and no client lost a try', async () => {
    const mailing = await createMailing(db, owner, { periodicity: 'weekly' });
    let isDown = false;
    const server = playedTransport((_letter, nth) => {
      if (nth > kth) isDown = true;
      return isDown ? senderRefused : accepted;
    });
    const { sent } = await pass(server);
    expect(sent).toBeGreaterThan(0);
    const run = await onlyRun(mailing);
    for (let hour = 1; hour < 72; hour += 5) {
      clock.set(hours(hour));
      expect((await pass(server)).failed).toBe(0);
      const shown = await findRun(owner, { mailingId: mailing.id, runId: run.id }, db, clock);
      expect(shown).toMatchObject({ status: 'waiting', wait: { code: 'slow_down', since: start } });
    }
    clock.set(hours(72));
    await pass(server);
    expect(await endings(run.id)).toEqual({ sent, 'failed sender_waited_too_long': many - sent });
    expect((await deliveriesOf(run.id)).every((row) => row.tries === (row.status === 'sent' ? 1 : 0))).toBe(
      true,
    );
    expect(await findRun(owner, { mailingId: mailing.id, runId: run.id }, db, clock)).toMatchObject({
      status: 'partly_done',
      wait: null,
    });
    expect(await recount(run.id)).toMatchObject({ total: many, sent, failed: many - sent, unknown: 0 });
    // When it is mended, exactly those get it whom the owner chooses; and the next slot comes.
    isDown = false;
    const mended = playedTransport();
    await finishRun(owner, { mailingId: mailing.id, outcomes: ['failed'] }, db, clock);
    clock.set(hours(73));
    expect((await pass(mended)).sent).toBe(many - sent);
    expect((await onlyRun(mailing)).status).toBe('done');
    const [state] = await db.select().from(transports);
    expect(state).toMatchObject({ waitsUntil: null, waitsSince: null, waitCode: null, waitsInRow: 0 });
  });

  it('a run that opened later has 72 hours of its own', async () => {
    const first = await createMailing(db, owner, { clients: people.slice(0, 3) });
    const second = await createMailing(db, owner, { clients: people.slice(3, 6), startsAt: hours(50) });
    const down = playedTransport(undefined, {
      ready: () => ({ waitCode: 'unreachable', response: 'timed out' }),
    });
    for (let hour = 0; hour <= 72; hour += 1) {
      clock.set(hours(hour));
      await pass(down);
    }
    expect((await onlyRun(first)).status).toBe('partly_done');
    expect((await onlyRun(second)).status).toBe('open');
    clock.set(hours(121));
    await pass(down);
    expect(await endings((await onlyRun(second)).id)).toEqual({ queued: 3 });
    clock.set(hours(122));
    await pass(down);
    expect(await endings((await onlyRun(second)).id)).toEqual({ 'failed sender_waited_too_long': 3 });
    expect(await db.$count(attempts)).toBe(0);
  });
});

describe('rates shared by several engines', () => {
  /** Lets `seconds` pass in steps, two engines at each of them; answers letters by second. */
  async function lettersBySecond(settings: Record<string, string>, seconds: number, stepsASecond: number) {
    const bySecond: number[] = [];
    const server = playedTransport();
    for (let step = 0; step < seconds * stepsASecond; step += 1) {
      clock.set(new Date(start.getTime() + (step * 1000) / stepsASecond));
      const before = server.handed.length;
      await Promise.all([pass(server, settings), pass(server, settings)]);
      const second = Math.floor(step / stepsASecond);
      bySecond[second] = (bySecond[second] ?? 0) + server.handed.length - before;
    }
    return bySecond;
  }

  it('two engines together keep the letters a second that were named, and no letter is lost by it', async () => {
    await createMailing(db, owner);
    const bySecond = await lettersBySecond({ SEND_PER_SECOND: '40' }, 3, 10);
    // The bucket holds a tenth of a second: that much may come on top of the first one.
    expect(bySecond[0]).toBeLessThanOrEqual(44);
    for (const letters of bySecond.slice(1)) expect(letters).toBeLessThanOrEqual(40);
    expect(bySecond.reduce((sum, letters) => sum + letters, 0)).toBeGreaterThan(3 * 40 * 0.75);
  });

  it('a rate of less than one a second is kept too', async () => {
    await createMailing(db, owner, { clients: people.slice(0, 10) });
    const bySecond = await lettersBySecond({ SEND_PER_SECOND: '0.5' }, 6, 1);
    expect(bySecond.reduce((sum, letters) => sum + letters, 0)).toBe(3);
    expect(Math.max(...bySecond)).toBe(1);
  });

  it('two engines never pass the letters of a day; days are those of UTC, and the wait ends at its midnight', async () => {
    const mailing = await createMailing(db, owner);
    const settings = { SEND_PER_DAY: '150' };
    const server = playedTransport();
    const both = () => Promise.all([pass(server, settings), pass(server, settings)]);
    await both();
    expect(server.handed).toHaveLength(150);
    const midnight = new Date('2026-01-06T00:00:00Z');
    const run = await onlyRun(mailing);
    expect(await findRun(owner, { mailingId: mailing.id, runId: run.id }, db, clock)).toMatchObject({
      status: 'waiting',
      wait: { code: 'quota_daily', until: midnight },
    });
    for (const instant of [hours(1), hours(10), new Date(midnight.getTime() - 1)]) {
      clock.set(instant);
      await both();
      expect(server.handed).toHaveLength(150);
    }
    clock.set(midnight);
    await both();
    expect(server.handed).toHaveLength(300);
    clock.set(new Date('2026-01-07T00:00:00Z'));
    await both();
    expect(server.handed).toHaveLength(many);
    expect(new Set(addresses(server)).size).toBe(many);
    await pass(server, settings);
    expect((await onlyRun(mailing)).status).toBe('done');
    expect((await deliveriesOf(run.id)).every((row) => row.tries === 1)).toBe(true);
    await recount(run.id);
  });
});
