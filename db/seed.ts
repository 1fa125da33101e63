import { hash } from '@node-rs/argon2';
import { eq } from 'drizzle-orm';
import { Temporal } from 'temporal-polyfill';
import { type Db, db } from './client';
import type {
  AnswerKind,
  AttemptStatus,
  DeliveryStatus,
  Periodicity,
  RunKind,
  RunStatus,
  SuppressionReason,
} from './enums';
import * as schema from './schema';

/*
 * Demo data: three people who sign in, some hundreds of clients, and mailings in every state with the history that the engine
 * would have written over the past weeks. Everybody's address ends in `.example`. The same on every machine but for the clock.
 */

/** Who signs in; `scripts/up.mjs` prints them. */
export const demoUsers = [
  {
    role: 'user',
    email: 'anna@demo.example',
    password: 'letters-by-anna',
    name: 'Anna Petrova',
    locale: 'en',
    timeZone: 'Europe/Moscow',
  },
  {
    role: 'manager',
    email: 'mikhail@demo.example',
    password: 'letters-by-mikhail',
    name: 'Михаил Соколов',
    locale: 'ru',
    timeZone: 'Europe/Moscow',
  },
  {
    role: 'admin',
    email: 'olga@demo.example',
    password: 'letters-by-olga',
    name: 'Olga Berg',
    locale: 'en',
    timeZone: 'Europe/Berlin',
  },
] as const;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const transport = 'smtp:news@mail.demo.example:587#demo';

type Owner = { id: number; email: string; name: string; locale: 'en' | 'ru' };
type Client = {
  id: number;
  email: string;
  emailKey: string;
  fullName: string;
  createdAt: Date;
  conduct: Conduct;
};
/** How a client's mail server behaves, run after run. */
type Conduct = 'takes' | 'greylists' | 'unknown_user' | 'full' | 'policy';
type Ending = { status: DeliveryStatus; reason: string | null; answers: Answer[] };
type Answer = {
  status: AttemptStatus;
  code: number | null;
  response: string;
  stage: string;
  kind: AnswerKind | null;
};

/** Loads the demo data unless it is there already, all of it or nothing. */
export async function seedDemo(now: Date): Promise<{
  loaded: boolean;
  users: readonly { role: string; email: string; password: string }[];
}> {
  const users = demoUsers.map(({ role, email, password }) => ({ role, email, password }));
  const loaded = await db.transaction(async (tx) => {
    const claimed = await tx
      .insert(schema.facts)
      .values({ name: 'demo_data', value: now.toISOString() })
      .onConflictDoNothing()
      .returning();
    if (claimed.length === 0) return false;
    await new Demo(tx, now).load();
    return true;
  });
  return { loaded, users };
}

/** A small generator of its own (mulberry32), so that everybody sees the same people. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type MailingPlan = {
  owner: Owner;
  name: string;
  messageId: number;
  audience: Client[] | 'all';
  periodicity: Periodicity;
  /** The anchor: so many days before now (negative: in the future), at this wall-clock time. */
  daysAgo: number;
  at: string;
  zone: string;
  /** The series ends so many days before now. */
  endsDaysAgo?: number;
  /** It ends four minutes after the slot of this number: too early for all of its letters. */
  endsAfterSlot?: number;
  pausedDaysAgo?: number;
  disabled?: { daysAgo: number; reason: string; by: Owner };
  /** Stopped by its owner after so many letters of its last run. */
  stoppedAfter?: number;
  /** The last run is still open, held by the pause after so many letters. */
  heldAfter?: number;
  /** Only so many letters of the last run left before the end of the series. */
  expiredAfter?: number;
  /** Slots by number that nobody served. */
  missed?: number[];
  /** Runs by number at which the engine died with letters on the wire. */
  broken?: number[];
  /** A start by hand, so many days ago. */
  manualDaysAgo?: number;
  /** Its form was changed, so many days ago. */
  editedDaysAgo?: number;
};

type RunPlan = {
  mailing: { id: number; owner: Owner; plan: MailingPlan };
  kind: RunKind;
  slotAt: Date | null;
  number: number;
  isLast: boolean;
  openedAt: Date;
  isMissed: boolean;
};

type PlannedAttempt = typeof schema.attempts.$inferInsert;
/** What somebody did with a mailing, and with which run of it. */
type PlannedEvent = { event: typeof schema.mailingEvents.$inferInsert; runId?: number };

class Demo {
  private readonly random = seeded(20_261_121);
  private readonly clients = new Map<number, Client[]>();
  private readonly suppressed = new Map<string, { at: Date; reason: SuppressionReason }>();
  private readonly messages = new Map<number, { subject: string; body: string }>();
  private readonly attempts: PlannedAttempt[] = [];
  private readonly events: PlannedEvent[] = [];

  constructor(
    private readonly on: Db,
    private readonly now: Date,
  ) {}

  async load(): Promise<void> {
    const [anna, mikhail, olga] = await this.insertUsers();
    await this.insertClients(anna, 324, 130);
    await this.insertClients(mikhail, 58, 90);
    await this.insertClients(olga, 14, 40);
    const boris = await this.insertBlockedUser(mikhail);
    await this.insertClients(boris, 37, 30);
    await this.insertSuppressions(anna);
    const plans = await this.planMailings(anna, mikhail, olga, boris);
    const runs: RunPlan[] = [];
    for (const plan of plans) runs.push(...(await this.insertMailing(plan)));
    // In the order in which it happened, since ids ascend with time.
    runs.sort((a, b) => a.openedAt.getTime() - b.openedAt.getTime());
    for (const run of runs) await this.insertRun(run);
    this.attempts.sort((a, b) => a.attemptedAt.getTime() - b.attemptedAt.getTime());
    await inChunks(this.attempts, (rows) => this.on.insert(schema.attempts).values(rows));
    await this.insertEvents();
    await this.linkSuppressions(anna);
    await this.insertPosts(mikhail, olga);
    await this.insertAudit(mikhail, olga, boris);
  }

