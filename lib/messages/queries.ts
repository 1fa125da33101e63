import { and, asc, desc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { mailings, messages, users } from '@/db/schema';
import { findOwnClient } from '@/lib/clients/queries';
import { done, type Result, refuseField } from '@/lib/errors';
import {
  type BoundedCount,
  countLimit,
  decodeCursor,
  likePattern,
  type Page,
  pageSize,
  toPage,
} from '@/lib/paging';
import type { Actor } from '@/lib/policy/rules';
import { own, readable } from '@/lib/policy/scopes';
import { checkTemplate, renderPreview, sanitizeBody } from '@/lib/sending/compose';
import { ofOwnersAlike } from '@/lib/users/queries';
import type { MessageRow, MessageSort, Preview } from './schema';

function foundMessages(actor: Actor, q: string | undefined): SQL | undefined {
  const pattern = likePattern(q?.replaceAll('\0', ''));
  return and(
    own(actor, messages.ownerId),
    isNull(messages.archivedAt),
    pattern ? sql`${messages.search} like ${pattern}` : undefined,
  );
}

/**
 * A page of the actor's own messages, without the archived ones. `q` is looked for inside the subject, letter by letter. Rows
 * that stay are seen once however many come or go while paging.
 */
export async function listMessages(
  actor: Actor,
  input: {
    q?: string | undefined;
    sort?: MessageSort | undefined;
    after?: string | undefined;
    size?: number;
  } = {},
  on: Db = db,
): Promise<Page<MessageRow>> {
  const { sort = 'newest', size = pageSize } = input;
  const [key, id] = decodeCursor(input.after) ?? [];
  const isId = (part: unknown): part is number => Number.isSafeInteger(part);
  let from: SQL | undefined;
  if (sort === 'newest' && isId(key)) from = lt(messages.id, key);
  if (sort === 'subject' && typeof key === 'string' && isId(id))
    from = sql`(${messages.subject}, ${messages.id}) > (${key.replaceAll('\0', '')}, ${id})`;
  const rows = await on
    .select({
      id: messages.id,
      subject: messages.subject,
      createdAt: messages.createdAt,
      updatedAt: messages.updatedAt,
    })
    .from(messages)
    .where(and(foundMessages(actor, input.q), from))
    .orderBy(...(sort === 'newest' ? [desc(messages.id)] : [asc(messages.subject), asc(messages.id)]))
    .limit(size + 1);
  return toPage(rows, size, (last) => (sort === 'newest' ? [last.id] : [last.subject, last.id]));
}

/** A page of everybody's messages that the actor may read, newest first, with their owners; without the archived ones. */
export async function listAllMessages(
  actor: Actor,
  input: {
    q?: string | undefined;
    /** Looked for inside address and name of the owner. */
    owner?: string | undefined;
    after?: string | undefined;
    size?: number;
  } = {},
  on: Db = db,
) {
  const { size = pageSize } = input;
  const pattern = likePattern(input.q?.replaceAll('\0', ''));
  const [id] = decodeCursor(input.after) ?? [];
  const rows = await on
    .select({
      id: messages.id,
      subject: messages.subject,
      createdAt: messages.createdAt,
      updatedAt: messages.updatedAt,
      ownerEmail: users.email,
    })
    .from(messages)
    .innerJoin(users, eq(users.id, messages.ownerId))
    .where(
      and(
        readable(actor, messages.ownerId),
        ofOwnersAlike(messages.ownerId, input.owner),
        isNull(messages.archivedAt),
        pattern ? sql`${messages.search} like ${pattern}` : undefined,
        typeof id === 'number' && Number.isSafeInteger(id) ? lt(messages.id, id) : undefined,
      ),
    )
    .orderBy(desc(messages.id))
    .limit(size + 1);
  return toPage(rows, size, (last) => [last.id]);
}

/** How many of the actor's own messages `q` finds, counted no further than 10,000. */
export async function countMessages(
  actor: Actor,
  input: { q?: string | undefined } = {},
  on: Db = db,
): Promise<BoundedCount> {
  const some = on
    .select({ one: sql`1`.as('one') })
    .from(messages)
    .where(foundMessages(actor, input.q))
    .limit(countLimit + 1)
    .as('some');
  const [counted] = await on.select({ value: sql<number>`count(*)::int` }).from(some);
  const value = counted?.value ?? 0;
  return { value: Math.min(value, countLimit), exact: value <= countLimit };
}

/** Subjects of the actor's own messages for a filter, newest first, archived ones too since their history stays. */
export async function listMessageNames(actor: Actor, limit = 200, on: Db = db) {
  return on
    .select({ id: messages.id, subject: messages.subject })
    .from(messages)
    .where(own(actor, messages.ownerId))
    .orderBy(desc(messages.id))
    .limit(limit);
}

/** A message that the actor may read, archived or not, with its owner; null when there is none. */
export async function findMessage(actor: Actor, id: number, on: Db = db) {
  if (!Number.isSafeInteger(id)) return null;
  const [found] = await on
    .select({
      id: messages.id,
      ownerId: messages.ownerId,
      ownerName: users.name,
      ownerEmail: users.email,
      subject: messages.subject,
      body: messages.body,
      archivedAt: messages.archivedAt,
      createdAt: messages.createdAt,
      updatedAt: messages.updatedAt,
    })
    .from(messages)
    .innerJoin(users, eq(users.id, messages.ownerId))
    .where(and(eq(messages.id, id), readable(actor, messages.ownerId)));
  return found ?? null;
}
export type Message = NonNullable<Awaited<ReturnType<typeof findMessage>>>;

/** The mailings that send a message, newest first, archived ones too: they keep it from being deleted. */
export async function listMessageUses(actor: Actor, messageId: number, limit = 20, on: Db = db) {
  return on
    .select({
      id: mailings.id,
      name: mailings.name,
      status: mailings.status,
      archivedAt: mailings.archivedAt,
    })
    .from(mailings)
    .where(and(eq(mailings.messageId, messageId), readable(actor, mailings.ownerId)))
    .orderBy(desc(mailings.id))
    .limit(limit);
}

/**
 * A letter as one of the actor's own clients would get it; as the actor, when `clientId` is null or not one of theirs. It may be
 * half written: an empty one is no refusal. Codes: `template_broken` with `line`, at `subject` or `body`.
 */
export async function previewMessage(
  actor: Actor,
  input: { subject: string; body: string; clientId: number | null },
  on: Db = db,
): Promise<Result<Preview>> {
  const body = sanitizeBody(input.body);
  const inSubject = checkTemplate(input.subject);
  if (inSubject) return refuseField('subject', 'template_broken', inSubject);
  const inBody = checkTemplate(input.body) ?? checkTemplate(body);
  if (inBody) return refuseField('body', 'template_broken', inBody);
  const client = input.clientId === null ? null : await findOwnClient(actor, input.clientId, on);
  return done(
    renderPreview(
      { subject: input.subject, body },
      client ?? { email: actor.email, fullName: actor.name },
      actor.locale,
    ),
  );
}
