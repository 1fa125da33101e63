import { randomBytes } from 'node:crypto';

/** Pictures that mail programs and browsers show, and that can not carry a script (SVG can, so it is none of them). */
const types = {
  jpg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  avif: 'image/avif',
} as const;

export type ImageKind = keyof typeof types;

/** Smallest whole header of a PNG: signature, length and name of the first chunk, its 13 bytes, its checksum. */
const pngHeaderBytes = 33;
const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * What kind of picture these bytes are, by what they say themselves and never by a name or a declared type; null for anything
 * else and for a header that breaks off. Whether it is whole is seen when it is read to its end.
 */
export function imageKind(bytes: Uint8Array): ImageKind | null {
  if (isJpeg(bytes)) return 'jpg';
  if (isPng(bytes)) return 'png';
  if (isWebp(bytes)) return 'webp';
  if (isAvif(bytes)) return 'avif';
  return null;
}

function word(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function numbers(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Start of image, then a segment that is there in full (ITU T.81, B.1.1). */
function isJpeg(bytes: Uint8Array): boolean {
  if (bytes.length < 6 || bytes[0] !== 0xff || bytes[1] !== 0xd8 || bytes[2] !== 0xff) return false;
  const segment = numbers(bytes).getUint16(4);
  return (bytes[3] ?? 0) >= 0xc0 && bytes[3] !== 0xff && segment >= 2 && bytes.length > 4 + segment;
}

/** Signature and a first chunk IHDR that has a width and a height (PNG, 5.2 and 11.2.1). */
function isPng(bytes: Uint8Array): boolean {
  if (bytes.length < pngHeaderBytes || pngSignature.some((byte, at) => bytes[at] !== byte)) return false;
  const read = numbers(bytes);
  return (
    read.getUint32(8) === 13 && word(bytes, 12) === 'IHDR' && read.getUint32(16) > 0 && read.getUint32(20) > 0
  );
}

/** RIFF container, form WEBP, with one of its three first chunks (RFC 9649, 2.3). */
function isWebp(bytes: Uint8Array): boolean {
  if (bytes.length < 21 || word(bytes, 0) !== 'RIFF' || word(bytes, 8) !== 'WEBP') return false;
  return numbers(bytes).getUint32(4, true) >= 12 && ['VP8 ', 'VP8L', 'VP8X'].includes(word(bytes, 12));
}

/** A whole `ftyp` box that names the brand `avif` or `avis` (AV1 Image File Format, 6). */
function isAvif(bytes: Uint8Array): boolean {
  if (bytes.length < 16 || word(bytes, 4) !== 'ftyp') return false;
  const box = numbers(bytes).getUint32(0);
  // Real ones are some dozen bytes; what is longer is searched by nobody.
  if (box < 16 || box > 256 || box % 4 !== 0 || box >= bytes.length) return false;
  for (let at = 8; at < box; at += 4)
    if (at !== 12 && ['avif', 'avis'].includes(word(bytes, at))) return true;
  return false;
}

/** Whether the picture moves: an animated WebP, an AVIF sequence, or a PNG with frames. */
export function isAnimated(kind: ImageKind, bytes: Uint8Array): boolean {
  switch (kind) {
    case 'jpg':
      return false;
    case 'webp':
      // The flags of the extended header (RFC 9649, 2.7).
      return word(bytes, 12) === 'VP8X' && ((bytes[20] ?? 0) & 0x02) !== 0;
    case 'avif':
      return word(bytes, 8) === 'avis';
    case 'png':
      return hasFrames(bytes);
  }
}

/** Whether a chunk `acTL` stands before the first `IDAT` (PNG, 11.3.6.1). */
function hasFrames(bytes: Uint8Array): boolean {
  const read = numbers(bytes);
  for (let at = 8; at + 8 <= bytes.length; at += 12 + read.getUint32(at)) {
    const chunk = word(bytes, at + 4);
    if (chunk === 'acTL') return true;
    if (chunk === 'IDAT') return false;
  }
  return false;
}

const megapixelsMax = 40;
/** AVIF is decoded whole: 40 megapixels of it took 780 MB of memory where a JPEG of the same size took 90. */
const avifMegapixelsMax = 12;

/** Megapixels (10^6) that a picture of this kind may have. */
export function megapixelLimit(kind: ImageKind): number {
  return kind === 'avif' ? avifMegapixelsMax : megapixelsMax;
}

/** A name of our own, that nobody guesses and that says nothing about whose it is or what it was called. */
export function newImageName(): string {
  return randomBytes(16).toString('hex');
}

/** The file a picture is looked at by; its name tells the size, so that whoever has the address knows the size too. */
export function imageFile(name: string, size: { width: number; height: number }, kind: ImageKind): string {
  return `${name}-${size.width}x${size.height}.${kind}`;
}

/** The file of a narrower copy. */
export function narrowFile(name: string, width: number, kind: ImageKind): string {
  return `${name}-${width}.${kind}`;
}

/** The content type of a file that we could have named (also as before sizes were part of it); null for every other. */
export function imageTypeOf(file: string): string | null {
  const [, kind] = /^[0-9a-f]{32}(?:-\d{1,5}(?:x\d{1,5})?)?\.(jpg|png|webp|avif)$/.exec(file) ?? [];
  return kind ? types[kind as ImageKind] : null;
}