  private pick<T>(items: readonly [T, ...T[]]): T {
    return items[Math.floor(this.random() * items.length)] ?? items[0];
  }

  private daysAgo(days: number): Date {
    return new Date(this.now.getTime() - days * day);
  }

  /** Somebody did something with a mailing; the lines are written in the order of time. */
  private note(
    by: Owner,
    runId: number | undefined,
    event: Omit<PlannedEvent['event'], 'actorId' | 'actorName'>,
  ): void {
    this.events.push({
      event: { ...event, actorId: by.id, actorName: by.name },
      ...(runId === undefined ? {} : { runId }),
    });
  }

  private async insertEvents(): Promise<void> {
    this.events.sort((a, b) => a.event.at.getTime() - b.event.at.getTime());
    for (const { event, runId } of this.events) {
      const { id: eventId } = only(
        await this.on.insert(schema.mailingEvents).values(event).returning({ id: schema.mailingEvents.id }),
      );
      if (runId !== undefined) await this.on.insert(schema.mailingEventRuns).values({ runId, eventId });
    }
  }

  // ---- people

  private async insertUsers(): Promise<[Owner, Owner, Owner]> {
    const owners: Owner[] = [];
    for (const { role, email, password, name, locale, timeZone } of demoUsers)
      owners.push(
        await this.insertUser({
          email,
          name,
          locale,
          timeZone,
          passwordHash: await hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }),
          isStaff: role !== 'user',
          isSuperuser: role === 'admin',
          createdAt: this.daysAgo(140),
        }),
      );
    const [anna, mikhail, olga] = owners;
    if (!anna || !mikhail || !olga) throw new Error('the demo has three users');
    return [anna, mikhail, olga];
  }

  private async insertUser(row: Omit<typeof schema.users.$inferInsert, 'emailKey'>): Promise<Owner> {
    const at = row.createdAt;
    const inserted = await this.on
      .insert(schema.users)
      .values({ ...row, emailKey: row.email, isDemo: true, confirmedAt: at, updatedAt: at })
      .returning();
    return only(inserted);
  }

  /** Somebody whom the manager had to stop. Nobody knows the password. */
  private async insertBlockedUser(manager: Owner): Promise<Owner> {
    return this.insertUser({
      email: 'boris@demo.example',
      name: 'Борис Лотерейный',
      locale: 'ru',
      timeZone: 'Asia/Yekaterinburg',
      passwordHash: '!',
      createdAt: this.daysAgo(31),
      blockedAt: this.daysAgo(6),
      blockedById: manager.id,
      blockedReason: 'Рассылка по купленной базе: 14 жалоб за два дня',
    });
  }

  private async insertClients(owner: Owner, howMany: number, overDays: number): Promise<void> {
    const drafts = new Map<string, Omit<Client, 'id'> & { comment: string }>();
    while (drafts.size < howMany) {
      const person = this.makePerson();
      if (drafts.has(person.email)) continue;
      const roll = this.random();
      drafts.set(person.email, {
        ...person,
        emailKey: person.email,
        comment: this.random() < 0.3 ? this.pick(comments) : '',
        createdAt: this.daysAgo(3 + this.random() * (overDays - 3)),
        conduct:
          roll < 0.9
            ? 'takes'
            : roll < 0.94
              ? 'greylists'
              : roll < 0.965
                ? 'unknown_user'
                : roll < 0.985
                  ? 'full'
                  : 'policy',
      });
    }
    const rows = [...drafts.values()].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    const made: Client[] = [];
    await inChunks(rows, async (some) => {
      const inserted = await this.on
        .insert(schema.clients)
        .values(
          some.map(({ conduct: _, ...row }) => ({ ...row, ownerId: owner.id, updatedAt: row.createdAt })),
        )
        .returning({ id: schema.clients.id, email: schema.clients.email });
      for (const { id, email } of inserted) {
        const draft = drafts.get(email);
        if (draft) made.push({ ...draft, id });
      }
    });
    this.clients.set(owner.id, made);
  }

  private makePerson(): { email: string; fullName: string } {
    const number = this.random() < 0.35 ? String(Math.floor(this.random() * 90) + 10) : '';
    if (this.random() < 0.6) {
      const isWoman = this.random() < 0.5;
      const first = this.pick(isWoman ? russianWomen : russianMen);
      const last = this.pick(russianSurnames);
      const family = isWoman ? last.replace(/(ский)$/, 'ская').replace(/([оеи][вн])$/, '$1а') : last;
      const spelled = `${transliterate(first)}.${transliterate(family)}${number}`;
      return { email: `${spelled}@${this.pick(domains)}`, fullName: `${first} ${family}` };
    }
    const first = this.pick(englishNames);
    const last = this.pick(englishSurnames);
    const spelled = `${first}.${last}${number}`.toLowerCase().replace(/[^a-z0-9.]/g, '');
    return { email: `${spelled}@${this.pick(domains)}`, fullName: `${first} ${last}` };
  }

  private clientsOf(owner: Owner): Client[] {
    return this.clients.get(owner.id) ?? [];
  }

  /** People who left, whose boxes are gone, or who complained. */
  private async insertSuppressions(owner: Owner): Promise<void> {
    const people = this.clientsOf(owner);
    const gone = people.filter((client) => client.conduct === 'unknown_user').slice(0, 6);
    const others = people.filter((client) => client.conduct === 'takes' && client.id % 23 === 0).slice(0, 13);
    const rows = [
      ...gone.map((client) => ({ client, reason: 'bounced' as const })),
      ...others.map((client, index) => ({
        client,
        reason: index < 10 ? ('unsubscribed' as const) : ('complained' as const),
      })),
    ].map(({ client, reason }) => {
      const from = Math.max(client.createdAt.getTime(), this.daysAgo(60).getTime());
      const latest = this.daysAgo(2).getTime();
      const at = new Date(from + (latest - from) * (0.3 + 0.7 * this.random()));
      this.suppressed.set(`${owner.id} ${client.emailKey}`, { at, reason });
      return { ownerId: owner.id, emailKey: client.emailKey, reason, createdAt: at };
    });
    rows.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    await this.on.insert(schema.suppressions).values(rows);
  }

  /** Each points to the last letter before it, as the link or the complaint would. */
  private async linkSuppressions(owner: Owner): Promise<void> {
    const rows = await this.on
      .select()
      .from(schema.suppressions)
      .where(eq(schema.suppressions.ownerId, owner.id));
    for (const row of rows) {
      const client = this.clientsOf(owner).find(({ emailKey }) => emailKey === row.emailKey);
      const last = this.attempts
        .filter((attempt) => attempt.ownerId === owner.id && attempt.attemptedAt <= row.createdAt)
        .findLast((attempt) => this.clientOfDelivery.get(attempt.deliveryId) === client?.id);
      if (last)
        await this.on
          .update(schema.suppressions)
          .set({ deliveryId: last.deliveryId })
          .where(eq(schema.suppressions.id, row.id));
    }
  }

  private readonly clientOfDelivery = new Map<number, number>();

  // ---- mailings

  private async insertMessage(owner: Owner, subject: string, body: string, daysAgo: number): Promise<number> {
    const createdAt = this.daysAgo(daysAgo);
    const { id } = only(
      await this.on
        .insert(schema.messages)
        .values({ ownerId: owner.id, subject, body, createdAt, updatedAt: createdAt })
        .returning({ id: schema.messages.id }),
    );
    this.messages.set(id, { subject, body });
    return id;
  }

  private async planMailings(anna: Owner, mikhail: Owner, olga: Owner, boris: Owner): Promise<MailingPlan[]> {
    const ids: number[] = [];
    for (const [index, [subject, body]] of annaMessages.entries())
      ids.push(await this.insertMessage(anna, subject, body, 80 - index * 5));
    const message = (index: number) => ids[index] ?? only(ids);
    const digest = await this.insertMessage(mikhail, ...partnerMessage, 50);
    const news = await this.insertMessage(olga, ...teamMessage, 30);
    const lottery = await this.insertMessage(boris, ...lotteryMessage, 20);
    const some = (owner: Owner, every: number, from = 0) =>
      this.clientsOf(owner).filter((_, index) => index % every === from);
    const moscow = 'Europe/Moscow';
    return [
      {
        owner: anna,
        name: 'Customer survey',
        messageId: message(4),
        audience: 'all',
        periodicity: 'once',
        daysAgo: 40,
        at: '11:00',
        zone: moscow,
      },
      {
        owner: anna,
        name: 'Weekly digest',
        messageId: message(0),
        audience: 'all',
        periodicity: 'weekly',
        daysAgo: 61,
        at: '10:00',
        zone: moscow,
        missed: [5],
        manualDaysAgo: 9,
        editedDaysAgo: 15.3,
      },
      {
        owner: anna,
        name: 'Monthly statement',
        messageId: message(1),
        audience: some(anna, 13),
        periodicity: 'monthly',
        daysAgo: 95,
        at: '12:00',
        zone: moscow,
      },
      {
        owner: anna,
        name: 'Осенняя распродажа: обратный отсчёт',
        messageId: message(2),
        audience: some(anna, 6, 1),
        periodicity: 'daily',
        daysAgo: 36,
        at: '09:15',
        zone: moscow,
        endsAfterSlot: 5,
        expiredAfter: 31,
      },
      {
        owner: anna,
        name: 'Совет на каждый день',
        messageId: message(3),
        audience: some(anna, 8, 2),
        periodicity: 'daily',
        daysAgo: 20,
        at: '08:30',
        zone: moscow,
        missed: [9, 10],
        broken: [14],
      },
      {
        owner: anna,
        name: 'Welcome to the new season',
        messageId: message(5),
        audience: 'all',
        periodicity: 'once',
        daysAgo: 17,
        at: '14:30',
        zone: moscow,
        broken: [0],
      },
      {
        owner: anna,
        name: 'Price list with the wrong prices',
        messageId: message(6),
        audience: some(anna, 2),
        periodicity: 'once',
        daysAgo: 12,
        at: '16:00',
        zone: moscow,
        stoppedAfter: 58,
      },
      {
        owner: anna,
        name: 'News for partners',
        messageId: message(7),
        audience: some(anna, 4, 3),
        periodicity: 'weekly',
        daysAgo: 29.4,
        at: '15:00',
        zone: 'Europe/Berlin',
        pausedDaysAgo: 1.2,
        heldAfter: 33,
      },
      {
        owner: anna,
        name: 'Only today: minus 70 %',
        messageId: message(8),
        audience: some(anna, 3, 1),
        periodicity: 'daily',
        daysAgo: 9,
        at: '18:00',
        zone: moscow,
        disabled: {
          daysAgo: 4,
          reason:
            'Three complaints in two days: please write less often and say where the addresses are from',
          by: mikhail,
        },
      },
      {
        owner: anna,
        name: 'Black Friday',
        messageId: message(2),
        audience: 'all',
        periodicity: 'once',
        daysAgo: -6,
        at: '07:00',
        zone: moscow,
      },
      {
        owner: mikhail,
        name: 'Дайджест для партнёров',
        messageId: digest,
        audience: 'all',
        periodicity: 'weekly',
        daysAgo: 33,
        at: '13:00',
        zone: moscow,
      },
      {
        owner: olga,
        name: 'Team news',
        messageId: news,
        audience: 'all',
        periodicity: 'monthly',
        daysAgo: 26,
        at: '09:00',
        zone: 'Europe/Berlin',
      },
      {
        owner: boris,
        name: 'Вы выиграли!',
        messageId: lottery,
        audience: 'all',
        periodicity: 'daily',
        daysAgo: 12,
        at: '10:30',
        zone: 'Asia/Yekaterinburg',
        endsDaysAgo: -30,
      },
    ];
  }

  /** Inserts the mailing as it stands now; answers the runs it has had. */
  private async insertMailing(plan: MailingPlan): Promise<RunPlan[]> {
    const slots = this.slotsOf(plan);
    const { owner } = plan;
    const startsAt = only(slots).at;
    // What holds the series: nothing opened after it.
    const heldSince = plan.disabled
      ? this.daysAgo(plan.disabled.daysAgo)
      : plan.pausedDaysAgo !== undefined
        ? this.daysAgo(plan.pausedDaysAgo)
        : owner.email === 'boris@demo.example'
          ? this.daysAgo(6)
          : this.now;
    // What is due within the last half hour is left to the engine: its retries would lie in the future.
    const served = heldSince.getTime() - 30 * minute;
    const past = slots.filter(({ at }) => at.getTime() <= served);
    const next = plan.stoppedAfter === undefined ? slots.find(({ at }) => at.getTime() > served) : undefined;
    const isOpen = plan.heldAfter !== undefined;
    const isBegun = past.length > 0;
    const status = !isBegun ? 'created' : next || isOpen ? 'running' : 'completed';
    const createdAt = new Date(
      Math.min(startsAt.getTime(), this.now.getTime()) - 5 * hour - this.random() * day,
    );
    const { id } = only(
      await this.on
        .insert(schema.mailings)
        .values({
          ownerId: owner.id,
          name: plan.name,
          messageId: plan.messageId,
          audience: plan.audience === 'all' ? 'all' : 'chosen',
          periodicity: plan.periodicity,
          startsLocal: this.anchorOf(plan).toString({ smallestUnit: 'minute' }),
          zone: plan.zone,
          startsAt,
          endsAt: this.endOf(plan),
          status,
          pausedAt: plan.pausedDaysAgo === undefined ? null : this.daysAgo(plan.pausedDaysAgo),
          disabledAt: plan.disabled ? this.daysAgo(plan.disabled.daysAgo) : null,
          disabledById: plan.disabled?.by.id ?? null,
          disabledReason: plan.disabled?.reason ?? null,
          nextSlotAt: next?.at ?? null,
          nextSlotIndex: next?.index ?? past.at(-1)?.index ?? 0,
          createdAt,
          updatedAt: createdAt,
        })
        .returning({ id: schema.mailings.id }),
    );
    if (plan.audience !== 'all')
      await this.on
        .insert(schema.mailingClients)
        .values(plan.audience.map((client) => ({ mailingId: id, clientId: client.id })));
    if (plan.disabled) {
      const { by, reason, daysAgo } = plan.disabled;
      this.note(by, undefined, { mailingId: id, kind: 'disabled', reason, at: this.daysAgo(daysAgo) });
    }
    if (plan.editedDaysAgo !== undefined) {
      const detail = { fields: ['message', 'clients'] as const };
      this.note(owner, undefined, {
        mailingId: id,
        kind: 'edited',
        detail,
        at: this.daysAgo(plan.editedDaysAgo),
      });
    }
    const mailing = { id, owner, plan };
    const runs = past.map(
      ({ at }, number): RunPlan => ({
        mailing,
        kind: 'scheduled',
        slotAt: at,
        number,
        isLast: number === past.length - 1,
        isMissed: plan.missed?.includes(number) ?? false,
        openedAt: new Date(at.getTime() + 200 + Math.floor(this.random() * 1500)),
      }),
    );
    // Missed slots were noted by the first pass after the service was back.
    for (const [index, run] of runs.entries()) {
      const following = runs.slice(index + 1).find((later) => !later.isMissed);
      if (run.isMissed && following) run.openedAt = new Date(following.openedAt.getTime() - 20);
    }
    if (plan.manualDaysAgo !== undefined)
      runs.push({
        mailing,
        kind: 'manual',
        slotAt: null,
        number: -1,
        isLast: false,
        isMissed: false,
        openedAt: this.daysAgo(plan.manualDaysAgo),
      });
    return runs;
  }

  private anchorOf(plan: MailingPlan): Temporal.PlainDateTime {
    const moment = Temporal.Instant.fromEpochMilliseconds(this.daysAgo(plan.daysAgo).getTime());
    const date = moment.toZonedDateTimeISO(plan.zone).toPlainDate();
    return date.toPlainDateTime(Temporal.PlainTime.from(plan.at));
  }

  private slotAt(plan: MailingPlan, index: number): Date {
    const anchor = this.anchorOf(plan);
    const steps = { once: {}, daily: { days: index }, weekly: { weeks: index }, monthly: { months: index } };
    const local = plan.periodicity === 'once' ? anchor : anchor.add(steps[plan.periodicity]);
    return new Date(local.toZonedDateTime(plan.zone).epochMilliseconds);
  }

  private endOf(plan: MailingPlan): Date | null {
    if (plan.endsAfterSlot !== undefined)
      return new Date(this.slotAt(plan, plan.endsAfterSlot).getTime() + 4 * minute);
    return plan.endsDaysAgo === undefined ? null : this.daysAgo(plan.endsDaysAgo);
  }

  /** Every slot from the anchor to the first one after now, counted as the engine counts them. */
  private slotsOf(plan: MailingPlan): { index: number; at: Date }[] {
    const endsAt = this.endOf(plan);
    const slots: { index: number; at: Date }[] = [];
    for (let index = 0; index < 1000; index += 1) {
      const at = this.slotAt(plan, index);
      if (endsAt && at >= endsAt) break;
      slots.push({ index, at });
      if (at > this.now || plan.periodicity === 'once') break;
    }
    return slots;
  }

  // ---- the ledger

  private async insertRun(run: RunPlan): Promise<void> {
    const { owner, plan, id: mailingId } = run.mailing;
    const letter = this.messages.get(plan.messageId);
    if (!letter) throw new Error('a run without a message');
    const frozen = run.isMissed
      ? { subject: '', body: '', fromName: '', fromEmail: '', replyTo: '', linkBase: '' }
      : {
          ...letter,
          fromName: owner.name,
          fromEmail: 'news@mail.demo.example',
          replyTo: owner.email,
          linkBase: 'http://localhost:3000',
        };
    const audience = run.isMissed ? [] : this.audienceOf(run);
    const endings = audience.map((client, index) => ({ client, ...this.endingOf(run, client, index) }));
    const isOpen = endings.some(({ status }) => status === 'queued');
    const reached = endings.every(({ status }) => status === 'sent' || status === 'skipped');
    const isStopped = plan.stoppedAfter !== undefined && run.isLast;
    const status: RunStatus = run.isMissed
      ? 'missed'
      : isOpen
        ? 'open'
        : reached
          ? 'done'
          : isStopped
            ? 'stopped'
            : 'partly_done';
    const { id: runId } = only(
      await this.on
        .insert(schema.runs)
        .values({
          ...frozen,
          mailingId,
          ownerId: owner.id,
          messageId: run.isMissed ? null : plan.messageId,
          kind: run.kind,
          slotAt: run.slotAt,
          // Closed below, when it is known when the last letter ended.
          status: run.isMissed ? 'missed' : 'open',
          closedAt: run.isMissed ? run.openedAt : null,
          deadlineAt: run.kind === 'manual' ? new Date(run.openedAt.getTime() + day) : null,
          locale: owner.locale,
          transport: run.isMissed ? null : transport,
          openedAt: run.openedAt,
          servedAt: run.openedAt,
          pausedAt: isOpen && plan.pausedDaysAgo !== undefined ? this.daysAgo(plan.pausedDaysAgo) : null,
        })
        .returning({ id: schema.runs.id }),
    );
    if (run.isMissed) return;
    const closedAt = await this.insertDeliveries(run, runId, endings);
    await this.on
      .update(schema.runs)
      .set(
        isOpen
          ? { servedAt: closedAt }
          : { status, closedAt, servedAt: closedAt, stoppedAt: isStopped ? closedAt : null },
      )
      .where(eq(schema.runs.id, runId));
    const letters = (status: DeliveryStatus) => endings.filter((ending) => ending.status === status).length;
    if (run.kind === 'manual')
      this.note(owner, runId, {
        mailingId,
        kind: 'started',
        detail: { letters: endings.length },
        at: run.openedAt,
      });
    if (isOpen && plan.pausedDaysAgo !== undefined)
      this.note(owner, runId, { mailingId, kind: 'paused', at: this.daysAgo(plan.pausedDaysAgo) });
    if (isStopped)
      this.note(owner, runId, {
        mailingId,
        kind: 'stopped',
        detail: { letters: letters('cancelled') },
        at: closedAt,
      });
  }

  private audienceOf(run: RunPlan): Client[] {
    const { plan, owner } = run.mailing;
    const people = plan.audience === 'all' ? this.clientsOf(owner) : plan.audience;
    // Whoever was added after the run opened does not get it; those chosen by name were there when they were chosen.
    return plan.audience === 'all' ? people.filter((client) => client.createdAt < run.openedAt) : people;
  }

  private endingOf(run: RunPlan, client: Client, index: number): Ending {
    const { plan, owner } = run.mailing;
    const suppression = this.suppressed.get(`${owner.id} ${client.emailKey}`);
    if (suppression && suppression.at <= run.openedAt)
      return { status: 'skipped', reason: suppression.reason, answers: [] };
    if (run.isLast && plan.stoppedAfter !== undefined && index >= plan.stoppedAfter)
      return { status: 'cancelled', reason: 'stopped', answers: [] };
    if (run.isLast && plan.expiredAfter !== undefined && index >= plan.expiredAfter)
      return { status: 'expired', reason: 'deadline_passed', answers: [] };
    if (run.isLast && plan.heldAfter !== undefined && index >= plan.heldAfter)
      return { status: 'queued', reason: null, answers: [] };
    if (plan.broken?.includes(run.number) && index >= 20 && index < 24)
      return {
        status: 'unknown',
        reason: 'engine_died',
        answers: [{ status: 'unknown', code: null, response: '', stage: '', kind: 'interrupted' }],
      };
    switch (client.conduct) {
      case 'takes':
        return { status: 'sent', reason: null, answers: [this.accepted()] };
      case 'greylists':
        return run.number % 3 === 0
          ? {
              status: 'sent',
              reason: null,
              answers: [
                refused('greylisted', 451, '451 4.7.1 Greylisting in action, please come back later'),
                this.accepted(),
              ],
            }
          : { status: 'sent', reason: null, answers: [this.accepted()] };
      case 'unknown_user':
        return {
          status: 'failed',
          reason: 'refused',
          answers: [
            refused(
              'address_unknown',
              550,
              `550 5.1.1 <${client.email}>: Recipient address rejected: User unknown`,
            ),
          ],
        };
      case 'full': {
        const full = refused(
          'mailbox_full',
          452,
          '452 4.2.2 The email account is over quota, try again later',
        );
        return run.number % 2 === 0
          ? { status: 'sent', reason: null, answers: [full, full, this.accepted()] }
          : { status: 'failed', reason: 'tries_used', answers: [full, full, full, full, full] };
      }
      case 'policy':
        return run.number % 4 === 1
          ? {
              status: 'failed',
              reason: 'refused',
              answers: [
                refused('spam', 554, '554 5.7.1 Message rejected as spam by content filtering', 'dot'),
              ],
            }
          : { status: 'sent', reason: null, answers: [this.accepted()] };
    }
  }

  private accepted(): Answer {
    const id = Array.from({ length: 10 }, () =>
      Math.floor(this.random() * 16)
        .toString(16)
        .toUpperCase(),
    ).join('');
    return {
      status: 'success',
      code: 250,
      response: `250 2.0.0 Ok: queued as ${id}`,
      stage: 'dot',
      kind: null,
    };
  }

  /** Deliveries with their batches; the attempts are kept for the end. Answers when the last delivery ended. */
  private async insertDeliveries(
    run: RunPlan,
    runId: number,
    endings: (Ending & { client: Client })[],
  ): Promise<Date> {
    const { owner, plan, id: mailingId } = run.mailing;
    const opened = run.openedAt.getTime();
    let clock = opened + 300;
    const timed = endings.map((ending) => {
      const times = ending.answers.map((_, index) => {
        // The engine comes back after one, two, four, eight minutes, half of it jittered.
        const wait = index === 0 ? 0 : minute * (2 ** index - 1) * (0.6 + this.random() * 0.4);
        return new Date(clock + wait);
      });
      if (ending.answers.length > 0) clock += 40 + Math.floor(this.random() * 120);
      return { ...ending, times };
    });
    const lastAnswer = Math.max(clock, ...timed.flatMap(({ times }) => times.map((time) => time.getTime())));
    const deadline = this.endOf(plan)?.getTime() ?? lastAnswer;
    const endOf = ({ status, times }: (typeof timed)[number]): Date | null => {
      const last = times.at(-1);
      if (status === 'queued') return null;
      if (status === 'skipped') return run.openedAt;
      if (status === 'expired') return new Date(deadline);
      if (status === 'cancelled' || !last) return new Date(clock + 2 * minute);
      // A lease has to run out before the sweep finds what an engine left.
      return new Date(last.getTime() + (status === 'unknown' ? 2 * minute : 35));
    };
    let latest = opened;
    await inChunks(timed, async (some) => {
      const startedAt = new Date(opened + 250);
      const hasAttempts = some.some(({ times }) => times.length > 0);
      const batchId = hasAttempts
        ? only(
            await this.on
              .insert(schema.batches)
              .values({
                runId,
                transport,
                holder: null,
                leasedUntil: new Date(clock),
                firstTriedAt: startedAt,
                endedAt: new Date(clock),
                createdAt: startedAt,
              })
              .returning({ id: schema.batches.id }),
          ).id
        : null;
      const inserted = await this.on
        .insert(schema.deliveries)
        .values(
          some.map((one) => {
            const endedAt = endOf(one);
            latest = Math.max(latest, endedAt?.getTime() ?? 0);
            return {
              runId,
              clientId: one.client.id,
              email: one.client.email,
              fullName: one.client.fullName,
              status: one.status,
              reason: one.reason,
              kind: one.status === 'failed' || one.status === 'unknown' ? one.answers.at(-1)?.kind : null,
              tries: one.answers.filter(({ status }) => status !== 'unknown').length,
              batchId: one.times.length > 0 ? batchId : null,
              endedAt,
            };
          }),
        )
        .returning({ id: schema.deliveries.id, clientId: schema.deliveries.clientId });
      const deliveryOf = new Map(inserted.map(({ id, clientId }) => [clientId, id]));
      for (const { client, answers, times } of some)
        for (const [index, answer] of answers.entries()) {
          const deliveryId = deliveryOf.get(client.id);
          const attemptedAt = times[index];
          if (!deliveryId || !attemptedAt || batchId === null) continue;
          this.clientOfDelivery.set(deliveryId, client.id);
          this.attempts.push({
            ...answer,
            deliveryId,
            runId,
            mailingId,
            ownerId: owner.id,
            batchId,
            attemptedAt,
            transport,
          });
        }
    });
    return new Date(latest);
  }

  // ---- the blog, the log

  private async insertPosts(mikhail: Owner, olga: Owner): Promise<void> {
    const rows = await this.on
      .insert(schema.posts)
      .values(
        posts.map(({ daysAgo, by, ...post }) => {
          const at = daysAgo === null ? this.daysAgo(1.5) : this.daysAgo(daysAgo);
          return {
            ...post,
            status: daysAgo === null ? ('draft' as const) : ('published' as const),
            publishedAt: daysAgo === null ? null : at,
            views: daysAgo === null ? 0 : Math.floor(40 + daysAgo * (4 + this.random() * 9)),
            authorId: by === 'mikhail' ? mikhail.id : olga.id,
            createdAt: new Date(at.getTime() - 3 * hour),
            updatedAt: at,
          };
        }),
      )
      .returning({ id: schema.posts.id, views: schema.posts.views, publishedAt: schema.posts.publishedAt });
    const days = rows.flatMap(({ id, views, publishedAt }) => this.viewsByDay(id, views, publishedAt));
    await this.on.insert(schema.postViews).values(days);
  }

  /** The views of an article spread over its days, most of them on the first ones. */
  private viewsByDay(postId: number, views: number, publishedAt: Date | null) {
    const from = (publishedAt ?? this.now).getTime();
    const byDay = new Map<string, number>();
    for (let left = views; left > 0; left -= 1) {
      const at = new Date(from + (this.now.getTime() - from) * this.random() ** 2);
      const utcDay = at.toISOString().slice(0, 10);
      byDay.set(utcDay, (byDay.get(utcDay) ?? 0) + 1);
    }
    return [...byDay].map(([day, views]) => ({ postId, day, views }));
  }

  private async insertAudit(mikhail: Owner, olga: Owner, boris: Owner): Promise<void> {
    const [disabled] = await this.on
      .select()
      .from(schema.mailings)
      .where(eq(schema.mailings.name, 'Only today: minus 70 %'));
    await this.on.insert(schema.audit).values([
      {
        actorId: olga.id,
        actorEmail: olga.email,
        action: 'promote_user',
        targetType: 'user',
        targetId: mikhail.id,
        targetName: mikhail.email,
        before: { isStaff: false, isSuperuser: false },
        after: { isStaff: true, isSuperuser: false },
        createdAt: this.daysAgo(120),
      },
      {
        actorId: mikhail.id,
        actorEmail: mikhail.email,
        action: 'block_user',
        targetType: 'user',
        targetId: boris.id,
        targetName: boris.email,
        reason: 'Рассылка по купленной базе: 14 жалоб за два дня',
        createdAt: this.daysAgo(6),
      },
      {
        actorId: mikhail.id,
        actorEmail: mikhail.email,
        action: 'disable_mailing',
        targetType: 'mailing',
        targetId: disabled?.id ?? null,
        targetName: disabled?.name ?? '',
        reason: disabled?.disabledReason ?? '',
        createdAt: this.daysAgo(4),
      },
    ]);
  }
}

