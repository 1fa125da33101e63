import { z } from 'zod';

/** Megabytes (2^20 bytes) that one picture may have. */
export const imageMegabytesMax = 5;
export const imageBytesMax = imageMegabytesMax * 1024 * 1024;

/**
 * A picture as a form sends it, in the field `image`. What kind it is, its bytes decide (`lib/uploads/policy`), so that is
 * not looked at here. Codes: `required`, `too_big` (with `max` in megabytes).
 */
export const imageUploadSchema = z.object({
  image: z.instanceof(File, { error: 'required' }).superRefine(({ size }, context) => {
    if (size === 0) context.addIssue({ code: 'custom', message: 'required' });
    if (size > imageBytesMax)
      context.addIssue({ code: 'custom', message: 'too_big', params: { max: imageMegabytesMax } });
  }),
});

/** Where the picture can be seen from then on: an absolute address, because letters are read elsewhere. */
export type StoredImage = { url: string };
