import { and, eq, inArray, sql } from 'drizzle-orm';
import { type Db, db } from '@/db/client';
import { clients } from '@/db/schema';
import { recordForeign } from '@/lib/audit/mutations';
import { addressKey, parseAddress } from '@/lib/email/address';
import { databaseErrorCode, done, type FieldErrors, type Result, refuse, refuseField } from '@/lib/errors';
import type { Actor } from '@/lib/policy/rules';
import { changeable } from '@/lib/policy/scopes';
import { foundClients } from './queries';
import {
  type ImportOutcome,
  type InvalidLine,
  importRowsMax,
  oneLine,
  pastedLinesMax,
  plainText,
  readPastedLines,
} from './schema';

type ClientFields = { email: string; fullName: string; comment: string };

/** Adds one client to the actor's list. Codes: `invalid_email`, `taken` (at `email`). */
export async function createClient(
  actor: Actor,
  input: ClientFields,
  on: Db = db,
): Promise<Result<{ id: number }>> {
  const email = parseAddress(input.email);
  if (!email) return refuseField('email', 'invalid_email');
  const [created] = await on
    .insert(clients)
    .values({
      ownerId: actor.id,
      email,
      emailKey: addressKey(email),
      fullName: input.fullName,
      comment: input.comment,
    })
    .onConflictDoNothing({ target: [clients.ownerId, clients.emailKey] })
    .returning({ id: clients.id });
  return created ? done(created) : refuseField('email', 'taken');
}

/**
 * Changes a client. Runs that are open keep the address and name they froze; a suppression stays with the address it was
 * given to. Codes: `not_found`, `invalid_email`, `taken` (at `email`).
 */
export async function updateClient(
  actor: Actor,
  input: ClientFields & { id: number },
  on: Db = db,
): Promise<Result<{ id: number }>> {
  const email = parseAddress(input.email);
  if (!email) return refuseField('email', 'invalid_email');
  const after = { email, fullName: input.fullName, comment: input.comment };
  try {
    return await on.transaction(async (tx) => {
      const scope = and(eq(clients.id, input.id), changeable(actor, clients.ownerId));
      const [found] = await tx
        .select({
          ownerId: clients.ownerId,
          email: clients.email,
          fullName: clients.fullName,
          comment: clients.comment,
        })
        .from(clients)
        .where(scope)
        .for('update');
      const [changed] = await tx
        .update(clients)
        .set({ ...after, emailKey: addressKey(email), updatedAt: sql`now()` })
        .where(scope)
        .returning({ id: clients.id });
      if (!found || !changed) return refuse('not_found');
      const { ownerId, ...before } = found;
      await recordForeign(
        actor,
        ownerId,
        { action: 'update_client', targetType: 'client', targetId: input.id, before, after },
        tx,
      );
      return done(changed);
    });
  } catch (error) {
    if (databaseErrorCode(error) === '23505') return refuseField('email', 'taken');
    throw error;
  }
}

/** Deletes one client; history and suppression stay. Code: `not_found`. */
export async function deleteClient(
  actor: Actor,
  input: { id: number },
  on: Db = db,
): Promise<Result<{ deleted: number }>> {
  return on.transaction(async (tx) => {
    const [gone] = await tx
      .delete(clients)
      .where(and(eq(clients.id, input.id), changeable(actor, clients.ownerId)))
      .returning({
        ownerId: clients.ownerId,
        email: clients.email,
        fullName: clients.fullName,
        comment: clients.comment,
      });
    if (!gone) return refuse('not_found');
    // Whose it was is nowhere else from now on.
    await recordForeign(
      actor,
      gone.ownerId,
      { action: 'delete_client', targetType: 'client', targetId: input.id, before: gone },
      tx,
    );
    return done({ deleted: 1 });
  });
}

/**
 * Deletes many of the actor's own clients: those named (foreign and missing ones are passed over), or all that a search
 * finds at that moment. Answers how many went.
 */
