import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import type { AnswerKind } from '@/db/enums';
import { runs } from '@/db/schema';
import { listAttempts } from '@/lib/attempts/queries';
import { fixedClock } from '@/lib/clock';
import type { Transport } from '@/lib/email/transport';
import { parseEnv } from '@/lib/env';
import type { Actor } from '@/lib/policy/rules';
import { listAnsweringDomains, listAnswers, listRates } from '@/lib/reports/queries';
import { finishRun } from '@/lib/runs/mutations';
import { listDeliveries } from '@/lib/runs/queries';
import type { FinishableOutcome } from '@/lib/runs/schema';
import { sendDueMailings } from '@/lib/sending/engine';
import { asActor, createClient, createDelivery, createMailing, createUser } from '../support/factories';
import { recount } from '../support/ledger';
import { accepted, noAnswer, playedTransport, refusedForGood, refusedForNow } from '../support/transport';

const start = new Date('2026-01-05T09:00:00Z');
const minutes = (n: number) => new Date(start.getTime() + n * 60_000);

let actor: Actor;
let clock: ReturnType<typeof fixedClock>;

beforeEach(async () => {
  await db.execute(sql`truncate users, runs, deliveries, attempts, transports, engines cascade`);
  actor = asActor(await createUser(db));
  clock = fixedClock(start);
});

const pass = (transport: Transport) =>
  sendDueMailings({
    clock,
    deadline: new Date('2999-01-01'),
    transport,
    settings: parseEnv({ ...process.env, SEND_TRIES_MAX: '2', SEND_RETRY_BASE_SECONDS: '60' }),
    random: () => 0.5,
  });

/** How each of them answers, by the name before the @. */
const answers = {
  gone: refusedForGood,
  spam: {
    ...refusedForGood,
    code: 554,
    stage: 'dot',
    response: '554 5.7.1 Message rejected under suspicion of SPAM; https://ya.cc/1IrBc',
  },
  grey: refusedForNow,
  silent: noAnswer,
};

async function sendToAll() {
  const people = [
    'taken@one.test',
    'gone@one.test',
    'gone@two.test',
    'spam@Two.test',
    'grey@two.test',
    'silent@three.test',
  ];
  for (const email of people) await createClient(db, actor, { email });
  const mailing = await createMailing(db, actor);
  await pass(
    playedTransport(({ to }) => {
      const [name = ''] = to.address.split('@');
      return name in answers ? answers[name as keyof typeof answers] : accepted;
    }),
  );
  const [run] = await db.select().from(runs).where(eq(runs.mailingId, mailing.id));
  if (!run) throw new Error('no run');
  return { mailing, run };
}

