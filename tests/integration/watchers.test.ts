// First, for what it says about the order.
import '@/tests/support/request-scope';

import { createServer } from 'node:http';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GET } from '@/app/api/runs/progress/route';
import { db } from '@/db/client';
import { deliveries, sessions, users } from '@/db/schema';
import { answerWatchers } from '@/lib/runs/progress';
import {
  createClients,
  createDelivery,
  createMailing,
  createRun,
  createUser,
} from '@/tests/support/factories';
import { listen } from '@/tests/support/listen';
import { withRequest } from '@/tests/support/request-scope';
import { signIn } from '@/tests/support/sign-in';
import { ask } from '@/tests/support/visit';

/* What pages of runs ask, over a real socket, of the listener that stands before Next; whatever it leaves to Next is answered 418 here. */

const server = createServer(
  answerWatchers((_, response) => {
    response.writeHead(418);
    response.end();
  }),
);
let base = '';
const password = 'a long and honest passphrase';

beforeAll(async () => {
  ({ base } = await listen(server));
});
afterAll(() => server.close());

let cookie = '';
let query = '';
let runId = 0;
let email = '';

beforeEach(async () => {
  const user = await createUser(db, { password });
  email = user.email;
  const people = await createClients(db, user, 3);
  const mailing = await createMailing(db, user, { status: 'running' });
  const run = await createRun(db, mailing);
  for (const person of people) await createDelivery(db, run, person);
  cookie = await signIn(user.email, password);
  query = `mailing=${mailing.id}&run=${run.id}`;
  runId = run.id;
});

const progress = (as: string, headers: Record<string, string> = {}, asked = query) =>
  ask(base, `/api/runs/progress?${asked}`, { headers: { cookie: as, ...headers } });

describe('a question about a run, answered before Next', () => {
  it('gets the answer that the route gives, and then nothing until something has changed', async () => {
    const here = await progress(cookie);
    const there = await withRequest({ cookie }, () =>
      GET(new Request(`http://localhost:3000/api/runs/progress?${query}`)),
    );
    expect(here.status).toBe(200);
    const { atMs: _, ...reading } = JSON.parse(here.body);
    const { atMs: __, ...ofRoute } = await there.json();
    expect(reading).toEqual(ofRoute);
    expect(reading).toMatchObject({ runs: [{ id: runId, counts: { queued: 3 } }] });
    for (const name of ['etag', 'cache-control', 'content-type'])
      expect(here.headers[name], name).toBe(there.headers.get(name));
    const etag = here.headers.etag ?? '';
    const again = await progress(cookie, { 'if-none-match': etag });
    expect([again.status, again.body]).toEqual([304, '']);
    await db
      .update(deliveries)
      .set({ status: 'sent', endedAt: new Date() })
      .where(eq(deliveries.runId, runId));
    const moved = await progress(cookie, { 'if-none-match': etag });
    expect(JSON.parse(moved.body)).toMatchObject({ runs: [{ counts: { queued: 0, sent: 3 } }] });
  });

  it('is nothing to strangers, to nobody, and behind a cookie that was made up', async () => {
    const stranger = await createUser(db, { password });
    const theirs = await signIn(stranger.email, password);
    const forged = cookie.replace(/session=[^;]{40}/, `session=${'A'.repeat(40)}`);
    expect(forged).not.toBe(cookie);
    for (const as of [theirs, '', forged, 'mailroom.session=', 'mailroom.session=nonsense']) {
      const answer = await progress(as);
      expect([answer.status, answer.body, answer.headers['cache-control']], as).toEqual([
        404,
        '',
        'private, no-store',
      ]);
    }
    expect((await progress(cookie)).status).toBe(200);
  });

  it('is nothing at once to who is blocked, and to who has signed out, also when many watch', async () => {
    const [user] = await db.select().from(users).where(eq(users.email, email));
    if (!user) throw new Error('the user was made');
    // So many that answers are shared.
    for (let nth = 0; nth < 40; nth += 1) await progress(cookie, { 'asked-after-ms': '10000' });
    const answers = [];
    for (let nth = 0; nth < 6; nth += 1) answers.push(await progress(cookie));
    expect(Number(answers[0]?.headers['ask-again-ms'])).toBeGreaterThan(1000);
    expect(new Set(answers.map(({ body }) => JSON.parse(body).atMs)).size).toBeLessThan(6);
    const stranger = await createUser(db, { password });
    expect((await progress(await signIn(stranger.email, password))).status).toBe(404);
    await db.update(users).set({ blockedAt: new Date(), blockedReason: 'Spam' }).where(eq(users.id, user.id));
    expect((await progress(cookie)).status).toBe(404);
    await db.update(users).set({ blockedAt: null, blockedReason: null }).where(eq(users.id, user.id));
    expect((await progress(cookie)).status).toBe(200);
    await db.delete(sessions).where(eq(sessions.userId, user.id));
    expect((await progress(cookie)).status).toBe(404);
  });

  it('is all that is answered so: everything else is left to Next', async () => {
    const of = { headers: { cookie } };
    for (const [path, method] of [
      [`/api/runs/progress?${query}`, 'POST'],
      [`/api/runs/progress?${query}`, 'HEAD'],
      [`/api/runs/progress/?${query}`, 'GET'],
      [`/api/runs/Progress?${query}`, 'GET'],
      ['/api/runs', 'GET'],
      ['/dashboard', 'GET'],
      ['/', 'GET'],
    ] as const)
      expect((await ask(base, path, { ...of, method })).status, `${method} ${path}`).toBe(418);
  });
});