export async function deleteClients(
  actor: Actor,
  input: { ids: number[] } | { all: '1'; q: string },
  on: Db = db,
): Promise<Result<{ deleted: number }>> {
  const chosen =
    'ids' in input
      ? and(foundClients(actor, undefined), inArray(clients.id, input.ids))
      : foundClients(actor, input.q);
  const gone = on.$with('gone').as(on.delete(clients).where(chosen).returning({ id: clients.id }));
  const [counted] = await on.with(gone).select({ deleted: sql<number>`count(*)::int` }).from(gone);
  return done({ deleted: counted?.deleted ?? 0 });
}

/**
 * Adds pasted lines to the actor's list. When a line is invalid nothing is written and the refusal names each (`lines.<n>`, the
 * first 20): `line_invalid_email`, `line_too_long`, `line_one_line`, `line_one_per_line`. Codes at `text`: `required`,
 * `too_many_lines`, `invalid_lines` with their `count`.
 */
export async function addPastedClients(
  actor: Actor,
  input: { text: string },
  on: Db = db,
): Promise<Result<ImportOutcome>> {
  const people = readPastedLines(input.text);
  if (people.length === 0) return refuseField('text', 'required');
  if (people.length > pastedLinesMax)
    return refuseField('text', 'too_many_lines', { count: people.length, max: pastedLinesMax });
  const outcome = await importClients(
    actor,
    people.map(({ line, email, fullName }) =>
      // A second address where the name belongs: two clients on one line.
      /\S@\S+\.\S/.test(fullName) ? { line, email: `${email}, ${fullName}` } : { line, email, fullName },
    ),
    {},
    on,
  );
  if (outcome.invalid.length === 0) return done(outcome);
  const { invalid } = outcome;
  const fields: FieldErrors = { text: { code: 'invalid_lines', params: { count: invalid.length } } };
  const typed = new Map(people.map(({ line, email }) => [line, email.slice(0, 60)]));
  for (const { line, reason } of invalid.slice(0, linesShown))
    fields[`lines.${line}`] = { code: `line_${reason}`, params: { line, text: typed.get(line) ?? '' } };
  if (invalid.length > linesShown)
    fields['lines.more'] = { code: 'more_lines', params: { count: invalid.length - linesShown } };
  return refuse('invalid', fields);
}

/** One row of an import; `line` is where it stands in the file, for the report. */
export type ImportRow = {
  line: number;
  email: string;
  fullName?: string | undefined;
  comment?: string | undefined;
};

/** Wrong lines that a refused paste names one by one. */
const linesShown = 20;
const batchRows = 5000;
/** Reading stops here: whoever has this many wrong rows has the wrong file, and memory stays bounded. */
const invalidMax = 10_000;

/** Rolls the import back and brings its outcome out of the transaction. */
class Undone extends Error {
  constructor(readonly outcome: ImportOutcome) {
    super('import undone');
  }
}

/**
 * Imports rows into the actor's own list in one transaction: new addresses are created, known ones get the name and comment
 * of the row (an empty one leaves what is there); of rows with the same address the last one with a name, and with a comment,
 * counts, and the others are `unchanged`. One invalid row (`invalid_email`, `too_long`, `one_line`, `one_per_line`, `too_many_rows`) and nothing is
 * written; `dryRun` writes nothing either and answers what would be done. Takes a million rows with the memory of one batch.
 */