function refused(kind: AnswerKind, code: number, response: string, stage = 'rcpt'): Answer {
  return { status: 'failure', code, response, stage, kind };
}

function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error('there should be a row');
  return row;
}

async function inChunks<T>(rows: readonly T[], write: (some: T[]) => PromiseLike<unknown>): Promise<void> {
  for (let from = 0; from < rows.length; from += 500) await write(rows.slice(from, from + 500));
}

function transliterate(name: string): string {
  return [...name.toLowerCase()].map((letter) => latin[letter] ?? letter).join('');
}

const latin: Record<string, string> = {
  а: 'a',
  б: 'b',
  в: 'v',
  г: 'g',
  д: 'd',
  е: 'e',
  ё: 'e',
  ж: 'zh',
  з: 'z',
  и: 'i',
  й: 'y',
  к: 'k',
  л: 'l',
  м: 'm',
  н: 'n',
  о: 'o',
  п: 'p',
  р: 'r',
  с: 's',
  т: 't',
  у: 'u',
  ф: 'f',
  х: 'kh',
  ц: 'ts',
  ч: 'ch',
  ш: 'sh',
  щ: 'shch',
  ъ: '',
  ы: 'y',
  ь: '',
  э: 'e',
  ю: 'yu',
  я: 'ya',
};

