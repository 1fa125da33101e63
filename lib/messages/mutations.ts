import { and, eq, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { messages } from '@/db/schema';
import { recordForeign } from '@/lib/audit/mutations';
import { type Clock, systemClock } from '@/lib/clock';
import { createTransport, type Transport } from '@/lib/email/transport';
import { appUrl, env } from '@/lib/env';
import { databaseErrorCode, done, type Result, refuse, refuseField } from '@/lib/errors';
import type { Actor } from '@/lib/policy/rules';
import { changeable } from '@/lib/policy/scopes';
import { takeTokens } from '@/lib/rate-limit';
import { checkTemplate, compileLetter, sanitizeBody } from '@/lib/sending/compose';
import { bodyOctetsMax } from './schema';

type MessageFields = { subject: string; body: string };

/**
 * What would be stored of a message: the body without anything a letter may not carry. Refuses a template that does not parse
 * (`template_broken` with `line` and `reason`, at `subject` or `body`) and a body over 200 kB (`body_too_large`).
 */
export function prepareMessage(input: MessageFields): Result<MessageFields> {
  const inSubject = checkTemplate(input.subject);
  if (inSubject) return refuseField('subject', 'template_broken', inSubject);
  // As typed first, so that the line is the one its writer sees; then as it will be kept.
  const body = sanitizeBody(input.body);
  const inBody = checkTemplate(input.body) ?? checkTemplate(body);
  if (inBody) return refuseField('body', 'template_broken', inBody);
  if (Buffer.byteLength(body) > bodyOctetsMax)
    return refuseField('body', 'body_too_large', { max: bodyOctetsMax / 1024 });
  if (body.trim() === '') return refuseField('body', 'required');
  return done({ subject: input.subject, body });
}

/** Writes a message of the actor's. Codes: those of {@link prepareMessage}. */
export async function createMessage(
  actor: Actor,
  input: MessageFields,
  on: Db = db,
): Promise<Result<{ id: number }>> {
  const prepared = prepareMessage(input);
  if (!prepared.ok) return prepared;
  const [created] = await on
    .insert(messages)
    .values({ ownerId: actor.id, subject: prepared.data.subject, body: prepared.data.body })
    .returning({ id: messages.id });
  if (!created) throw new Error('an insert returned no row');
  return done(created);
}

/** Changes a message. Runs that are open keep the letter they froze. Codes: `not_found`, those of {@link prepareMessage}. */
export async function updateMessage(
  actor: Actor,
  input: MessageFields & { id: number },
  on: Db = db,
): Promise<Result<{ id: number }>> {
  const prepared = prepareMessage(input);
  if (!prepared.ok) return prepared;
  const after = prepared.data;
  return on.transaction(async (tx) => {
    const scope = and(eq(messages.id, input.id), changeable(actor, messages.ownerId));
    const [found] = await tx
      .select({ ownerId: messages.ownerId, subject: messages.subject, body: messages.body })
      .from(messages)
      .where(scope)
      .for('update');
    const [changed] = await tx
      .update(messages)
      .set({ ...after, updatedAt: sql`now()` })
      .where(scope)
      .returning({ id: messages.id });
    if (!found || !changed) return refuse('not_found');
    const { ownerId, ...before } = found;
    await recordForeign(
      actor,
      ownerId,
      { action: 'update_message', targetType: 'message', targetId: input.id, before, after },
      tx,
    );
    return done(changed);
  });
}

/**
 * Deletes a message, or archives it when a mailing uses it: hidden from lists, kept for what is sent. Safe against a mailing
 * that takes the message into use at the same moment. Code: `not_found`.
 */
export async function deleteMessage(
  actor: Actor,
  input: { id: number },
  on: Db = db,
): Promise<Result<{ archived: boolean }>> {
  // A mailing committed after this statement's snapshot is seen by the foreign key only; the next try sees it and archives.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await on.transaction((tx) => deleteOrArchive(tx, actor, input.id));
    } catch (error) {
      if (databaseErrorCode(error) !== '23503' || attempt >= 3) throw error;
    }
  }
}

