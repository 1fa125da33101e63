import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { rateLimits } from '@/db/schema';
import { takeToken, takeTokens } from '@/lib/rate-limit';

const three = { limit: 3, windowSeconds: 60 };

describe('the rate limiter', () => {
  it('gives as many tokens as there are, and then says how long to wait', async () => {
    for (let n = 0; n < 3; n += 1)
      expect(await takeToken('test', 'ada', three)).toEqual({ ok: true, retryAfterSeconds: 0 });
    const refused = await takeToken('test', 'ada', three);
    expect(refused.ok).toBe(false);
    expect(refused.retryAfterSeconds).toBeGreaterThan(50);
    expect(refused.retryAfterSeconds).toBeLessThanOrEqual(60);
  });

  it('counts each subject and each kind by itself', async () => {
    expect((await takeToken('test', 'grace', three)).ok).toBe(true);
    expect((await takeToken('other', 'ada', three)).ok).toBe(true);
  });

  it('gives no token too many when 50 ask at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, () => takeToken('race', 'ada', { limit: 7, windowSeconds: 60 })),
    );
    expect(all.filter(({ ok }) => ok)).toHaveLength(7);
  });

  it('starts anew when the window is over', async () => {
    for (let n = 0; n < 4; n += 1) await takeToken('window', 'ada', three);
    await db.update(rateLimits).set({ resetsAt: sql`now() - interval '1 second'` });
    expect((await takeToken('window', 'ada', three)).ok).toBe(true);
  });

  it('takes a token back that was no guess', async () => {
    for (let n = 0; n < 2; n += 1) await takeToken('back', 'ada', three);
    await (await takeTokens([{ kind: 'back', subject: 'ada', limit: three }])).giveBack();
    expect((await takeToken('back', 'ada', three)).ok).toBe(true);
    expect((await takeToken('back', 'ada', three)).ok).toBe(false);
  });

  it('stops at the first kind that is used up, and takes nothing of the next', async () => {
    const both = () =>
      takeTokens([
        { kind: 'network', subject: 'home', limit: { limit: 1, windowSeconds: 60 } },
        { kind: 'address', subject: 'ada', limit: three },
      ]);
    expect((await both()).ok).toBe(true);
    for (let n = 0; n < 5; n += 1) expect((await both()).ok).toBe(false);
    for (let n = 0; n < 2; n += 1) expect((await takeToken('address', 'ada', three)).ok).toBe(true);
    expect((await takeToken('address', 'ada', three)).ok).toBe(false);
  });

  it('keeps no address in the clear', async () => {
    await takeToken('clear', 'ada@example.org', three);
    const keys = (await db.select({ key: rateLimits.key }).from(rateLimits)).map(({ key }) => key);
    expect(keys.join()).not.toContain('ada');
  });
});