const domains = [
  'pochta.example',
  'mail.example',
  'post.example',
  'inbox.example',
  'yashchik.example',
  'firma.example',
  'northwind.example',
  'atelier.example',
] as const;
const russianWomen = [
  'Анна',
  'Мария',
  'Елена',
  'Ольга',
  'Наталья',
  'Ирина',
  'Татьяна',
  'Светлана',
  'Екатерина',
  'Дарья',
  'Полина',
  'Вера',
  'Алёна',
] as const;
const russianMen = [
  'Александр',
  'Дмитрий',
  'Иван',
  'Сергей',
  'Андрей',
  'Алексей',
  'Николай',
  'Пётр',
  'Михаил',
  'Григорий',
  'Роман',
  'Фёдор',
] as const;
const russianSurnames = [
  'Иванов',
  'Смирнов',
  'Кузнецов',
  'Попов',
  'Васильев',
  'Соколов',
  'Михайлов',
  'Фёдоров',
  'Морозов',
  'Волков',
  'Лебедев',
  'Козлов',
  'Зайцев',
  'Голубев',
  'Виноградов',
  'Белов',
  'Орлов',
  'Громов',
  'Никитин',
  'Рябов',
  'Ильин',
  'Вишневский',
  'Каменский',
  'Чайкин',
] as const;
const englishNames = [
  'Emma',
  'Oliver',
  'Grace',
  'Henry',
  'Amelia',
  'Jack',
  'Sophie',
  'George',
  'Alice',
  'Thomas',
  'Nora',
  'Samuel',
  'Clara',
  'Victor',
] as const;
const englishSurnames = [
  'Smith',
  'Walker',
  'Turner',
  'Bennett',
  'Clarke',
  'Hughes',
  'Foster',
  'Reed',
  'Murphy',
  "O'Brien",
  'Harper',
  'Ellis',
  'Novak',
] as const;
const comments = [
  'Met at the trade fair in spring',
  'Prefers to be called in the afternoon',
  'Постоянный клиент с 2021 года',
  'Просил присылать только важное',
  'Wholesale',
  'Оптовый покупатель',
  'Asked for the catalogue on paper too',
  'Подписался на сайте',
] as const;

