import { eq } from 'drizzle-orm';
import type { z } from 'zod';
import { closeDatabase, db } from '@/db/client';
import { audit, letters, posts, sessions, suppressions, tokens } from '@/db/schema';
import { createClient, updateClient } from '@/lib/clients/mutations';
import { clientSchema } from '@/lib/clients/schema';
import { createMailing, updateMailing } from '@/lib/mailings/mutations';
import { mailingSchema } from '@/lib/mailings/schema';
import { createMessage } from '@/lib/messages/mutations';
import { messageSchema } from '@/lib/messages/schema';
import type { Actor } from '@/lib/policy/rules';
import { createPost } from '@/lib/posts/mutations';
import { postSchema } from '@/lib/posts/schema';
import { disableMailing } from '@/lib/runs/mutations';
import { wakeOrPass } from '@/lib/sending/wake';
import { blockUser, updateProfile } from '@/lib/users/mutations';
import * as rows from './factories';
import { payloads } from './hostile-payloads';

/*
 * `tsx tests/support/hostile-texts.ts <tag>`: an owner, a manager and an admin, and
 * every payload in everything that people and mail servers write. By our own functions where they take it, and straight into the
 * tables where they refuse: a page must not rely on what was refused. Prints who signs in, and one thing of every kind to open.
 */

const tag = process.argv[2] ?? 'x';
const password = 'a long and honest passphrase';
const all = payloads.join(' ');
const polyglot = payloads.find((text) => text.includes('polyglot')) ?? all;
let taken = 0;
let refused = 0;

/** By our own function; by `otherwise` where it refuses. */
async function put<T>(result: Promise<{ ok: true; data: T } | { ok: false }>, otherwise: () => Promise<T>) {
  const answer = await result;
  if (answer.ok) {
    taken += 1;
    return answer.data;
  }
  refused += 1;
  return otherwise();
}

async function person(role: 'owner' | 'manager' | 'admin') {
  const row = await rows.createUser(db, {
    email: `${role}-${tag}@hostile.test`,
    password,
    name: polyglot,
    locale: role === 'admin' ? 'ru' : 'en',
    timeZone: 'Europe/Moscow',
    isStaff: role !== 'owner',
    isSuperuser: role === 'admin',
  });
  return rows.asActor(row);
}

const owner = await person('owner');
const manager = await person('manager');
const admin = await person('admin');
await updateProfile(owner, { name: polyglot, timeZone: owner.timeZone, language: 'en' });

/** As a form would be taken: what its schema does not let through goes no further. */
async function checked<S extends z.ZodType, T>(
  schema: S,
  typed: unknown,
  then: (input: z.output<S>) => Promise<{ ok: true; data: T } | { ok: false }>,
) {
  const input = schema.safeParse(typed);
  return input.success ? then(input.data) : { ok: false as const };
}

const clientOf = (actor: Actor, text: string, at: number) => {
  const comment = `${text} ${all}`.slice(0, 2000);
  const typed = { email: `hostile-${at}-${tag}@clients.test`, fullName: text, comment };
  return put(
    checked(clientSchema, typed, (input) => createClient(actor, input)),
    () => rows.createClient(db, actor, typed),
  );
};
const messageOf = (actor: Actor, text: string) =>
  put(
    checked(messageSchema, { subject: text, body: `<p>${text}</p>${all}` }, (input) =>
      createMessage(actor, input),
    ),
    () => rows.createMessage(db, actor, { subject: text, body: text }),
  );
const schedule = { audience: 'all', zone: 'UTC', periodicity: 'weekly' } as const;
const mailingOf = (actor: Actor, text: string, messageId: number) =>
  put(
    checked(
      mailingSchema,
      { ...schedule, name: text, messageId: String(messageId), startsAt: '2099-01-01T09:00' },
      (input) => createMailing(actor, input),
    ),
    () =>
      rows.createMailing(db, actor, { name: text, messageId, startsAt: new Date('2099-01-01T09:00:00Z') }),
  );

const clients = [];
for (const [at, text] of payloads.entries()) clients.push(await clientOf(owner, text, at));
const bodies = [];
for (const text of payloads) bodies.push(await messageOf(owner, text));
// A page shows it as it stands in the table, whatever saving would have made of it.
const raw = await rows.createMessage(db, owner, {
  subject: polyglot,
  body: payloads.filter((text) => !text.includes('{{')).join(' '),
});
const plain = await createMessage(owner, { subject: 'Plain', body: '<p>Hello {{ client.full_name }}</p>' });
if (!plain.ok) throw new Error('a plain message was refused');
const stopped = [];
for (const [at, text] of payloads.entries()) {
  const message = bodies[at] ?? plain.data;
  const mailing = await mailingOf(owner, text, message.id);
  stopped.push(mailing);
  await disableMailing(manager, { mailingId: mailing.id, reason: text });
}
for (const actor of [manager, admin]) {
  await clientOf(actor, polyglot, 0);
  const message = await messageOf(actor, polyglot);
  await mailingOf(actor, polyglot, message.id);
}

