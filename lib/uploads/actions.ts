'use server';

import { type ActionState, actorAction } from '@/lib/action';
import { storeImage, takeSent } from './mutations';
import { imageUploadSchema, type StoredImage, sentUploadSchema } from './schema';

const upload = actorAction(imageUploadSchema, async (actor, { image, purpose }) =>
  storeImage(actor, { bytes: new Uint8Array(await image.arrayBuffer()), purpose }),
);
const take = actorAction(sentUploadSchema, takeSent);

export async function uploadImageAction(state: ActionState<StoredImage>, form: FormData) {
  return upload(state, form);
}

export async function takeSentImageAction(state: ActionState<StoredImage>, form: FormData) {
  return take(state, form);
}
