import { z } from 'zod';
import { uploadPurposes } from '@/db/enums';

/** Megabytes (2^20 bytes) that one picture may have. */
export const imageMegabytesMax = 5;
export const imageBytesMax = imageMegabytesMax * 1024 * 1024;

/** File types that a chooser of pictures offers. */
export const imageAccept = 'image/jpeg,image/png,image/webp,image/avif';

const imageFile = z.instanceof(File, { error: 'required' }).superRefine(({ size }, context) => {
  if (size === 0) context.addIssue({ code: 'custom', message: 'required' });
  if (size > imageBytesMax)
    context.addIssue({ code: 'custom', message: 'too_big', params: { max: imageMegabytesMax } });
});
const purpose = z.enum(uploadPurposes).default('letter');

/**
 * A picture as a form sends it, in the field `image`. What kind it is, its bytes decide (`lib/uploads/policy`), so that is
 * not looked at here. Codes: `required`, `too_big` (with `max` in megabytes).
 */
export const imageUploadSchema = z.object({ image: imageFile, purpose });

/** A picture that the browser has sent to Vercel Blob by itself, by the name it was given for that. */
export const sentUploadSchema = z.object({ name: z.string().regex(/^[0-9a-f]{32}$/, 'not_found'), purpose });

/** The path in Vercel Blob of what a browser sends there by itself; nothing shows it to anybody. */
export const rawPath = (name: string) => `uploads/${name}.raw`;

/** The request of Vercel Blob's client in the browser for a token; what the picture is for comes as its `clientPayload`. */
export const sendingSchema = z.object({
  type: z.literal('blob.generate-client-token'),
  payload: z
    .object({
      pathname: z.string().regex(/^uploads\/[0-9a-f]{32}\.raw$/),
      clientPayload: z.enum(uploadPurposes),
    })
    .transform(({ pathname, clientPayload }) => ({
      name: pathname.slice('uploads/'.length, -'.raw'.length),
      purpose: clientPayload,
    })),
});

/** Where the picture can be seen from then on: an absolute address, because letters are read elsewhere; and its size in pixels. */
export type StoredImage = { url: string; width: number; height: number };

const ladder = [480, 960];

/** Pixels of the narrower copies that a picture of a post has beside it: those worth the difference. */
export function narrowerWidths(width: number): number[] {
  return ladder.filter((step) => step * 1.25 <= width);
}

/**
 * What an `<img>` of one of our pictures needs so that nothing shifts when it comes and no phone loads more than it shows; read
 * from the address alone. Letters' pictures have one width, so no `srcSet`. Null for addresses that are not of our making.
 */
export function pictureAttributes(url: string): { width: number; height: number; srcSet?: string } | null {
  const [, base, across, down, kind] =
    /^(.*\/uploads\/[0-9a-f]{32})-(\d{1,5})x(\d{1,5})\.(jpg|png|webp)$/.exec(url) ?? [];
  if (!base || !kind) return null;
  const size = { width: Number(across), height: Number(down) };
  if (kind !== 'webp') return size;
  const copies = narrowerWidths(size.width).map((width) => `${base}-${width}.${kind} ${width}w`);
  return copies.length === 0 ? size : { ...size, srcSet: [...copies, `${url} ${size.width}w`].join(', ') };
}
