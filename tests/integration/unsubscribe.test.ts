import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { GET, POST } from '@/app/api/unsubscribe/[token]/route';
import { db } from '@/db/client';
import { suppressions } from '@/db/schema';
import { unsubscribeToken } from '@/lib/sending/compose';
import { unsubscribeByToken } from '@/lib/suppressions/mutations';
import { findUnsubscribeOffer } from '@/lib/suppressions/queries';
import { createClient, createDelivery, createMailing, createRun, createUser } from '../support/factories';

async function letterTo(email: string) {
  const owner = await createUser(db);
  const mailing = await createMailing(db, owner);
  const run = await createRun(db, mailing);
  const client = await createClient(db, owner, { email });
  const delivery = await createDelivery(db, run, client);
  return { owner, delivery, token: unsubscribeToken(delivery.id) };
}
const suppressed = (ownerId: number) =>
  db.select().from(suppressions).where(eq(suppressions.ownerId, ownerId));
const oneClick = (token: string) =>
  POST(
    new Request('http://localhost/api/unsubscribe/x', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
    }),
    { params: Promise.resolve({ token }) },
  );

describe('unsubscribing', () => {
  test('looking at the page changes nothing, and shows the address only in part', async () => {
    const { owner, token } = await letterTo('Robert@Mail.org');
    const offer = await findUnsubscribeOffer(token);
    expect(offer).toMatchObject({ kind: 'letter', maskedEmail: 'R•••@Mail.org', isUnsubscribed: false });
    expect(await suppressed(owner.id)).toEqual([]);
  });

  test('the button ends letters of that owner to that address, however it is written, once', async () => {
    const { owner, delivery, token } = await letterTo('Robert@Mail.org');
    const other = await letterTo('robert@mail.org');
    const answers = await Promise.all(Array.from({ length: 10 }, () => unsubscribeByToken(token)));
    expect(answers.every((answer) => answer.ok)).toBe(true);
    expect(await suppressed(owner.id)).toMatchObject([
      { emailKey: 'robert@mail.org', reason: 'unsubscribed', deliveryId: delivery.id },
    ]);
    expect(await suppressed(other.owner.id)).toEqual([]);
    expect(await findUnsubscribeOffer(token)).toMatchObject({ isUnsubscribed: true });
  });

  test('one click of a mail program acts at once, twice is once, and every answer is 200', async () => {
    const { owner, token } = await letterTo('bob@mail.org');
    expect((await oneClick(token)).status).toBe(200);
    expect((await oneClick(token)).status).toBe(200);
    expect(await suppressed(owner.id)).toHaveLength(1);
    expect((await oneClick('nonsense')).status).toBe(200);
    expect((await oneClick('test')).status).toBe(200);
  });

  test('following the address of the one-click link only leads to the page', async () => {
    const { owner, token } = await letterTo('bob@mail.org');
    const visit = GET(new Request('http://localhost/x'), { params: Promise.resolve({ token }) });
    await expect(visit).rejects.toMatchObject({ digest: expect.stringContaining(`/unsubscribe/${token}`) });
    expect(await suppressed(owner.id)).toEqual([]);
  });

  test('an address that bounced before keeps that reason', async () => {
    const { owner, token } = await letterTo('bob@mail.org');
    await db.insert(suppressions).values({ ownerId: owner.id, emailKey: 'bob@mail.org', reason: 'bounced' });
    expect((await unsubscribeByToken(token)).ok).toBe(true);
    expect(await suppressed(owner.id)).toMatchObject([{ reason: 'bounced' }]);
  });

  test('a link we did not make is refused', async () => {
    expect(await unsubscribeByToken('A'.repeat(32))).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
    expect(await findUnsubscribeOffer('A'.repeat(32))).toBeNull();
  });
});