async function deleteOrArchive(tx: Db, actor: Actor, id: number): Promise<Result<{ archived: boolean }>> {
  const [end] = await tx.execute<{ owner_id: string; subject: string; archived: boolean }>(sql`
    with target as (
      select id, owner_id, subject, exists (select from mailings where message_id = messages.id) as used
      from messages where id = ${id} and ${changeable(actor, messages.ownerId)}
    ), gone as (
      delete from messages m using target t where m.id = t.id and not t.used returning m.id
    ), kept as (
      update messages m set archived_at = coalesce(m.archived_at, now()) from target t where m.id = t.id and t.used returning m.id
    )
    select owner_id, subject, used as archived from target where exists (select from gone) or exists (select from kept)`);
  if (!end) return refuse('not_found');
  const { subject, archived } = end;
  const ownerId = Number(end.owner_id);
  await recordForeign(
    actor,
    ownerId,
    {
      action: archived ? 'archive_message' : 'delete_message',
      targetType: 'message',
      targetId: id,
      before: { subject, ...(archived ? { isArchived: false } : { ownerId }) },
      ...(archived ? { after: { subject, isArchived: true } } : {}),
    },
    tx,
  );
  return done({ archived });
}

/** Test letters that one user, so one address, may have, and all users of one network: no form becomes a way to flood a mailbox. */
const testLetters = { limit: 20, windowSeconds: 3600 };
const testLettersOfNetwork = { limit: 60, windowSeconds: 3600 };
/** A person waits for the answer. */
const testTimeoutMs = 40_000;

/** What became of a test letter that left. */
export type TestAnswer = { to: string; response: string };

/**
 * Sends a message to the actor, as it is saved, with the actor as the client and [Test] before the subject; through `transport`
 * and past the ledger. Codes: `not_found`, `test_limit` with `minutes`, `test_not_taken` and `test_no_answer` with `words`, the
 * server's own.
 */
export async function sendTestLetter(
  actor: Actor,
  input: { id: number },
  {
    clock = systemClock,
    openTransport = createTransport,
    network,
  }: {
    clock?: Clock;
    openTransport?: () => Transport;
    /** Where the request came from; left out where nobody's network is concerned. */
    network?: string;
  } = {},
  on: Db = db,
): Promise<Result<TestAnswer>> {
  const [message] = await on
    .select({ subject: messages.subject, body: messages.body })
    .from(messages)
    .where(and(eq(messages.id, input.id), changeable(actor, messages.ownerId)));
  if (!message) return refuse('not_found');
  const token = await takeTokens(
    [
      ...(network === undefined
        ? []
        : [{ kind: 'test-letter-network', subject: network, limit: testLettersOfNetwork }]),
      { kind: 'test-letter', subject: String(actor.id), limit: testLetters },
    ],
    on,
  );
  if (!token.ok) return refuse('test_limit', undefined, { minutes: Math.ceil(token.retryAfterSeconds / 60) });
  const letter = compileLetter({
    id: 0,
    mailingId: 0,
    ownerId: actor.id,
    subject: `[Test] ${message.subject}`,
    body: message.body,
    fromName: actor.name,
    fromEmail: env().EMAIL_FROM,
    replyTo: actor.email,
    linkBase: appUrl(),
    locale: actor.locale,
    openedAt: clock.now(),
  }).composeTest({ email: actor.email, fullName: actor.name });
  const transport = openTransport();
  try {
    const trouble = await transport.ready();
    if (trouble) return refuse('test_not_taken', undefined, { words: trouble.response });
    const [answer] = await transport.send([letter], {
      idempotencyKey: letter.messageId,
      signal: AbortSignal.timeout(testTimeoutMs),
    });
    switch (answer?.outcome) {
      case 'accepted':
        return done({ to: actor.email, response: answer.response });
      case 'refused':
        return refuse('test_not_taken', undefined, { words: answer.response });
      case 'unknown':
        return refuse('test_no_answer', undefined, { words: answer.response });
      default:
        return refuse('test_not_taken', undefined, { words: '' });
    }
  } finally {
    await transport.close();
  }
}