export async function importClients(
  actor: Actor,
  rows: Iterable<ImportRow> | AsyncIterable<ImportRow>,
  options: { dryRun?: boolean } = {},
  on: Db = db,
): Promise<ImportOutcome> {
  try {
    return await on.transaction(async (tx) => {
      // Staged first and merged by one statement: locks are held for seconds and not for the length of the file.
      await tx.execute(sql`drop table if exists pg_temp.client_import`);
      await tx.execute(
        sql`create temp table client_import (line bigint, email text, email_key text, full_name text, comment text) on commit drop`,
      );
      const invalid: InvalidLine[] = [];
      let read = 0;
      let batch: StagedRow[] = [];
      const stage = async () => {
        if (batch.length === 0 || invalid.length > 0) return;
        const rowsAsJson = JSON.stringify(batch);
        await tx.execute(sql`
          insert into client_import (line, email, email_key, full_name, comment)
          select line, email, email_key, full_name, comment
          from json_to_recordset(${rowsAsJson}::json) as r(line bigint, email text, email_key text, full_name text, comment text)`);
        batch = [];
      };
      for await (const row of rows) {
        read += 1;
        const checked = checkRow(row);
        if (read > importRowsMax) invalid.push({ line: row.line, reason: 'too_many_rows' });
        else if ('reason' in checked) invalid.push(checked);
        else if (invalid.length === 0) batch.push(checked);
        if (read > importRowsMax || invalid.length >= invalidMax) break;
        if (batch.length >= batchRows) await stage();
      }
      if (invalid.length > 0) throw new Undone({ created: 0, updated: 0, unchanged: 0, invalid });
      await stage();
      await tx.execute(sql`analyze client_import`);
      // One merge of an owner at a time: two imports of the same people can not wait for each other in a circle.
      await tx.execute(
        sql`select pg_advisory_xact_lock(hashtextextended(${`client_import:${actor.id}`}, 0))`,
      );
      // A row that ON CONFLICT has just inserted was never locked or updated: its xmax is 0.
      const [merged] = await tx.execute<{ created: number; updated: number }>(sql`
        with latest as (
          select min(line) as line, (array_agg(email order by line desc))[1] as email, email_key,
            coalesce((array_agg(full_name order by line desc) filter (where full_name <> ''))[1], '') as full_name,
            coalesce((array_agg(comment order by line desc) filter (where comment <> ''))[1], '') as comment
          from client_import group by email_key
        ), merged as (
          insert into clients as c (owner_id, email, email_key, full_name, comment)
          select ${actor.id}, email, email_key, full_name, comment from latest order by line
          on conflict (owner_id, email_key) do update set
            full_name = coalesce(nullif(excluded.full_name, ''), c.full_name),
            comment = coalesce(nullif(excluded.comment, ''), c.comment),
            updated_at = now()
          where (excluded.full_name <> '' and excluded.full_name <> c.full_name)
             or (excluded.comment <> '' and excluded.comment <> c.comment)
          returning (c.xmax = 0) as is_new
        )
        select count(*) filter (where is_new)::int as created, count(*) filter (where not is_new)::int as updated from merged`);
      const created = merged?.created ?? 0;
      const updated = merged?.updated ?? 0;
      const outcome = { created, updated, unchanged: read - created - updated, invalid };
      if (options.dryRun) throw new Undone(outcome);
      return outcome;
    });
  } catch (error) {
    if (error instanceof Undone) return error.outcome;
    throw error;
  }
}

type StagedRow = { line: number; email: string; email_key: string; full_name: string; comment: string };

function checkRow(row: ImportRow): StagedRow | InvalidLine {
  const fullName = row.fullName?.trim() ?? '';
  const comment = row.comment?.replace(/\r\n?/g, '\n').trim() ?? '';
  const email = parseAddress(row.email);
  if (!email) {
    const several = /@.*[\s,;]+\S*@/s.test(row.email);
    return { line: row.line, reason: several ? 'one_per_line' : 'invalid_email' };
  }
  if (fullName.length > 200) return { line: row.line, reason: 'too_long' };
  if (!oneLine(fullName)) return { line: row.line, reason: 'one_line' };
  if (comment.length > 2000) return { line: row.line, reason: 'comment_too_long' };
  if (!plainText(comment)) return { line: row.line, reason: 'invalid_value' };
  return { line: row.line, email, email_key: addressKey(email), full_name: fullName, comment };
}
