'use server';

import { type ActionState, actorAction } from '@/lib/action';
import { createMessage, deleteMessage, updateMessage } from './mutations';
import { messageChangeSchema, messageDeletionSchema, messageSchema } from './schema';

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
