import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageFile, imageKind, imageTypeOf, narrowFile, newImageName } from '@/lib/uploads/policy';
import { imageBytesMax, imageUploadSchema, pictureAttributes } from '@/lib/uploads/schema';
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
    for (let at = 16; at < 28; at += 4) film.set(text('isom'), at);
    expect(imageKind(film)).toBeNull();
  });

  it('is not a header that breaks off, wherever it does', () => {
    for (const [picture, header] of [
      [jpeg, 20],
      [png, 33],
      [webp, 20],
      [avif, 29],
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
    const names = new Set(Array.from({ length: 1000 }, () => newImageName()));
    expect(names.size).toBe(1000);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/);
  });

  const name = 'a'.repeat(32);
  it('tell what kind of picture stands behind them, also those from before sizes were part of them', () => {
    expect(imageTypeOf(imageFile(name, { width: 1600, height: 1067 }, 'jpg'))).toBe('image/jpeg');
    expect(imageTypeOf(narrowFile(name, 480, 'webp'))).toBe('image/webp');
    expect(imageTypeOf(`${name}.avif`)).toBe('image/avif');
  });

  it.each([
    '../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    `${name}.svg`,
    `${name}.png.html`,
    `${'A'.repeat(32)}.png`,
    `${'a'.repeat(31)}.png`,
    `/${name}.png`,
    `${name}.png\n`,
    `${name}.png\0`,
    `${name}-.png`,
    `${name}-1x.png`,
    `${name}-999999.png`,
    `${name}.raw`,
    '.png',
    '',
  ])('are not %j', (other) => {
    expect(imageTypeOf(other)).toBeNull();
  });
});

describe('what a page learns of a picture from its address alone', () => {
  const address = `https://mail.example/api/uploads/${'a'.repeat(32)}`;

  it('is its size and the narrower copies that there are, so that nothing shifts and a phone loads less', () => {
    expect(pictureAttributes(`${address}-1920x1080.webp`)).toEqual({
      width: 1920,
      height: 1080,
      srcSet: `${address}-480.webp 480w, ${address}-960.webp 960w, ${address}-1920x1080.webp 1920w`,
    });
    expect(pictureAttributes(`${address}-1000x500.webp`)).toEqual({
      width: 1000,
      height: 500,
      srcSet: `${address}-480.webp 480w, ${address}-1000x500.webp 1000w`,
    });
    expect(pictureAttributes(`${address}-300x200.webp`)).toEqual({ width: 300, height: 200 });
    expect(pictureAttributes(`${address}-600x400.jpg`)).toEqual({ width: 600, height: 400 });
  });

  it('is nothing for addresses that are not of our making', () => {
    for (const other of ['', 'https://example.com/a.webp', `${address}.png`, `${address}-1x1.svg`])
      expect(pictureAttributes(other)).toBeNull();
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
