import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { describe, expect, test, vi } from 'vitest';
import type { Letter } from '@/lib/email/letter';
import { beginBody, buildMime, compilePart, endBody, nextPart, oneLine } from '@/lib/email/mime';
import { Octets } from '@/lib/email/octets';

vi.setConfig({ testTimeout: 300_000 });

/** Cases of each property; the long form asks for more by MIME_RUNS. */
const numRuns = Number(process.env.MIME_RUNS ?? 1000);

const base: Letter = {
  deliveryId: 1,
  ownerId: 1,
  from: { name: 'Ann', address: 'ann@mail.org' },
  to: { name: '', address: 'bob@mail.org' },
  replyTo: 'ann@shop.org',
  subject: 'Subject',
  html: '<p>Hello</p>',
  text: 'Hello',
  headers: [['List-Unsubscribe', '<https://mail.org/api/unsubscribe/abc>']],
  messageId: 'd1.0a1b2c3d@mail.org',
  date: new Date(Date.UTC(2026, 10, 21, 9, 5, 7)),
};

/** Words of every language, and what breaks headers. */
const nasty = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 120 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '\r\n',
        '\n',
        '\r',
        ' ',
        '\t',
        '.',
        '..',
        '=?UTF-8?B?YQ==?=',
        '"',
        '\\',
        ',',
        ';',
        '<',
        '>',
        '@',
        'Bcc: x@y.z',
        'Привет',
        '日本語',
        '😀',
        '\u2028',
        '\0',
        '=',
        '-',
        '--=_mailroom_alternative',
        'a'.repeat(90),
      ),
      { maxLength: 25 },
    )
    .map((parts) => parts.join('')),
);

/** What the wire may carry of a text: half of a surrogate pair is no character. */
const wellFormed = (text: string) => Buffer.from(text, 'utf8').toString('utf8');
const lines = (mime: string) => mime.split('\r\n');
/** Line ends and the very end of a part are the mail program's business. */
const asRead = (text: string | undefined) => (text ?? '').replace(/\r\n|\r/g, '\n').replace(/\n+$/, '');
const parse = (mime: string) => PostalMime.parse(Buffer.from(mime, 'latin1'));

function expectSoundOctets(mime: string) {
  expect(/^[\t\r\n\x20-\x7e]*$/.test(mime)).toBe(true);
  expect(/(?<!\r)\n|\r(?!\n)/.test(mime)).toBe(false);
  for (const line of lines(mime)) {
    expect(line.length).toBeLessThanOrEqual(998);
    expect(line.startsWith('.')).toBe(false);
  }
  expect(mime.endsWith('\r\n')).toBe(true);
}

const known = [
  'from',
  'to',
  'reply-to',
  'subject',
  'message-id',
  'date',
  'list-unsubscribe',
  'mime-version',
  'content-type',
];

describe('letters as MIME, read by an independent parser', () => {
  test('no subject and no name adds, breaks or hides a header', async () => {
    await fc.assert(
      fc.asyncProperty(nasty, nasty, nasty, async (subject, fromName, toName) => {
        const mime = buildMime({
          ...base,
          subject,
          from: { name: fromName, address: 'ann@mail.org' },
          to: { name: toName, address: 'bob@mail.org' },
        });
        expectSoundOctets(mime);
        const parsed = await parse(mime);
        expect(parsed.headers.map((header) => header.key)).toEqual(known);
        expect(parsed.subject ?? '').toBe(oneLine(wellFormed(subject)));
        expect(parsed.from).toMatchObject({ address: 'ann@mail.org', name: oneLine(wellFormed(fromName)) });
        expect(parsed.to).toHaveLength(1);
        expect(parsed.to?.[0]).toMatchObject({ address: 'bob@mail.org', name: oneLine(wellFormed(toName)) });
      }),
      { numRuns },
    );
  });

  test('text and HTML arrive as they were written, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(nasty, nasty, async (text, html) => {
        const mime = buildMime({ ...base, text: `${text}\n`, html: `${html}\n` });
        expectSoundOctets(mime);
        const parsed = await parse(mime);
        expect(asRead(parsed.text)).toBe(asRead(wellFormed(text)));
        expect(asRead(parsed.html)).toBe(asRead(wellFormed(html)));
      }),
      { numRuns },
    );
  });

  test('a part put together of prepared pieces reads like one encoded whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(nasty, { minLength: 1, maxLength: 6 }),
        fc.array(nasty, { maxLength: 6 }),
        async (fixed, values) => {
          // A CR at the end of one piece and an LF at the start of the next would be one line end: pieces keep theirs apart.
          const pieces = fixed.map((piece) => wellFormed(piece).replaceAll('\r', ''));
          const given = pieces
            .slice(1)
            .map((_, index) => wellFormed(values[index] ?? '').replaceAll('\r', ''));
          const text = pieces.reduce(
            (whole, piece, index) => (index === 0 ? piece : whole + (given[index - 1] ?? '') + piece),
            '',
          );
          const out = new Octets();
          out.text('Subject: x\r\n');
          beginBody(out);
          compilePart('text/plain', pieces)(out, given);
          nextPart(out);
          compilePart('text/html', ['<p></p>'])(out, []);
          endBody(out);
          const mime = out.view().toString('latin1');
          expectSoundOctets(mime);
          const parsed = await parse(mime);
          expect(asRead(parsed.text)).toBe(asRead(text));
        },
      ),
      { numRuns },
    );
  });

  test('values of extra headers can not begin another header', async () => {
    await fc.assert(
      fc.asyncProperty(nasty, async (value) => {
        const mime = buildMime({
          ...base,
          headers: [['List-Id', value]],
          messageId: value,
          replyTo: value.replace(/[^\0-\x7f]/g, '') || null,
        });
        expectSoundOctets(mime);
        const { headers } = await parse(mime);
        expect(headers.every((header) => known.includes(header.key) || header.key === 'list-id')).toBe(true);
      }),
      { numRuns },
    );
  });

  test('a date is written in UTC as RFC 5322 wants it', () => {
    expect(buildMime(base)).toContain('\r\nDate: Sat, 21 Nov 2026 09:05:07 +0000\r\n');
  });

  test('an address with letters beyond ASCII goes as UTF-8', async () => {
    const mime = buildMime({ ...base, to: { name: 'Почта', address: 'почта@xn--e1afmkfd.xn--p1ai' } });
    expect((await parse(mime)).to?.[0]).toMatchObject({
      address: 'почта@xn--e1afmkfd.xn--p1ai',
      name: 'Почта',
    });
  });
});
