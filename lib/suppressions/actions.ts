'use server';

import { z } from 'zod';
import { type ActionState, publicAction } from '@/lib/action';
import { unsubscribeByToken } from './mutations';

const unsubscribe = publicAction(
  z.object({ token: z.string().min(1, 'required').max(100, 'too_long') }),
  ({ token }) => unsubscribeByToken(token),
  { redirectTo: ({ token }) => `/unsubscribe/${token}` },
);

/** The button of the unsubscribe page. It shows the page again, which then says that it is done. */
export async function unsubscribeAction(form: FormData): Promise<void> {
  const before: ActionState<{ token: string }> = { ok: null };
  await unsubscribe(before, form);
}
