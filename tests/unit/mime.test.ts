import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { describe, expect, test, vi } from 'vitest';
import { parseAddress } from '@/lib/email/address';
import type { Letter } from '@/lib/email/letter';
import { beginBody, buildMime, compilePart, endBody, nextPart, oneLine } from '@/lib/email/mime';
import { Octets } from '@/lib/email/octets';
import { smtpTransport } from '@/lib/email/smtp';

vi.setConfig({ testTimeout: 300_000 });

/**
 * Letters that this file has read by an independent parser, in all; the long form asks for 100,000 by MIME_RUNS.
 */
const casesWanted = Number(process.env.MIME_RUNS ?? 4000);
const numRuns = Math.ceil(casesWanted / 4);
let cases = 0;

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
/** Line ends and the very end of a part are the mail program's business. */
const asRead = (text: string | undefined) => (text ?? '').replace(/\r\n|\r/g, '\n').replace(/\n+$/, '');
const parse = (mime: string) => {
  cases += 1;
  return PostalMime.parse(Buffer.from(mime, 'latin1'));
};

function expectSoundOctets(mime: string) {
  expect(mime).toMatch(/^[\t\r\n\x20-\x7e]*\r\n$/);
  expect(mime).not.toMatch(/(?<!\r)\n|\r(?!\n)/);
  expect(mime).not.toMatch(/[^\r\n]{999}/);
  expect(mime).not.toMatch(/(^|\n)\./);
  for (const [, base64 = ''] of mime.matchAll(/\nContent-Transfer-Encoding: base64\r\n\r\n([^-]*)\r\n--/g)) {
    expect(base64).not.toMatch(/[^\r\n]{77}/);
    // Padding stands at the very end, for readers that stop there.
    expect(base64.replaceAll('\r\n', '')).toMatch(
      /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=))?$/,
    );
  }
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
        expect(`${parsed.subject}${parsed.from?.name}${parsed.to?.[0]?.name}`).not.toMatch(/\p{Cc}/u);
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

  test('letters of dots, and of lines of any length, come out of a real mail server as they went in', async () => {
    const taken: string[] = [];
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData(stream, _session, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', () => {
          taken.push(Buffer.concat(chunks).toString('latin1'));
          done();
        });
      },
    });
    const port = await new Promise<number>((resolve) => {
      const listener = server.listen(0, '127.0.0.1', () => {
        const address = listener.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    const transport = smtpTransport('smtp:test', {
      ...{ host: '127.0.0.1', port, implicitTls: false, tls: 'off', user: null, password: null },
      ...{ connections: 1, timeoutMs: 30_000 },
    });
    const dots = fc
      .array(
        fc.constantFrom(
          '.',
          '..',
          '.\n',
          '\n.',
          '\r\n.\r\n',
          '\n',
          ' ',
          'a',
          'я',
          '=',
          'b'.repeat(75),
          'c'.repeat(1200),
        ),
        {
          maxLength: 40,
        },
      )
      .map((parts) => parts.join(''));
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(dots, { minLength: 1, maxLength: 5 }), async (texts) => {
          taken.length = 0;
          const results = await transport.send(
            texts.map((text) => ({ ...base, text, html: text, subject: text })),
          );
          expect(results.every((result) => result.outcome === 'accepted')).toBe(true);
          expect(taken).toHaveLength(texts.length);
          for (const [index, text] of texts.entries()) {
            expectSoundOctets(taken[index] ?? '');
            const parsed = await parse(taken[index] ?? '');
            expect(asRead(parsed.text)).toBe(asRead(text));
            expect(asRead(parsed.html)).toBe(asRead(text));
            expect(parsed.subject ?? '').toBe(oneLine(text));
          }
        }),
        { numRuns: Math.ceil(numRuns / 25) },
      );
    } finally {
      await transport.close();
      await new Promise<void>((resolve) => server.close(resolve));
    }
  });

  const label = fc.oneof(
    fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/),
    fc.constantFrom(
      'пример',
      'почта',
      'рф',
      'bücher',
      '例え',
      'مثال',
      'faß',
      'EXAMPLE',
      'xn--e1afmkfd',
      'xn--a',
      'com',
    ),
    nasty,
  );
  const domain = fc
    .array(label, { minLength: 1, maxLength: 4 })
    .chain((labels) => fc.constantFrom('.', '。').map((dot) => labels.join(dot)));
  const localPart = fc.oneof(
    fc.emailAddress().map((address) => address.split('@')[0] ?? ''),
    fc.constant('иван.петров'),
    nasty,
  );

  const sayings: [string, string][] = [
    ['почта', 'пример.рф'],
    ['x', 'пример。рф'],
    ['x', 'faß.de'],
  ];

  test('an address reaches the wire as one address with a domain of A-labels, or not at all', async () => {
    let sound = 0;
    await fc.assert(
      fc.asyncProperty(localPart, domain, async (name, host) => {
        const address = parseAddress(`${name}@${host}`);
        if (address === null) return;
        sound += 1;
        const at = address.lastIndexOf('@');
        expect(address.slice(at + 1)).toMatch(
          /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])$/,
        );
        expect(address.slice(at + 1)).toBe(domainToASCII(host.trim()));
        expect(address).not.toMatch(/[\s\p{C}<>()[\]\\,;:"]/u);
        expect(parseAddress(address)).toBe(address);
        const mime = buildMime({ ...base, to: { name: '', address } });
        expect(/[\r\n]To: (.*)\r\n/.exec(mime)?.[1]).toBe(Buffer.from(address, 'utf8').toString('latin1'));
        const parsed = await parse(mime);
        expect(parsed.to).toMatchObject([{ address }]);
        expect(parsed.headers.map((header) => header.key)).toEqual(known);
      }),
      { numRuns, examples: sayings },
    );
    expect(sound).toBeGreaterThan(numRuns / 20);
  });

  test.each([
    'x@shop.org/',
    'x@shop.org#home',
    'x@shop.org?a',
    'x@shop%2eorg',
    'x@shop\n.org',
    'x@sh\top.org',
    'x@sh\u200bop.org',
    'x@shop.org:25',
    'x@user@shop.org',
    'x@127.0.0.1',
    'x@[127.0.0.1]',
    'x@shop。',
    '"a b"@shop.org',
    'a,b@shop.org',
    'Ann <a@shop.org>',
  ])('%j is no address, and does not become another one', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test('a domain means the same in letters of its own script, in capitals and as an A-label', () => {
    for (const host of [
      'пример.рф',
      'ПРИМЕР.РФ',
      'пример。рф',
      'xn--e1afmkfd.xn--p1ai',
      'XN--E1AFMKFD.XN--P1AI',
    ])
      expect(parseAddress(`x@${host}`)).toBe('x@xn--e1afmkfd.xn--p1ai');
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

test('as many cases were run as were asked for', () => {
  expect(cases).toBeGreaterThanOrEqual(casesWanted);
});
