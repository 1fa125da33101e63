import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { NodeNextRequest, NodeNextResponse } from 'next/dist/server/base-http/node.js';
import { sendResponse } from 'next/dist/server/send-response.js';
import { afterAll, expect, it } from 'vitest';
import { type Db, db } from '@/db/client';
import { exportAttempts, exportColumns } from '@/lib/attempts/queries';
import { csvStream } from '@/lib/attempts/schema';
import { rawConnection } from '@/tests/support/database';
import {
  createActor,
  createClient,
  createDelivery,
  createMailing,
  createRun,
} from '@/tests/support/factories';

/*
 * An export that its reader leaves half-way, over a real socket, sent as Next sends the answers of routes.
 */

const many = 100_000;
const raw = rawConnection(2);
let reads = 0;
const counted: Db = drizzle(raw, {
  logger: {
    logQuery: () => {
      reads += 1;
    },
  },
});
afterAll(() => raw.end());

it('an export that its reader leaves half-way is read no further', async () => {
  const actor = await createActor(db);
  const mailing = await createMailing(db, actor);
  const run = await createRun(db, mailing);
  const delivery = await createDelivery(db, run, await createClient(db, actor));
  await db.execute(sql`
    insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, code, response, stage, transport)
    select ${delivery.id}::bigint, ${run.id}::bigint, ${mailing.id}::bigint, ${actor.id}::bigint, 1,
      '2026-11-20T09:00Z'::timestamptz, 'success', 250, '250 taken', 'dot', 'smtp' from generate_series(1, ${many})`);
  const chunks = exportAttempts(actor, { mailingId: mailing.id }, counted);
  const server = http.createServer((request, response) => {
    void sendResponse(
      new NodeNextRequest(request),
      new NodeNextResponse(response),
      new Response(csvStream(exportColumns, chunks)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

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
  expect(reads).toBeLessThan(many / 2000 / 2);
  await new Promise((resolve) => server.close(resolve));
});

it('an export has each attempt once and in order, over the borders of what is read at once', async () => {
  const actor = await createActor(db);
  const mailing = await createMailing(db, actor);
  const run = await createRun(db, mailing);
  const delivery = await createDelivery(db, run, await createClient(db, actor));
  // Three in each microsecond, so that some share theirs with the last one of a chunk.
  await db.execute(sql`
    insert into attempts (delivery_id, run_id, mailing_id, owner_id, batch_id, attempted_at, status, code, response, stage, transport)
    select ${delivery.id}::bigint, ${run.id}::bigint, ${mailing.id}::bigint, ${actor.id}::bigint, 1,
      '2026-11-20T09:00Z'::timestamptz + (n / 3) * interval '1 microsecond', 'success', 250, n::text, 'dot', 'smtp'
    from generate_series(1, 6000) n`);
  const inOrder = Array.from({ length: 6000 }, (_, n) => String(n + 1));
  for (const runId of [null, run.id]) {
    const found = [];
    for await (const rows of exportAttempts(actor, { mailingId: mailing.id, runId }))
      found.push(...rows.map((row) => row.server_response));
    expect(found).toEqual(inOrder);
  }
});
