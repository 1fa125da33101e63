import { inspect } from 'node:util';
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { users } from '@/db/schema';
import { databaseErrorCode } from '@/lib/errors';
import { freshAddress } from '@/tests/support/accounts';

/** What a log shows of an error, its causes too. */
const shown = (error: unknown) => inspect(error, { depth: 10 }) + String(error);

describe('a statement that fails', () => {
  it('tells the log neither what it was given nor the row that was refused', async () => {
    const email = freshAddress();
    const row = { email, emailKey: email, name: 'Nadia Quiet', passwordHash: '$argon2-of-nobody' };
    await db.insert(users).values(row);
    const twice = await db
      .insert(users)
      .values(row)
      .then(
        () => null,
        (error: unknown) => error,
      );
    const torn = await db
      .transaction((tx) => tx.execute(sql`update users set name = null where email_key = ${email}`))
      .then(
        () => null,
        (error: unknown) => error,
      );
    expect([databaseErrorCode(twice), databaseErrorCode(torn)]).toEqual(['23505', '23502']);
    for (const error of [twice, torn])
      for (const value of [email, 'Nadia Quiet', '$argon2-of-nobody'])
        expect(shown(error)).not.toContain(value);
    expect(shown(twice)).toContain('users_email_key');
  });
});