// People, blocked for every reason; their names stand in lists, what was done to them in the log.
const people = [];
for (const [at, name] of payloads.entries()) {
  const user = await rows.createUser(db, { email: `person-${at}-${tag}@hostile.test`, name });
  people.push(user);
  await blockUser(at % 2 ? manager : admin, { userId: user.id, reason: `${name} ${polyglot}` });
}
const [first] = clients;
const [firstMailing] = stopped;
if (!first || !firstMailing) throw new Error('nothing was made');
await updateClient(admin, {
  id: first.id,
  email: `hostile-0-${tag}@clients.test`,
  fullName: `${polyglot}!`,
  comment: polyglot,
});
await updateMailing(admin, {
  ...mailingSchema.parse({
    ...schedule,
    name: `${polyglot}!`,
    messageId: raw.id,
    startsAt: '2099-01-01T09:00',
  }),
  mailingId: firstMailing.id,
});
await db.insert(audit).values(
  payloads.map((text) => ({
    actorId: owner.id,
    actorEmail: text,
    action: text,
    targetType: text,
    targetId: 1,
    reason: text,
    before: { [text]: text, name: text },
    after: { [text]: `${text}!`, name: `${text}!` },
  })),
);

// A mail server answers the letters of this run with the payloads; the worker sends it for real.
const sent = await createMailing(
  owner,
  mailingSchema.parse({
    name: polyglot,
    messageId: plain.data.id,
    audience: 'chosen',
    clientIds: clients.map(({ id }) => id),
    startsAt: 'now',
    zone: 'UTC',
    periodicity: 'once',
  }),
);
if (!sent.ok) throw new Error(`the mailing was refused: ${JSON.stringify(sent.error)}`);
await wakeOrPass();

// What no mail server of ours would say, and no engine would write.
const run = await rows.createRun(
  db,
  { id: firstMailing.id, ownerId: owner.id },
  {
    status: 'partly_done',
    subject: polyglot,
    body: all,
    fromName: polyglot,
    fromEmail: polyglot,
    replyTo: polyglot,
  },
);
let attempt = 0;
for (const [at, text] of payloads.entries()) {
  const client = { id: clients[at]?.id ?? first.id, email: `${text}@clients.test`, fullName: text };
  const delivery = await rows.createDelivery(db, run, client, { status: 'failed', reason: text });
  const tried = await rows.createAttempt(db, run, delivery, {
    status: 'failure',
    response: `${text} ${all}`.slice(0, 2000),
    stage: text,
    transport: text,
  });
  attempt = tried.id;
}

const [letter] = await db
  .insert(letters)
  .values(
    [all, ...payloads].map((html) => ({
      ownerId: owner.id,
      toEmail: polyglot,
      subject: polyglot,
      html,
      text: all,
      raw: `From: ${polyglot}\r\nSubject: ${polyglot}\r\n\r\n${all}`,
    })),
  )
  .returning({ id: letters.id });
for (const actor of [owner, manager, admin]) {
  await db.insert(sessions).values(
    payloads.map((text, at) => ({
      tokenHash: `${tag}-${actor.id}-${at}`,
      userId: actor.id,
      userAgent: text,
      network: text,
      expiresAt: new Date('2099-01-01T00:00:00Z'),
    })),
  );
  await db.insert(tokens).values({
    tokenHash: `${tag}-${actor.id}`,
    userId: actor.id,
    kind: 'change_email',
    newEmail: polyglot,
    expiresAt: new Date('2099-01-01T00:00:00Z'),
  });
}
await db
  .insert(suppressions)
  .values({ ownerId: owner.id, emailKey: `hostile-1-${tag}@clients.test`, reason: 'bounced' });
// Articles: a payload in each field that the editor has, and in the tables what it would not take.
const articleOf = (text: string, at: number) =>
  put<{ id: number }>(
    checked(
      postSchema,
      { title: text, summary: text, body: `<p>${text}</p>${all}`, imageUrl: text, coverAlt: text },
      async (input) => createPost(manager, input),
    ),
    () => postRow(text, at),
  );
const postRow = (text: string, at: number, status: 'draft' | 'published' = 'published') =>
  rows.createPost(db, {
    title: text.slice(0, 200),
    slug: `hostile-${status}-${at}-${tag}`,
    summary: text.slice(0, 300),
    body: all,
    imageUrl: at % 2 ? text : `https://canary.invalid/"onerror=fired(1)/${at}.png`,
    coverAlt: text,
    status,
    publishedAt: new Date('2020-01-01T00:00:00Z'),
    authorId: owner.id,
    editorId: admin.id,
  });
for (const [at, text] of payloads.slice(0, 9).entries()) await articleOf(text, at);
const draft = await postRow(polyglot, 100, 'draft');
const article = await postRow(polyglot, 100);
for (const [at, text] of payloads.slice(9, 18).entries()) await postRow(text, 200 + at);
const gone = await postRow(polyglot, 300);
await db.update(posts).set({ deletedAt: new Date() }).where(eq(posts.id, gone.id));

console.log(
  JSON.stringify({
    people: { owner: owner.email, manager: manager.email, admin: admin.email },
    password,
    taken,
    refused,
    mailing: sent.data.id,
    deletedArticle: gone.id,
    things: {
      clients: first.id,
      messages: raw.id,
      mailings: firstMailing.id,
      runId: run.id,
      attempts: attempt,
      outbox: letter?.id,
      users: people[0]?.id,
      posts: draft.id,
      slug: article.slug,
    },
  }),
);
await closeDatabase();
