import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import type { UploadPurpose } from '@/db/enums';
import { reencodeImage } from '@/lib/uploads/reencode';

// The large files are made here, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000 });

const name = 'c'.repeat(32);
const refused = (code: string, params?: object) => ({
  ok: false,
  error: { code: 'invalid', fields: { image: { code, ...(params ? { params } : {}) } } },
});

/** A picture with something on it everywhere, like a photograph. */
const photo = (width: number, height: number) =>
  sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#000',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  });
/** Red above blue: what it is turned to can be seen. */
const twoHalves = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#00f' } }).composite([
    {
      input: { create: { width, height: Math.floor(height / 2), channels: 3, background: '#f00' } },
      gravity: 'north',
    },
  ]);

async function anew(bytes: Uint8Array, purpose: UploadPurpose = 'letter') {
  const result = await reencodeImage(bytes, purpose, name);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  const [first] = result.data.files;
  if (!first) throw new Error('a picture without files');
  return { ...result.data, first: first.bytes };
}

/** The colour of one dot, 0 to 255 each. */
async function dot(bytes: Uint8Array, at: { left: number; top: number }): Promise<number[]> {
  const raw = await sharp(bytes)
    .extract({ ...at, width: 1, height: 1 })
    .raw()
    .toBuffer();
  return [...raw];
}

describe('a picture for a post', () => {
  it('becomes WebP in a few widths, none larger than it was', async () => {
    const made = await anew(await photo(2400, 240).jpeg().toBuffer(), 'post');
    expect(made).toMatchObject({ kind: 'webp', width: 1920, height: 192, widths: [480, 960] });
    expect(made.files.map((file) => file.name)).toEqual([
      `${name}-1920x192.webp`,
      `${name}-480.webp`,
      `${name}-960.webp`,
    ]);
    for (const [at, width] of [1920, 480, 960].entries())
      expect(await sharp(made.files[at]?.bytes).metadata()).toMatchObject({ format: 'webp', width });

    const small = await anew(await photo(300, 200).png().toBuffer(), 'post');
    expect(small).toMatchObject({ width: 300, height: 200, widths: [] });
    expect(small.files).toHaveLength(1);
  });
});

describe('a picture for a letter', () => {
  it('is a JPEG or a PNG that every mail program shows, at most 1600 pixels wide', async () => {
    for (const source of [
      photo(2000, 200).webp(),
      photo(2000, 200).avif({ effort: 0 }),
      photo(2000, 200).png(),
    ]) {
      const made = await anew(await source.toBuffer());
      expect(made).toMatchObject({ kind: 'jpg', width: 1600, height: 160, widths: [] });
      expect(made.files.map((file) => file.name)).toEqual([`${name}-1600x160.jpg`]);
      expect(await sharp(made.first).metadata()).toMatchObject({ format: 'jpeg', width: 1600, height: 160 });
    }
  });

  it('keeps what shines through it', async () => {
    const half = sharp({
      create: { width: 60, height: 60, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0.5 } },
    });
    for (const source of [half.clone().png(), half.clone().webp({ lossless: true })]) {
      const made = await anew(await source.toBuffer());
      expect(made.kind).toBe('png');
      expect(await dot(made.first, { left: 30, top: 30 })).toEqual([255, 0, 0, 128]);
    }
  });

  it('keeps a drawing sharp, as a PNG', async () => {
    expect((await anew(await twoHalves(400, 300).png().toBuffer())).kind).toBe('png');
  });
});

describe('every picture', () => {
  it('stands as its camera was held', async () => {
    for (const orientation of [3, 6, 8]) {
      const made = await anew(
        await twoHalves(80, 40).jpeg({ quality: 100 }).withMetadata({ orientation }).toBuffer(),
      );
      expect({ orientation, width: made.width, height: made.height }).toEqual(
        orientation === 3 ? { orientation, width: 80, height: 40 } : { orientation, width: 40, height: 80 },
      );
      // Where the red half has come to: below, to the right, to the left.
      const red = { 3: { left: 40, top: 35 }, 6: { left: 35, top: 40 }, 8: { left: 5, top: 40 } }[
        orientation
      ];
      const [r = 0, , b = 255] = await dot(made.first, red ?? { left: 0, top: 0 });
      expect(r, `orientation ${orientation}`).toBeGreaterThan(200);
      expect(b, `orientation ${orientation}`).toBeLessThan(60);
      expect((await sharp(made.first).metadata()).orientation).toBeUndefined();
    }
  });

  it('loses where it was taken, by whom and with what', async () => {
    const told = photo(100, 80)
      .jpeg()
      .withExif({
        IFD0: { Copyright: 'Grace Hopper', Software: 'SecretCam' },
        IFD3: { GPSLatitude: '55/1 45/1 0/1', GPSLatitudeRef: 'N' },
      })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>SecretXmp</note></x:xmpmeta>')
      .withIccProfile('p3');
    const source = await told.toBuffer();
    // A comment (COM) behind the start of the image.
    const commented = Buffer.concat([
      source.subarray(0, 2),
      Buffer.from([0xff, 0xfe, 0, 15]),
      Buffer.from('SecretComment'),
      source.subarray(2),
    ]);
    for (const word of ['Grace', 'SecretCam', 'SecretXmp', 'SecretComment'])
      expect(commented.includes(word), word).toBe(true);
    for (const purpose of ['letter', 'post'] as const)
      for (const { bytes } of (await anew(commented, purpose)).files) {
        const { exif, xmp, icc, iptc, comments } = await sharp(bytes).metadata();
        expect({ exif, xmp, icc, iptc, comments }).toEqual({});
        for (const word of ['Grace', 'Secret', 'Exif', 'xmpmeta', 'GPS'])
          expect(Buffer.from(bytes).includes(word), word).toBe(false);
      }
  });

  it('has the colours that it had, also from print (CMYK) and from wide screens (Display P3)', async () => {
    const brown = sharp({ create: { width: 40, height: 40, channels: 3, background: '#a06040' } });
    for (const source of [
      brown.clone().toColourspace('cmyk').jpeg({ quality: 100 }),
      brown.clone().withIccProfile('cmyk').jpeg({ quality: 100 }),
      brown.clone().withIccProfile('p3').png(),
      brown.clone().toColourspace('rgb16').png(),
    ]) {
      const made = await anew(await source.toBuffer());
      expect(await sharp(made.first).metadata()).toMatchObject({
        space: 'srgb',
        depth: 'uchar',
        channels: 3,
      });
      const [r = 0, g = 0, b = 0] = await dot(made.first, { left: 20, top: 20 });
      expect(Math.abs(r - 0xa0), `red ${r}`).toBeLessThan(24);
      expect(Math.abs(g - 0x60), `green ${g}`).toBeLessThan(24);
      expect(Math.abs(b - 0x40), `blue ${b}`).toBeLessThan(24);
    }
  });
});