describe('what the servers answered', () => {
  it('is told by meaning and by domain, adds up to the outcomes, and leads to the clients it was said of', async () => {
    const { mailing, run } = await sendToAll();
    const counts = await recount(run.id);
    expect(counts).toMatchObject({ sent: 1, failed: 3, unknown: 1, queued: 1 });
    const kinds = await listAnswers(actor, { runId: run.id });
    expect(kinds).toEqual([
      { kind: 'address_unknown', attempts: 2, failed: 2, unknown: 0 },
      { kind: 'spam', attempts: 1, failed: 1, unknown: 0 },
      { kind: 'no_answer', attempts: 1, failed: 0, unknown: 1 },
      { kind: 'greylisted', attempts: 1, failed: 0, unknown: 0 },
    ]);
    expect(await listAnswers(actor, { mailingId: mailing.id })).toEqual(kinds);
    expect(await listAnsweringDomains(actor, { runId: run.id })).toMatchObject([
      { domain: 'two.test', attempts: 3, failed: 2 },
      { domain: 'one.test', kind: 'address_unknown', failed: 1 },
      { domain: 'three.test', kind: 'no_answer', unknown: 1 },
    ]);
    for (const { kind, attempts, failed, unknown } of kinds) {
      const clients = await listDeliveries(actor, { runId: run.id, kind });
      expect(clients.items).toHaveLength(failed + unknown);
      expect((await listAttempts(actor, { kind })).items).toHaveLength(attempts);
    }
    expect(run.messageId).toBe(mailing.messageId);
  });

  it('follows tries that come later, and a finish that brings the letter to all', async () => {
    const { mailing, run } = await sendToAll();
    clock = fixedClock(minutes(16));
    await pass(playedTransport(() => refusedForNow));
    await recount(run.id);
    expect(await listAnswers(actor, { runId: run.id })).toContainEqual({
      kind: 'greylisted',
      attempts: 2,
      failed: 1,
      unknown: 0,
    });
    expect(await listRates(actor, run.id)).toEqual({
      minutes: 1,
      steps: Array.from({ length: 17 }, (_, minute) => ({
        at: minutes(minute),
        succeeded: minute === 0 ? 1 : 0,
        failed: minute === 0 ? 4 : minute === 16 ? 1 : 0,
        unknown: minute === 0 ? 1 : 0,
      })),
    });
    await finishRun(actor, { mailingId: mailing.id, outcomes: ['failed', 'unknown'] }, db, clock);
    await recount(run.id);
    await pass(playedTransport());
    expect(await recount(run.id)).toMatchObject({ sent: 6, failed: 0, unknown: 0 });
    const kinds = await listAnswers(actor, { runId: run.id });
    expect(kinds.map(({ failed, unknown }) => failed + unknown)).toEqual([0, 0, 0, 0]);
    expect(kinds.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(6);
  });

  it('chooses whom a finish brings the letter to: those with the answers named, once, and nobody else', async () => {
    const { mailing, run } = await sendToAll();
    clock = fixedClock(minutes(16));
    await pass(playedTransport(() => refusedForNow));
    const finish = () =>
      finishRun(
        actor,
        { mailingId: mailing.id, outcomes: ['failed'], kinds: ['spam', 'greylisted', 'mailbox_full'] },
        db,
        clock,
      );
    // Pressed twice at once: one of them finds nobody left.
    const pressed = await Promise.all([finish(), finish()]);
    expect(pressed.filter(({ ok }) => ok)).toMatchObject([{ data: { runId: run.id, requeued: 2 } }]);
    expect(pressed.filter(({ ok }) => !ok)).toMatchObject([{ error: { code: 'nothing_to_finish' } }]);
    const server = playedTransport();
    await pass(server);
    await pass(server);
    expect(server.handed.map(({ letter }) => letter.to.address).sort()).toEqual([
      'grey@two.test',
      'spam@Two.test',
    ]);
    expect(await recount(run.id)).toMatchObject({ sent: 3, failed: 2, unknown: 1, queued: 0 });
    const [unchanged] = await listAnswers(actor, { runId: run.id });
    expect(unchanged).toEqual({ kind: 'address_unknown', attempts: 2, failed: 2, unknown: 0 });
  });

  it('is chosen from among what failed alone, where it is asked for nothing else: of other outcomes all come', async () => {
    const { mailing, run } = await sendToAll();
    const finish = (outcomes: FinishableOutcome[], kinds: AnswerKind[]) =>
      finishRun(actor, { mailingId: mailing.id, outcomes, kinds }, db, clock);
    expect(await finish(['failed'], ['no_answer'])).toMatchObject({ error: { code: 'nothing_to_finish' } });
    const server = playedTransport();
    expect(await finish(['failed', 'unknown'], ['spam'])).toMatchObject({ data: { requeued: 2 } });
    await pass(server);
    expect(server.handed.map(({ letter }) => letter.to.address).sort()).toEqual([
      'silent@three.test',
      'spam@Two.test',
    ]);
    await recount(run.id);
  });

  it('is chosen from among the unknown too, by how they became so, and leaves the others as they are', async () => {
    const { mailing, run } = await sendToAll();
    const other = await createClient(db, actor, { email: 'cut-off@three.test' });
    await createDelivery(db, run, other, { status: 'unknown', kind: 'interrupted', reason: 'engine_died' });
    const finish = (unknownKinds: ('no_answer' | 'interrupted')[], kinds?: AnswerKind[]) =>
      finishRun(
        actor,
        { mailingId: mailing.id, outcomes: ['failed', 'unknown'], kinds, unknownKinds },
        db,
        clock,
      );
    const server = playedTransport();
    expect(await finish(['interrupted'], ['spam'])).toMatchObject({ data: { requeued: 2 } });
    await pass(server);
    expect(server.handed.map(({ letter }) => letter.to.address).sort()).toEqual([
      'cut-off@three.test',
      'spam@Two.test',
    ]);
    expect(await finish(['interrupted'], ['spam'])).toMatchObject({ error: { code: 'nothing_to_finish' } });
    expect(await listAnswers(actor, { runId: run.id })).toContainEqual(
      expect.objectContaining({ kind: 'no_answer', unknown: 1 }),
    );
  });
});