const hello = '<p>Hello {{ client.full_name | default: "friend" }},</p>';
const helloRu = '<p>Здравствуйте, {{ client.full_name | default: "друзья" }}!</p>';

const annaMessages: readonly (readonly [string, string])[] = [
  [
    'What is new this week, {{ client.full_name | default: "friend" }}',
    `${hello}<h2>Three things worth a minute</h2><ul><li><strong>The autumn catalogue</strong> is out, with 40 new pieces.</li><li>The workshop is open on Saturdays again.</li><li>Delivery takes one day less from Monday on.</li></ul><p>See you soon,<br>Anna</p>`,
  ],
  [
    'Your statement for this month',
    `${hello}<p>The statement is ready. If a number looks wrong, answer this letter and we put it right within a day.</p><p>Anna</p>`,
  ],
  [
    'Осенняя распродажа: осталось немного',
    `${helloRu}<p>До конца распродажи остаётся всё меньше времени. <strong>Скидка 30 %</strong> на всё, что вы отложили.</p><p>Анна</p>`,
  ],
  [
    'Совет дня',
    `${helloRu}<p>Сегодня коротко: пишите тему письма так, чтобы её хватило, если письмо не откроют.</p><p>Хорошего дня!</p>`,
  ],
  [
    'Two questions, one minute',
    `${hello}<p>What should we do better, and what should we leave as it is? Just answer this letter: every answer is read.</p><p>Anna</p>`,
  ],
  [
    'Welcome to the new season',
    `${hello}<p>The shelves are full again. As a client of ours you may order <em>a week before everyone else</em>.</p><p>Anna</p>`,
  ],
  [
    'Price list for wholesale',
    `${hello}<p>Here are the prices for the coming quarter. They hold until the end of the year.</p><p>Anna</p>`,
  ],
  [
    'News for our partners',
    `${hello}<p>New terms, new dates and a new address of the warehouse: all in one letter, so that you can keep it.</p><p>Anna</p>`,
  ],
  [
    'Only today: minus 70 %',
    `${hello}<p>Today only! Everything must go! Order now, tomorrow it is too late!</p>`,
  ],
];
const partnerMessage = [
  'Дайджест для партнёров',
  `${helloRu}<p>Коротко о главном за неделю: новые условия, график отгрузок и две вакансии.</p><p>Михаил</p>`,
] as const;
const teamMessage = [
  'Team news',
  `${hello}<p>Who joined, who moved, and what we ship next. Questions go to the usual channel.</p><p>Olga</p>`,
] as const;
const lotteryMessage = [
  'Вы выиграли!',
  `${helloRu}<p>Вам положен приз. Чтобы получить его, ответьте на это письмо сегодня.</p>`,
] as const;

