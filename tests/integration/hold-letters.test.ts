import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { users } from '@/db/schema';
import { fixedClock } from '@/lib/clock';
import { formatInstant } from '@/lib/format';
import { disableMailing, enableMailing } from '@/lib/runs/mutations';
import { blockUser, checkSignIn, sendHoldLetter, unblockUser } from '@/lib/users/mutations';
import { elsewhere, freshAddress, given, outboxOf } from '@/tests/support/accounts';
import {
  createActor,
  createClient,
  createClients,
  createDelivery,
  createMailing,
  createRun,
  createUser,
} from '@/tests/support/factories';

const boss = () => createActor(db, { name: 'Boris Boss', email: freshAddress(), isStaff: true });

/** Somebody with a mailing whose run has three letters left. */
async function ownerOf(overrides: Parameters<typeof createUser>[1] = {}) {
  const owner = await createUser(db, { email: freshAddress(), timeZone: 'Asia/Vladivostok', ...overrides });
  const mailing = await createMailing(db, owner, { name: 'Spring <sale>', status: 'running' });
  const run = await createRun(db, mailing);
  for (const client of await createClients(db, owner, 3)) await createDelivery(db, run, client);
  return { owner, mailing };
}

/** The newest letter to somebody. */
async function lastTo(email: string) {
  const letter = (await outboxOf(email)).at(-1);
  if (!letter) throw new Error(`no letter to ${email}`);
  return letter;
}

describe('the owner of an account that is blocked', () => {
  it('gets a letter: by whom, when on the owner’s clock, why, what stopped, and whom an answer reaches', async () => {
    const by = await boss();
    const { owner } = await ownerOf();
    await sendHoldLetter(given(await blockUser(by, { userId: owner.id, reason: 'A <bought> list' })).news);
    const [row] = await db.select().from(users).where(eq(users.id, owner.id));
    const letter = await lastTo(owner.email);
    expect(letter.subject).toBe('Your account has been blocked');
    expect(letter.text).toContain(
      `Your account at Mailroom was blocked on ${formatInstant('en', row?.blockedAt ?? new Date(0), 'Asia/Vladivostok')} by Boris Boss, a manager of this service.`,
    );
    expect(letter.text).toContain('GMT+10');
    expect(letter.text).toContain('Reason: A <bought> list');
    expect(letter.text).toContain(
      'This has stopped: 1 mailing with a send to come; 1 run under way; 3 letters not yet sent; no letter is in flight.',
    );
    expect(letter.text).toContain('reply to this letter: your reply goes to Boris Boss.');
    expect(letter.raw).toMatch(new RegExp(`^Reply-To: <?${by.email}`, 'm'));
    expect(letter.html).toContain('A &#60;bought&#62; list');
  });

  it('gets it in the language of the account, and again when the block is lifted', async () => {
    const by = await boss();
    const { owner } = await ownerOf({ locale: 'ru', timeZone: 'Europe/Moscow' });
    await sendHoldLetter(given(await blockUser(by, { userId: owner.id, reason: 'Купленный список' })).news);
    expect((await lastTo(owner.email)).text).toMatch(
      /Ваш аккаунт в Mailroom заблокирован \d.*GMT\+3\. Решение принял менеджер сервиса Boris Boss\..*\n\nПричина: Купленный список\n\nОстановлено: 1 рассылка/,
    );
    await sendHoldLetter(given(await unblockUser(by, { userId: owner.id })).news);
    const lifted = await lastTo(owner.email);
    expect(lifted.subject).toBe('Блокировка вашего аккаунта снята');
    expect(lifted.text).toContain('Причина была такой: Купленный список');
    expect(lifted.text).toContain('/ru/login');
  });

  it('reads of those who run the service where it was done from the command line, and an answer reaches the sender', async () => {
    const { owner } = await ownerOf();
    await sendHoldLetter(given(await blockUser(null, { userId: owner.id, reason: 'spam' })).news);
    const letter = await lastTo(owner.email);
    expect(letter.text).toContain('by the people who run this service.');
    expect(letter.raw).not.toMatch(/^Reply-To:/m);
  });

  it('is told at sign-in when, on the clock of the account', async () => {
    const password = 'a sound password';
    const { owner } = await ownerOf({ password });
    await blockUser(await boss(), { userId: owner.id, reason: 'spam' });
    await db
      .update(users)
      .set({ blockedAt: new Date('2026-01-05T20:30:00Z') })
      .where(eq(users.id, owner.id));
    const refused = await checkSignIn({ email: owner.email, password }, elsewhere());
    expect(refused).toMatchObject({
      ok: false,
      error: { code: 'blocked', params: { at: Date.parse('2026-01-06T06:30:00Z'), zone: 'GMT+10' } },
    });
  });

  it('gets no letter at an address that was never shown to be theirs', async () => {
    const stranger = await createUser(db, { email: freshAddress(), confirmedAt: null });
    expect(given(await blockUser(null, { userId: stranger.id, reason: 'spam' })).news).toBeNull();
  });
});

describe('the owner of a mailing that is disabled', () => {
  it('gets a letter with a link to it, and another when it is enabled again', async () => {
    const by = await boss();
    const { owner, mailing } = await ownerOf();
    const clock = fixedClock(new Date('2026-01-05T20:30:00Z'));
    const disabled = await disableMailing(by, { mailingId: mailing.id, reason: 'Complaints' }, db, clock);
    await sendHoldLetter(given(disabled).news);
    const letter = await lastTo(owner.email);
    expect(letter.subject).toBe('Your mailing “Spring <sale>” has been disabled');
    expect(letter.text).toContain(
      'Your mailing “Spring <sale>” was disabled on 6 Jan 2026, 06:30 GMT+10 by Boris Boss',
    );
    expect(letter.text).toContain('Reason: Complaints');
    expect(letter.text).toContain(
      'This has stopped: the sends to come of this mailing; 1 run under way; 3 letters not yet sent',
    );
    expect(letter.text).toContain(`/mailings/${mailing.id}`);
    clock.set(new Date('2026-01-05T21:00:00Z'));
    await sendHoldLetter(given(await enableMailing(by, { mailingId: mailing.id }, db, clock)).news);
    const again = await lastTo(owner.email);
    expect(again.subject).toBe('Your mailing “Spring <sale>” is enabled again');
    expect(again.text).toContain('on 6 Jan 2026, 07:00 GMT+10 by Boris Boss');
    expect(again.text).toContain('The reason had been: Complaints');
  });

  it('gets none for what they did themselves', async () => {
    const by = await boss();
    await createClient(db, by);
    const mailing = await createMailing(db, by);
    expect(given(await disableMailing(by, { mailingId: mailing.id, reason: 'mine' })).news).toBeNull();
  });
});

describe('a letter that cannot be sent', () => {
  it('fails nothing: the block stands', async () => {
    const { owner } = await ownerOf();
    const { news } = given(await blockUser(await boss(), { userId: owner.id, reason: 'spam' }));
    if (!news) throw new Error('no news');
    await expect(
      sendHoldLetter({ ...news, to: { ...news.to, timeZone: 'Nowhere/At_all' } }),
    ).resolves.toBeUndefined();
    const [row] = await db.select().from(users).where(eq(users.id, owner.id));
    expect(row?.blockedAt).not.toBeNull();
  });
});
