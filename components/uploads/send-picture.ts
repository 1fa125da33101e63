import { unstable_rethrow } from 'next/navigation';
import type { Problem } from '@/components/ui/form-answer';
import type { UploadPurpose } from '@/db/enums';
import { takeSentImageAction, uploadImageAction } from '@/lib/uploads/actions';
import { imageUploadSchema, rawPath, type StoredImage } from '@/lib/uploads/schema';

export type SentPicture = { ok: true; picture: StoredImage } | { ok: false; problem: Problem };

/** Octets that a function of Vercel takes for certain (its limit of 4.5 MB counts the form around the file too). */
const throughFunctionMax = 4_000_000;

/** What is wrong with a file before it is sent anywhere; null when only its content can tell. */
function wrongWith(file: File): Problem | null {
  const issue = imageUploadSchema.safeParse({ image: file }).error?.issues[0];
  if (!issue) return null;
  const params = issue.code === 'custom' ? (issue.params as Problem['params']) : undefined;
  return { code: issue.message, ...(params ? { params } : {}) };
}

/**
 * Stores a picture. A large one goes to Vercel Blob by itself where that is set up, and `onProgress` hears how far it has come, 0 to
 * 1; all others go through a server action, which tells nothing before its end. Never throws.
 */
export async function sendPicture(
  file: File,
  purpose: UploadPurpose,
  onProgress: (part: number) => void,
): Promise<SentPicture> {
  const wrong = wrongWith(file);
  if (wrong) return { ok: false, problem: wrong };
  try {
    const form = new FormData();
    form.set('purpose', purpose);
    const name = file.size > throughFunctionMax ? await sendToBlob(file, purpose, onProgress) : null;
    if (name) form.set('name', name);
    else form.set('image', file);
    const answer = await (name ? takeSentImageAction : uploadImageAction)({ ok: null }, form);
    if (answer.ok) return { ok: true, picture: answer.data };
    const problem = answer.ok === false ? (answer.error.fields?.image ?? answer.error) : null;
    return { ok: false, problem: problem ?? { code: 'unexplained' } };
  } catch (error) {
    unstable_rethrow(error);
    return { ok: false, problem: { code: 'unreachable' } };
  }
}

/** Sends a picture to Vercel Blob and answers the name it has there; null where Blob is not set up. */
async function sendToBlob(
  file: File,
  purpose: UploadPurpose,
  onProgress: (part: number) => void,
): Promise<string | null> {
  const name = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  const pathname = rawPath(name);
  const response = await fetch('/api/uploads', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      type: 'blob.generate-client-token',
      payload: { pathname, clientPayload: purpose, multipart: false },
    }),
  });
  // Also who may not send there: the action says why.
  if (!response.ok) return null;
  const { clientToken }: { clientToken: string } = await response.json();
  const { put } = await import('@vercel/blob/client');
  await put(pathname, file, {
    access: 'public',
    token: clientToken,
    contentType: file.type,
    onUploadProgress: ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0),
  });
  return name;
}