describe('refused, and told why', () => {
  it('is a picture of 50 megapixels', async () => {
    const large = await sharp({ create: { width: 10_000, height: 5000, channels: 3, background: '#123' } })
      .jpeg()
      .toBuffer();
    expect(large.length).toBeLessThan(5 * 1024 * 1024);
    expect(await reencodeImage(large, 'post', name)).toEqual(refused('too_many_pixels', { max: 40 }));
  });

  it('is a bomb, before a pixel of it is unpacked', async () => {
    // 65,000 × 65,000 dots by its header, 12.7 gigabytes unpacked.
    const bomb = Buffer.from(await photo(10, 10).png().toBuffer());
    bomb.writeUInt32BE(65_000, 16);
    bomb.writeUInt32BE(65_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    const begun = performance.now();
    expect(await reencodeImage(bomb, 'post', name)).toEqual(refused('too_many_pixels', { max: 40 }));
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('is an AVIF of more than 12 megapixels, which costs more memory than the others', async () => {
    const large = await sharp({ create: { width: 4100, height: 3000, channels: 3, background: '#123' } })
      .avif({ effort: 0 })
      .toBuffer();
    expect(await reencodeImage(large, 'post', name)).toEqual(refused('too_many_pixels', { max: 12 }));
  });

  it('is a file of which a part is missing, whatever its kind and wherever it ends', async () => {
    const source = photo(200, 150);
    const whole = {
      jpeg: await source.clone().jpeg().toBuffer(),
      progressive: await source.clone().jpeg({ progressive: true }).toBuffer(),
      png: await source.clone().png().toBuffer(),
      webp: await source.clone().webp().toBuffer(),
      avif: await source.clone().avif({ effort: 0 }).toBuffer(),
    };
    for (const [kind, bytes] of Object.entries(whole))
      for (const part of [0.2, 0.5, 0.9, 0.99]) {
        const answer = await reencodeImage(
          bytes.subarray(0, Math.floor(bytes.length * part)),
          'letter',
          name,
        );
        expect(answer, `${part} of ${kind}`).toEqual(refused('broken_image'));
      }
  });

  it('is noise behind a true beginning', async () => {
    const bytes = Buffer.from(await photo(200, 150).png().toBuffer());
    bytes.fill(0x5a, 60);
    expect(await reencodeImage(bytes, 'letter', name)).toEqual(refused('broken_image'));
  });

  it('is an SVG, whatever it is called', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    expect(await reencodeImage(svg, 'post', name)).toEqual(refused('not_an_image'));
  });

  it('is what moves, because only its first picture would be left of it', async () => {
    const frames = [await photo(20, 20).png().toBuffer(), await photo(20, 20).png().toBuffer()];
    const webp = await sharp(frames, { join: { animated: true } })
      .webp()
      .toBuffer();
    expect(await reencodeImage(webp, 'letter', name)).toEqual(refused('animated'));

    const still = await photo(20, 20).png().toBuffer();
    const control = Buffer.concat([Buffer.from([0, 0, 0, 8]), Buffer.from('acTL'), Buffer.alloc(12)]);
    const png = Buffer.concat([still.subarray(0, 33), control, still.subarray(33)]);
    expect(await reencodeImage(png, 'letter', name)).toEqual(refused('animated'));
  });

  it('is what comes while many others wait, instead of taking the whole machine', async () => {
    const bytes = await photo(300, 200).jpeg().toBuffer();
    const answers = await Promise.all(Array.from({ length: 30 }, () => reencodeImage(bytes, 'letter', name)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(22);
    expect(answers.filter(({ ok }) => !ok)).toEqual(Array.from({ length: 8 }, () => refused('busy')));
    // And afterwards there is room again.
    expect((await reencodeImage(bytes, 'letter', name)).ok).toBe(true);
  });
});
