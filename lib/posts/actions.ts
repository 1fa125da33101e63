'use server';

import { type ActionState, actorAction } from '@/lib/action';
import { done, type Result } from '@/lib/errors';
import { refreshPost } from './cache';
import {
  createPost,
  deletePost,
  publishPost,
  restorePost,
  savePost,
  type Touched,
  unpublishPost,
} from './mutations';
import { postChangeSchema, postIdSchema, postPublishSchema, postSchema, type Saved } from './schema';

/** Forgets what the change concerns, and tells the page only what it asked for. */
async function refreshing<T extends { touched: Touched }>(
  change: Promise<Result<T>>,
): Promise<Result<Omit<T, 'touched'>>> {
  const result = await change;
  if (!result.ok) return result;
  const { touched, ...data } = result.data;
  refreshPost(touched);
  return done(data);
}

const create = actorAction(postSchema, (actor, input) => refreshing(createPost(actor, input)), {
  redirectTo: ({ id }) => `/manage/posts/${id}`,
});
const save = actorAction(postChangeSchema, (actor, input) =>
  refreshing(savePost(actor, input, { now: new Date() })),
);
const publish = actorAction(postPublishSchema, (actor, input) =>
  refreshing(publishPost(actor, input, { now: new Date() })),
);
const unpublish = actorAction(postIdSchema, (actor, input) =>
  refreshing(unpublishPost(actor, input, { now: new Date() })),
);
const remove = actorAction(
  postIdSchema,
  (actor, input) => refreshing(deletePost(actor, input, { now: new Date() })),
  { redirectTo: ({ id }) => `/manage/posts?deleted=${id}` },
);
const restore = actorAction(postIdSchema, (actor, input) => refreshing(restorePost(actor, input)), {
  redirectTo: ({ id }) => `/manage/posts/${id}?notice=posts.restored`,
});

export async function createPostAction(state: ActionState<Saved>, form: FormData) {
  return create(state, form);
}

export async function savePostAction(state: ActionState<Saved>, form: FormData) {
  return save(state, form);
}

export async function publishPostAction(
  state: ActionState<Saved & { publishedAt: string; isScheduled: boolean }>,
  form: FormData,
) {
  return publish(state, form);
}

export async function unpublishPostAction(state: ActionState<Saved>, form: FormData) {
  return unpublish(state, form);
}

export async function deletePostAction(state: ActionState<{ id: number }>, form: FormData) {
  return remove(state, form);
}

export async function restorePostAction(state: ActionState<Saved>, form: FormData) {
  return restore(state, form);
}
