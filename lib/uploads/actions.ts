'use server';

import { type ActionState, actorAction } from '@/lib/action';
import { imageUploadSchema, type StoredImage } from './schema';
import { storeImage } from './storage';

const upload = actorAction(imageUploadSchema, async (actor, { image }) =>
  storeImage(actor, new Uint8Array(await image.arrayBuffer())),
);

export async function uploadImageAction(state: ActionState<StoredImage>, form: FormData) {
  return upload(state, form);
}
