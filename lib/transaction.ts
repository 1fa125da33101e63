import type { Db } from '@/db/client';
import type { Result } from '@/lib/errors';

type Refused = Extract<Result<never>, { ok: false }>;

/** Carries a refusal out of a transaction. */
class Undone extends Error {
  constructor(readonly refusal: Refused) {
    super('refused');
  }
}

/** All of `work` or nothing: a refusal rolls back what was written before it, and is returned. */
export async function allOrNothing<T>(on: Db, work: (tx: Db) => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await on.transaction(async (tx) => {
      const result = await work(tx);
      if (!result.ok) throw new Undone(result);
      return result;
    });
  } catch (error) {
    if (error instanceof Undone) return error.refusal;
    throw error;
  }
}
