'use server';

import { type ActionState, actorAction } from '@/lib/action';
import { requestOrigin, requireActor } from '@/lib/auth/session';
import { type Result, refuse } from '@/lib/errors';
import { createMessage, deleteMessage, sendTestLetter, type TestAnswer, updateMessage } from './mutations';
import { previewMessage } from './queries';
import {
  messageChangeSchema,
  messageDeletionSchema,
  messageSchema,
  type Preview,
  previewSchema,
  testLetterSchema,
} from './schema';

const create = actorAction(messageSchema, createMessage, {
  redirectTo: ({ id }) => `/messages/${id}?notice=messages.created`,
});
const update = actorAction(messageChangeSchema, updateMessage, {
  redirectTo: ({ id }) => `/messages/${id}?notice=messages.updated`,
});
const remove = actorAction(messageDeletionSchema, deleteMessage, {
  redirectTo: ({ archived }) => `/messages?notice=messages.${archived ? 'archived' : 'deleted'}`,
});

export async function createMessageAction(state: ActionState<{ id: number }>, form: FormData) {
  return create(state, form);
}

export async function updateMessageAction(state: ActionState<{ id: number }>, form: FormData) {
  return update(state, form);
}

export async function deleteMessageAction(state: ActionState<{ archived: boolean }>, form: FormData) {
  return remove(state, form);
}

const test = actorAction(testLetterSchema, async (actor, input) => {
  const { network } = await requestOrigin();
  return sendTestLetter(actor, input, { network });
});

export async function sendTestLetterAction(state: ActionState<TestAnswer>, form: FormData) {
  return test(state, form);
}

/** A look at a letter that is being written, as one of the actor's clients would get it. */
export async function previewMessageAction(
  subject: string,
  body: string,
  clientId: number | null = null,
): Promise<Result<Preview>> {
  const actor = await requireActor();
  const parsed = previewSchema.safeParse({ subject, body, clientId });
  return parsed.success ? previewMessage(actor, parsed.data) : refuse('invalid_value');
}