type Post = {
  title: string;
  slug: string;
  summary: string;
  body: string;
  /** Null: a draft. */
  daysAgo: number | null;
  by: 'mikhail' | 'olga';
};

const posts: readonly Post[] = [
  {
    title: 'Five habits of a letter that gets read',
    slug: 'five-habits-of-a-letter-that-gets-read',
    summary: 'A subject that is enough by itself, one thing to do, and three more habits that cost nothing.',
    body: '<p>People decide in two seconds whether a letter is for them. Help them.</p><h2>1. The subject is the letter</h2><p>Whoever reads only the subject should know what it is about.</p><h2>2. One thing to do</h2><p>Two buttons compete; one is pressed.</p><h2>3. A name, not a department</h2><p>Letters come from people. Sign them, and read the answers.</p><h2>4. The same day, the same hour</h2><p>A weekly letter that comes on Tuesday at ten is expected; one that comes whenever is noise.</p><h2>5. An easy way out</h2><p>Who wants to leave, leaves by the spam button if there is no link. Make the link easy to find.</p>',
    daysAgo: 52,
    by: 'olga',
  },
  {
    title: 'Как собрать базу подписчиков и не испортить её',
    slug: 'kak-sobrat-bazu-podpischikov',
    summary:
      'Почему купленный список обходится дороже, чем кажется, и с чего начать, если подписчиков ещё нет.',
    body: '<p>Хорошая база растёт медленно. Плохую можно купить за день, а избавляться от последствий придётся месяцами.</p><h2>Спросите разрешения</h2><p>Галочка в форме заказа, листок у кассы, ссылка в подписи: важно, чтобы человек сказал «да» сам.</p><h2>Скажите, о чём и как часто</h2><p>«Раз в неделю, по вторникам, коротко» работает лучше любых подарков.</p><h2>Отпускайте легко</h2><p>Отписавшийся сегодня может вернуться. Пожаловавшийся на спам не вернётся никогда.</p>',
    daysAgo: 38,
    by: 'mikhail',
  },
  {
    title: 'What the mail server is telling you',
    slug: 'what-the-mail-server-is-telling-you',
    summary: '550, 452, 451: three answers, three meanings, and what to do about each.',
    body: '<p>Every try to deliver a letter ends with an answer. Mailroom keeps each one, word for word.</p><h2>550 5.1.1: nobody lives here</h2><p>The address does not exist. Do not try again; ask the client for another one.</p><h2>452 4.2.2: the box is full</h2><p>Temporary, in theory. After a few tries over some hours it is usually the sign of a box nobody opens.</p><h2>451 4.7.1: come back later</h2><p>Greylisting. The server wants to see that you are serious: a real sender comes back, and so do we.</p>',
    daysAgo: 24,
    by: 'olga',
  },
  {
    title: 'Когда отправлять рассылку: часовые пояса без боли',
    slug: 'kogda-otpravlyat-rassylku',
    summary:
      'Десять утра в Москве и десять утра в Екатеринбурге: как назначить время один раз и не ошибиться.',
    body: '<p>Время в рассылке указывают по часам того, кто её ждёт.</p><h2>Зона важнее смещения</h2><p>«Europe/Berlin» помнит о переходе на летнее время, «UTC+1» нет. Поэтому в Mailroom выбирают зону.</p><h2>31-е число</h2><p>В коротком месяце письмо уйдёт в последний день, а в следующем снова 31-го.</p>',
    daysAgo: 11,
    by: 'mikhail',
  },
  {
    title: 'Nobody twice, nobody forgotten',
    slug: 'nobody-twice-nobody-forgotten',
    summary: 'What happens to a mailing when the power goes out in the middle of it.',
    body: '<p>A mailing of ten thousand letters takes minutes, and in minutes a lot can happen: a restart, a full disk, a cut cable.</p><p>Mailroom writes down each letter <em>before</em> handing it over. When it comes back it knows what was sent, what was not, and which few letters were on the wire at that moment. Those it shows to you instead of guessing.</p><blockquote>A letter twice is worse than a letter late.</blockquote>',
    daysAgo: 4,
    by: 'olga',
  },
  {
    title: 'Templates for the end of the year',
    slug: 'templates-for-the-end-of-the-year',
    summary: 'A draft: greetings, dates and the last day for orders.',
    body: '<p>To be written: three short letters for December.</p>',
    daysAgo: null,
    by: 'olga',
  },
  {
    title: 'Разбор писем читателей',
    slug: 'razbor-pisem-chitateley',
    summary: 'Черновик: какие письма нам прислали и что в них можно улучшить.',
    body: '<p>Здесь будет разбор пяти писем.</p>',
    daysAgo: null,
    by: 'mikhail',
  },
];
