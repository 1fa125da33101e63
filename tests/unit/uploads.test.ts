import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageKind, imageTypeOf, newImageName } from '@/lib/uploads/policy';
import { imageBytesMax, imageUploadSchema } from '@/lib/uploads/schema';
import { avif, jpeg, png, webp } from '@/tests/support/pictures';

const text = (source: string) => new TextEncoder().encode(source);

describe('what counts as a picture', () => {
  it('is what begins like a JPEG, PNG, WebP or AVIF', () => {
    expect(imageKind(jpeg)).toBe('jpg');
    expect(imageKind(png)).toBe('png');
    expect(imageKind(webp)).toBe('webp');
    expect(imageKind(avif)).toBe('avif');
  });

  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['SVG with a prologue', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['HTML', '<!doctype html><title>hello</title><script>alert(1)</script>'],
    ['a GIF', 'GIF89a\x01\x00\x01\x00\x80\x00\x00'],
    ['a PDF', '%PDF-1.7\n1 0 obj'],
    [
      'a sound in the same container as WebP',
      'RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00'.padEnd(60, '\0'),
    ],
    ['nothing', ''],
  ])('is not %s', (_, source) => {
    expect(imageKind(text(source))).toBeNull();
  });

  it('is not a film in the same container as AVIF', () => {
    const film = avif.slice();
    film.set(text('isom'), 8);
    film.set(text('isom'), 16);
    expect(imageKind(film)).toBeNull();
  });

  it('is not a header that breaks off, wherever it does', () => {
    for (const [picture, header] of [
      [jpeg, 20],
      [png, 33],
      [webp, webp.length],
      [avif, 33],
    ] as const)
      for (let end = 0; end < header; end += 1)
        expect(imageKind(picture.subarray(0, end)), `the first ${end} bytes`).toBeNull();
  });

  it('is not a picture without width or height', () => {
    const flat = png.slice();
    flat.fill(0, 20, 24);
    expect(imageKind(flat)).toBeNull();
  });

  it('is decided for any bytes at all', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(jpeg, png, webp, avif),
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(40),
        (picture, noise, at) => {
          const mixed = new Uint8Array([...picture.subarray(0, at), ...noise]);
          expect([null, 'jpg', 'png', 'webp', 'avif']).toContain(imageKind(mixed));
        },
      ),
    );
  });
});

describe('names of pictures', () => {
  it('are our own, and never the same twice', () => {
    const names = new Set(Array.from({ length: 1000 }, () => newImageName('webp')));
    expect(names.size).toBe(1000);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}\.webp$/);
  });

  it.each([
    '../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    `${'a'.repeat(32)}.svg`,
    `${'a'.repeat(32)}.png.html`,
    `${'A'.repeat(32)}.png`,
    `${'a'.repeat(31)}.png`,
    `/${'a'.repeat(32)}.png`,
    `${'a'.repeat(32)}.png\n`,
    `${'a'.repeat(32)}.png\0`,
    '.png',
    '',
  ])('are not %j', (name) => {
    expect(imageTypeOf(name)).toBeNull();
  });
});

describe('the form of an upload', () => {
  const problem = (image: unknown) => {
    const parsed = imageUploadSchema.safeParse({ image });
    return parsed.success ? null : parsed.error.issues[0]?.message;
  };

  it('takes 5 MB and not a byte more', () => {
    expect(problem(new File([new Uint8Array(imageBytesMax)], 'a.png'))).toBeNull();
    expect(problem(new File([new Uint8Array(imageBytesMax + 1)], 'a.png'))).toBe('too_big');
  });

  it('asks for a file where there is none, or an empty one', () => {
    expect(problem(undefined)).toBe('required');
    expect(problem('a.png')).toBe('required');
    expect(problem(new File([], ''))).toBe('required');
  });
});
