import http from 'node:http';
import { sql } from 'drizzle-orm';
import { NodeNextRequest, NodeNextResponse } from 'next/dist/server/base-http/node.js';
import { sendResponse } from 'next/dist/server/send-response.js';
import { expect, it } from 'vitest';
import { db } from '@/db/client';
import { exportAttemptLines, exportAttempts, exportColumns } from '@/lib/attempts/queries';
import { csvLine, csvStream } from '@/lib/attempts/schema';
import {
  createActor,
  createAttempt,
  createClient,
  createDelivery,
  createMailing,
  createRun,
} from '@/tests/support/factories';
import { listen } from '@/tests/support/listen';

/*
 * An export that its reader leaves half-way, over a real socket, sent as Next sends the answers of routes.
 */

/** A mailing with one run of so many attempts, three in each microsecond, and each answer the number of its own. */
async function withAttempts(count: number) {
  const actor = await createActor(db);
  const mailing = await createMailing(db, actor);
  const run = await createRun(db, mailing);
  const delivery = await createDelivery(db, run, await createClient(db, actor));
  await db.execute(sql`
    insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, code, response, stage, transport)
    select ${delivery.id}::bigint, ${run.id}::bigint, ${mailing.id}::bigint, ${actor.id}::bigint, 1,
      '2026-11-20T09:00Z'::timestamptz + (n / 3) * interval '1 microsecond', 'success', 250, n::text, 'dot', 'smtp'
    from generate_series(1, ${count}) n`);
  return { actor, mailingId: mailing.id, runId: run.id };
}

it('an export that its reader leaves half-way is read no further', async () => {
  const count = 100_000;
  const { actor, mailingId } = await withAttempts(count);
  let taken = 0;
  const counted = async function* (lines: AsyncGenerator<Uint8Array, void>) {
    for await (const piece of lines) {
      taken += 1;
      yield piece;
    }
  };
  const chunks = counted(exportAttemptLines(actor, { mailingId }));
  const server = http.createServer((request, response) => {
    void sendResponse(
      new NodeNextRequest(request),
      new NodeNextResponse(response),
      new Response(csvStream(exportColumns, chunks)),
    );
  });
  const { port } = await listen(server);

  // Its first lines, and then nobody is there any more.
  const left = new Promise<void>((resolve) =>
    server.once('connection', (socket) => socket.once('close', () => resolve())),
  );
  const first = await new Promise<string>((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port }, (response) => {
      response.once('data', (chunk: Buffer) => {
        resolve(chunk.toString('utf8'));
        request.destroy();
      });
    });
    request.once('error', reject);
  });
  expect(first).toContain('attempted_at,email,status');
  await left;

  // Asked for another chunk, what was left says that it has ended; one that goes on would give all of them first.
  await expect.poll(async () => (await chunks.next()).done).toBe(true);
  expect(taken).toBeLessThan(count / 2000 / 2);
  await new Promise((resolve) => server.close(resolve));
});

it('an export has each attempt once and in order, over the borders of what is read at once', async () => {
  // Three in each microsecond, so that some share theirs with the last one of a chunk.
  const { actor, mailingId, runId } = await withAttempts(9000);
  const inOrder = Array.from({ length: 9000 }, (_, n) => String(n + 1));
  for (const which of [{ mailingId }, { mailingId, runId }]) {
    const found = [];
    for await (const rows of exportAttempts(actor, which))
      found.push(...rows.map((row) => row.server_response));
    expect(found).toEqual(inOrder);
  }
});

it('an export as a file is line by line what its rows are, whatever servers answered', async () => {
  const actor = await createActor(db);
  const mailing = await createMailing(db, actor);
  const run = await createRun(db, mailing);
  const addresses = [
    'plain@one.example',
    '=1+1@one.example',
    'a"b,c@one.example',
    '_a@one.example',
    'Почта@one.example',
  ];
  const answers = [
    '250 2.0.0 Ok: queued as 1',
    '550 no; =1+1',
    '550 "no", he said',
    '550-no\r\n550 gone\t=1',
    '=HYPERLINK("http://evil.example";"look")',
    '＝1+1',
    '550 O\'Hara \\ [brackets] {braces} \u2028["line"] \u0001',
    '550 Ящик переполнен 📬',
    '5',
    ' ',
    '',
  ];
  for (const email of addresses) {
    const delivery = await createDelivery(db, run, await createClient(db, actor), { email });
    for (const response of answers) await createAttempt(db, run, delivery, { response });
  }
  for (const runId of [null, run.id]) {
    const which = { mailingId: mailing.id, runId };
    const rows = [];
    for await (const some of exportAttempts(actor, which)) rows.push(...some);
    expect(new Set(rows.map((row) => row.email))).toEqual(new Set(addresses));
    expect(new Set(rows.map((row) => row.server_response))).toEqual(new Set(answers));
    let file = '';
    for await (const lines of exportAttemptLines(actor, which)) file += Buffer.from(lines);
    expect(file).toBe(rows.map((row) => csvLine(exportColumns.map((column) => row[column]))).join(''));
    expect(rows).toHaveLength(addresses.length * answers.length);
  }
});
