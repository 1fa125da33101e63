'use server';

import { type ActionState, actorAction } from '@/lib/action';
import { addPastedClients, createClient, deleteClient, deleteClients, updateClient } from './mutations';
import {
  clientChangeSchema,
  clientDeletionSchema,
  clientSchema,
  clientsDeletionSchema,
  type ImportOutcome,
  pastedClientsSchema,
} from './schema';

const create = actorAction(clientSchema, createClient, {
  redirectTo: () => '/clients?notice=clients.created',
});
const update = actorAction(clientChangeSchema, updateClient, {
  redirectTo: ({ id }) => `/clients/${id}?notice=clients.updated`,
});
const remove = actorAction(clientDeletionSchema, deleteClient, {
  redirectTo: () => '/clients?notice=clients.deleted',
});
const removeMany = actorAction(clientsDeletionSchema, deleteClients, {
  redirectTo: () => '/clients?notice=clients.deleted_many',
});
const paste = actorAction(pastedClientsSchema, addPastedClients);

export async function createClientAction(state: ActionState<{ id: number }>, form: FormData) {
  return create(state, form);
}

export async function updateClientAction(state: ActionState<{ id: number }>, form: FormData) {
  return update(state, form);
}

export async function deleteClientAction(state: ActionState<{ deleted: number }>, form: FormData) {
  return remove(state, form);
}

export async function deleteClientsAction(state: ActionState<{ deleted: number }>, form: FormData) {
  return removeMany(state, form);
}

export async function addPastedClientsAction(state: ActionState<ImportOutcome>, form: FormData) {
  return paste(state, form);
}
