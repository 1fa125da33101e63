import sharp, { type Sharp } from 'sharp';
import type { UploadPurpose } from '@/db/enums';
import { done, type Result, refuseField } from '@/lib/errors';
import { type ImageKind, imageFile, imageKind, isAnimated, megapixelLimit, narrowFile } from './policy';
import { narrowerWidths } from './schema';

/** Pixels that a picture may be wide: two for each of the 960 that the widest article shows, and more than any letter does. */
const widthMax: Record<UploadPurpose, number> = { post: 1920, letter: 1600 };
/** A scroll of a screenshot is as high as this at most; WebP ends at 16,383. */
const heightMax = 8000;
/** Pictures worked on at one time, and those that wait for it; whoever comes then is asked to come again. */
const atOnce = 2;
const waitingMax = 20;
/** All work on one picture, from its turn on. */
const workSecondsMax = 20;
/** A drawing stays a PNG, sharp at its edges, while that costs at most so many times what a JPEG of it does. */
const pngWorth = 2;
/** A transparent letter picture larger than this is brought down to 256 colours. */
const transparentBytesMax = 1024 * 1024;

/** A picture made anew: its files, the one to look at first. */
export type MadeAnew = {
  kind: ImageKind;
  width: number;
  height: number;
  widths: number[];
  files: { name: string; bytes: Uint8Array }[];
};

let working = 0;
const waiting: (() => void)[] = [];

/**
 * Makes a picture anew under `name`: turned as its camera held it, in sRGB, no larger than it is shown, and without anything that
 * is not the picture itself (EXIF with its places, XMP, profiles, comments). For posts WebP in a few widths; for letters JPEG or
 * PNG, because not all mail programs show WebP. Takes a bounded share of the machine. Codes of the field `image`:
 * `not_an_image`, `animated`, `too_many_pixels` (`max` in megapixels), `broken_image`, `too_complex`, `busy`.
 */
export async function reencodeImage(
  bytes: Uint8Array,
  purpose: UploadPurpose,
  name: string,
): Promise<Result<MadeAnew>> {
  const kind = imageKind(bytes);
  if (!kind) return refuseField('image', 'not_an_image');
  if (isAnimated(kind, bytes)) return refuseField('image', 'animated');
  if (working >= atOnce) {
    if (waiting.length >= waitingMax) return refuseField('image', 'busy');
    // Whoever ends hands its place over, so it is not counted anew.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else working += 1;
  try {
    return await makeAnew(bytes, kind, purpose, name);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else working -= 1;
  }
}

async function makeAnew(
  bytes: Uint8Array,
  kind: ImageKind,
  purpose: UploadPurpose,
  name: string,
): Promise<Result<MadeAnew>> {
  // One thread for each picture, and nothing kept of those before: the machine has pages to serve and letters to send.
  sharp.concurrency(1);
  sharp.cache(false);
  const deadline = performance.now() + workSecondsMax * 1000;
  const timed = (image: Sharp) =>
    image.timeout({ seconds: Math.max(1, Math.ceil((deadline - performance.now()) / 1000)) });
  try {
    // The header alone: what is too large is refused before a pixel of it is unpacked.
    const header = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (header.format !== (kind === 'jpg' ? 'jpeg' : kind === 'avif' ? 'heif' : kind))
      return refuseField('image', 'not_an_image');
    const limit = megapixelLimit(kind);
    if (header.width * header.height > limit * 1e6)
      return refuseField('image', 'too_many_pixels', { max: limit });

    const { data, info } = await timed(
      sharp(bytes, { failOn: 'error', sequentialRead: true, limitInputPixels: limit * 1e6 })
        .autoOrient()
        .resize({ width: widthMax[purpose], height: heightMax, fit: 'inside', withoutEnlargement: true })
        .toColourspace('srgb')
        .raw(),
    ).toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const pixels = () => timed(sharp(data, { raw: { width, height, channels } }));

    if (purpose === 'letter') {
      const made = await forLetter(pixels, kind, channels === 4 || channels === 2);
      const file = { name: imageFile(name, info, made.kind), bytes: made.bytes };
      return done({ kind: made.kind, width, height, widths: [], files: [file] });
    }
    const files = [{ name: imageFile(name, info, 'webp'), bytes: await webp(pixels()) }];
    const widths = narrowerWidths(width);
    for (const narrow of widths)
      files.push({
        name: narrowFile(name, narrow, 'webp'),
        bytes: await webp(pixels().resize({ width: narrow })),
      });
    return done({ kind: 'webp', width, height, widths, files });
  } catch (error) {
    const isLate = error instanceof Error && error.message.startsWith('timeout');
    return refuseField('image', isLate ? 'too_complex' : 'broken_image');
  }
}

/** AVIF saved a third of the bytes and took four times as long (9 s for the files of a picture of 40 megapixels): not worth it here. */
function webp(image: Sharp): Promise<Uint8Array> {
  return image.webp({ quality: 80 }).toBuffer();
}

async function forLetter(
  pixels: () => Sharp,
  from: ImageKind,
  mayShine: boolean,
): Promise<{ kind: ImageKind; bytes: Uint8Array }> {
  const isTransparent = mayShine && !(await pixels().stats()).isOpaque;
  const jpeg = () => pixels().removeAlpha().jpeg({ quality: 82, mozjpeg: true }).toBuffer();
  const png = (palette: boolean) => pixels().png({ compressionLevel: 9, palette }).toBuffer();
  if (isTransparent) {
    const whole = await png(false);
    return { kind: 'png', bytes: whole.length <= transparentBytesMax ? whole : await png(true) };
  }
  const photo = await jpeg();
  if (from !== 'png') return { kind: 'jpg', bytes: photo };
  const drawing = await png(false);
  return drawing.length <= photo.length * pngWorth
    ? { kind: 'png', bytes: drawing }
    : { kind: 'jpg', bytes: photo };
}
