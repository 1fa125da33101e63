import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import PostalMime from 'postal-mime';
import { describe, expect, test, vi } from 'vitest';
import type { Letter } from '@/lib/email/letter';
import { buildMime } from '@/lib/email/mime';
import {
  checkTemplate,
  compileLetter,
  type FrozenRun,
  readUnsubscribeToken,
  renderPreview,
  sanitizeBody,
  unsubscribeToken,
} from '@/lib/sending/compose';
import { unprepared } from '../support/unprepared';

vi.setConfig({ testTimeout: 300_000 });

const numRuns = Number(process.env.MIME_RUNS ?? 1000) / 2;

function run(overrides: Partial<FrozenRun> = {}): FrozenRun {
  return {
    id: 1,
    ownerId: 2,
    mailingId: 3,
    subject: 'Hello',
    body: '<p>Hello</p>',
    fromName: 'Ann',
    fromEmail: 'mail@shop.org',
    replyTo: 'ann@home.org',
    linkBase: 'http://localhost:3000',
    locale: 'en',
    openedAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
    ...overrides,
  };
}
const bob = { id: 7, email: 'bob@mail.org', fullName: 'Bob' };

describe('what a letter is made of', () => {
  test('the client’s name and address, or the default where there is none', () => {
    const letter = compileLetter(
      run({
        subject: 'For {{ client.full_name | default: "friend" }}',
        body: "<p>{{ client.email }}, {{ client.full_name | default: 'friend' }}</p>",
      }),
    );
    expect(letter.compose(bob)).toMatchObject({ subject: 'For Bob', deliveryId: 7, ownerId: 2 });
    expect(letter.compose(bob).html).toContain('<p>bob@mail.org, Bob</p>');
    expect(letter.compose({ ...bob, fullName: '' }).subject).toBe('For friend');
  });

  test('conditions and filters', () => {
    const { html, text } = compileLetter(
      run({
        body: '{% assign first = client.full_name | split: " " | first %}<p>{% if first == "Bob" %}Hi, {{ first | upcase }}!{% else %}Hello{% endif %}</p>',
      }),
    ).compose({ ...bob, fullName: 'Bob Stone' });
    expect(html).toContain('<p>Hi, BOB!</p>');
    expect(text).toContain('Hi, BOB!');
  });

  test('composed again it has the same bytes', () => {
    const one = compileLetter(run()).compose(bob);
    const two = compileLetter(run()).compose(bob);
    expect(one.writeMime).toBeTypeOf('function');
    expect(buildMime(one)).toBe(buildMime(two));
    expect(one.messageId).toMatch(/^d7\.[0-9a-f]{8}@shop\.org$/);
    expect(one.date).toEqual(run().openedAt);
  });

  test('one-click unsubscribing stands in the headers, and a link at the end of a body that has none', async () => {
    const letter = compileLetter(run({ locale: 'ru' })).compose(bob);
    const token = unsubscribeToken(7);
    const parsed = await PostalMime.parse(Buffer.from(buildMime(letter), 'latin1'));
    const header = (key: string) => parsed.headers.find((each) => each.key === key)?.value;
    expect(header('list-unsubscribe')).toBe(`<http://localhost:3000/api/unsubscribe/${token}>`);
    expect(header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    expect(header('list-id')).toBe('<m3.shop.org>');
    expect(header('reply-to')).toBe('ann@home.org');
    expect(letter.html).toContain(`href="http://localhost:3000/ru/unsubscribe/${token}">Отписаться</a>`);
    expect(letter.text).toContain(`Отписаться: http://localhost:3000/ru/unsubscribe/${token}`);
  });

  test('a body with its own unsubscribe link gets no second one', () => {
    const { html, text } = compileLetter(
      run({ body: '<p><a href="{{ unsubscribe_url }}">No more</a></p>' }),
    ).compose(bob);
    const link = `http://localhost:3000/unsubscribe/${unsubscribeToken(7)}`;
    expect(html).toContain(`<a href="${link}">No more</a>`);
    expect(html.split('/unsubscribe/')).toHaveLength(2);
    expect(text.split(link)).toHaveLength(2);
  });

  test('a test letter carries no token of anybody', () => {
    const letter = compileLetter(run()).composeTest({ email: 'ann@home.org', fullName: 'Ann' });
    expect(letter).toMatchObject({ deliveryId: null, isTest: true, headers: [] });
    expect(letter.html).toContain('/unsubscribe/test"');
  });

  test('the text part is made from the HTML', () => {
    const { text } = renderPreview(
      {
        subject: 'x',
        body: '<h1>Sale</h1><p>Dear {{ client.full_name }}, see <a href="https://shop.org/?a=1&amp;b={{ client.email }}">the shop</a>.</p><ul><li>one</li><li>two</li></ul>',
      },
      { email: 'b@c.org', fullName: 'Bob & Sons' },
    );
    expect(text).toContain('Sale\n');
    expect(text).toContain('Dear Bob & Sons, see the shop <https://shop.org/?a=1&b=b%40c.org>.');
    expect(text).toContain(' * one\n * two');
  });
});

/** What an HTML reader that is not ours finds: tags with their attributes, and the text between them. */
function readHtml(html: string): (string | { tag: string; attributes: Record<string, string> })[] {
  const found: ReturnType<typeof readHtml> = [];
  const parser = new Parser(
    {
      onopentag: (tag, attributes) => found.push({ tag, attributes: { ...attributes } }),
      onclosetag: (tag) => found.push(`</${tag}>`),
      oncomment: (text) => found.push(`<!--${text}`),
      onprocessinginstruction: (_, text) => found.push(`<?${text}`),
      ontext: (text) => {
        const last = found.at(-1);
        if (typeof last === 'string' && last.startsWith('text ')) found[found.length - 1] = last + text;
        else found.push(`text ${text}`);
      },
    },
    { decodeEntities: true },
  );
  parser.end(html);
  return found;
}
/** Mail carries line ends of one kind, and no halves of characters. */
const asMailed = (text: string) =>
  Buffer.from(text, 'utf8')
    .toString('utf8')
    .replace(/\r\n|\r/g, '\n');

/** A subject is one line: what breaks lines, and what nobody sees, is a space there. */
const spaced = (text = '') => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();

describe('what stands in a value stays a value', () => {
  const body =
    '<p title="{{ client.full_name }}">{{ client.full_name }} {{ client.full_name | append: "!" }}{% if client.email %}{{ client.full_name }}{% endif %}</p>' +
    '<a href="https://shop.org/?n={{ client.full_name }}&amp;m=1">x</a><a href="{{ client.full_name }}">y</a><img alt="{{ client.full_name }}" src="https://shop.org/{{ client.full_name | append: "" }}.png">';
  const value = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          '<',
          '>',
          '"',
          "'",
          '&',
          '{{',
          '}}',
          '{%',
          '%}',
          ' client.email ',
          'javascript:',
          '</p>',
          '<script>',
          '\r\n',
          'Bcc: a@b.c',
          '&lt;',
          '=',
          '\ue000',
          '1',
          '\ue001',
          ' onload=x ',
          '-->',
          '<!--',
          '&#39;',
          '%22',
          '\\',
          '`',
          '\u2028',
          '\0',
          'Привет',
          '日本語 😀',
          '\ud83d',
          '\u202e',
        ),
        { maxLength: 20 },
      )
      .map((parts) => parts.join('')),
  );

  test('a name changes nothing of the letter around it, wherever it stands, and is not expanded again', async () => {
    const subject = 'To {{ client.full_name }}';
    const compiled = compileLetter(run({ subject, body }));
    const mailed = (letter: Letter) => PostalMime.parse(Buffer.from(buildMime(letter), 'latin1'));
    const known = 'Zq7';
    const plain = await mailed(compiled.compose({ ...bob, fullName: known }));
    const plainHtml = readHtml(plain.html ?? '');
    await fc.assert(
      fc.asyncProperty(value, async (typed) => {
        // What is empty or only white space is another matter: a default, and lines that text parts trim.
        const fullName = `a${typed}b`;
        const read = asMailed(fullName);
        const inUrl = encodeURIComponent(Buffer.from(fullName, 'utf8').toString('utf8')).replace(
          /['()!*]/g,
          (character) => `%${character.charCodeAt(0).toString(16)}`,
        );
        const letter = await mailed(compiled.compose({ ...bob, fullName }));
        expect(letter.headers.map(({ key }) => key)).toEqual(plain.headers.map(({ key }) => key));
        expect(spaced(letter.subject)).toBe(spaced(`To ${read}`));

        const html = readHtml(letter.html ?? '');
        const expected = plainHtml.map((node) =>
          typeof node === 'string'
            ? node.replaceAll(known, () => read)
            : {
                tag: node.tag,
                attributes: Object.fromEntries(
                  Object.entries(node.attributes).map(([key, text]) => [
                    key,
                    text.replaceAll(known, () => (key === 'href' || key === 'src' ? inUrl : read)),
                  ]),
                ),
              },
        );
        expect(html).toEqual(expected);
        for (const node of html) {
          if (typeof node === 'string') continue;
          const { href, src } = node.attributes;
          for (const address of [href, src])
            if (address !== undefined)
              expect(new URL(address, 'https://here.test/').protocol).toMatch(/^https?:$/);
        }
        const link = new URL(
          html
            .flatMap((node) => (typeof node === 'string' ? [] : [node.attributes.href ?? '']))
            .find((href) => href.includes('?n=')) ?? '',
        );
        expect(asMailed(link.searchParams.get('n') ?? '')).toBe(read);
        expect(link.searchParams.get('m')).toBe('1');

        const text = (plain.text ?? '').replace(/<[^>]*>|Zq7/g, (part) =>
          part === known ? read : part.replaceAll(known, () => inUrl),
        );
        expect(letter.text).toBe(text);
      }),
      { numRuns },
    );
  });

  test('the prepared letter and the letter built anew read the same', async () => {
    const compiled = compileLetter(
      run({ subject: 'To {{ client.full_name }}', body: `${body}<p>Привет</p>` }),
    );
    await fc.assert(
      fc.asyncProperty(value, async (raw) => {
        const fullName = raw.replaceAll('\r', '');
        const letter = compiled.compose({ id: 7, email: 'x@y.org', fullName });
        const fast = await PostalMime.parse(Buffer.from(buildMime(letter), 'latin1'));
        const slow = await PostalMime.parse(Buffer.from(buildMime(unprepared(letter)), 'latin1'));
        expect(fast.html).toBe(slow.html);
        expect(fast.text).toBe(slow.text);
        expect(fast.headers).toEqual(slow.headers);
      }),
      { numRuns },
    );
  });
});

describe('templates that are refused, with line and reason', () => {
  test.each([
    ['<p>a</p><p>{{ client.nmae }}</p>', 2, 'unknown_variable', 'client.nmae'],
    ['one\ntwo {{ name }}', 2, 'unknown_variable', 'name'],
    ['{{ client.full_name', 1, 'not_closed', '{{ client.full_name'],
    ['a\nb\n{% if client.email %}', 3, 'not_closed', '{% if client.email %}'],
    ['{% for a in b %}{% endfor %}', 1, 'unknown_tag', 'for'],
    ['{% include "/etc/passwd" %}', 1, 'unknown_tag', 'include'],
    ['{{ "now" | date: "%Y" }}', 1, 'unknown_filter', 'date'],
    ['{% assign client = "x" %}', 1, 'reserved_name', 'client'],
    [
      `{% assign a = "xxxxxxxxxx" %}${'{% assign a = a | append: a %}'.repeat(40)}{{ a }}`,
      1,
      'too_large',
      '',
    ],
    ['{{ }}', 1, 'not_understood', ''],
  ])('%s', (source, line, problem, detail) => {
    const found = checkTemplate(source);
    expect(found).toMatchObject({ line, problem, detail });
    expect(found?.reason).not.toBe('');
  });

  test('what an editor does to quotes and signs is understood', () => {
    expect(checkTemplate('{{ client.full_name | default: &quot;friend&quot; }}')).toBeNull();
    expect(checkTemplate('{% if client.full_name &lt; "b" %}x{% endif %}')).toBeNull();
    expect(checkTemplate('{{ client.<b>full_name</b> }}')).toBeNull();
  });

  test('a bar without a filter behind it does no harm', () => {
    const body = '<p>{{ client.full_name| }} {{client.full_name |}}</p>';
    expect(checkTemplate(body)).toBeNull();
    expect(compileLetter(run({ body })).compose(bob).html).toContain('<p>Bob Bob</p>');
  });

  test('no text crashes the check, and what passes composes', () => {
    const source = fc
      .array(
        fc.constantFrom(
          '{{',
          '}}',
          '{%',
          '%}',
          ' client.full_name ',
          ' client.email',
          '|',
          ' default: ',
          '"x"',
          "'",
          'if ',
          'endif',
          'else',
          'assign a = ',
          '<p>',
          '</p>',
          '<a href="',
          '">',
          '</a>',
          ' ',
          'unsubscribe_url',
          'case ',
          'when ',
          '-',
          '#',
          'comment',
          'endcomment',
          '.',
          '[',
          ']',
          '{',
        ),
        { maxLength: 14 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(source, (body) => {
        const clean = sanitizeBody(body);
        expect(sanitizeBody(clean)).toBe(clean);
        if (checkTemplate(clean) !== null) return;
        const letter = compileLetter(run({ body: clean })).compose(bob);
        expect(buildMime(letter)).toContain('Message-ID');
      }),
      { numRuns: numRuns * 4 },
    );
  });
});

describe('a body as it is kept', () => {
  test('carries nothing that acts', () => {
    const clean = sanitizeBody(
      '<p onclick="x()" style="color:#c00;position:fixed;background:url(https://x)">a<script>alert(1)</script></p><iframe src="https://x"></iframe>' +
        '<a href="javascript:x">1</a><a href="java{{ x }}script:x">2</a><img src="data:text/html,x"><form action="https://x"><input></form><svg onload=x></svg>{{ "<img src=x onerror=1>" }}',
    );
    expect(clean).not.toMatch(/script|onclick|onerror|onload|iframe|form|input|svg|data:|url\(|position/i);
    expect(clean).toContain('<p style="color:#c00">a</p>');
  });

  test('keeps what mail programs show, and Liquid with its quotes', () => {
    const body =
      '<h2>Hi, {{ client.full_name | default: "friend" }}</h2><p><strong>b</strong> <a href="https://shop.org/?n={{ client.full_name | default: \'x\' }}&amp;c=1">s</a> <a href="mailto:a@b.org">m</a></p>' +
      '<ul><li>one</li></ul><table><tbody><tr><td colspan="2">x</td></tr></tbody></table>{% if client.email != "" %}<p>y</p>{% endif %}';
    expect(sanitizeBody(body)).toBe(body);
  });

  test('raw quotes of Liquid inside an attribute do not break it', () => {
    expect(sanitizeBody('<a href="https://x.org/?n={{ client.full_name | default: "a b" }}">x</a>')).toBe(
      '<a href="https://x.org/?n={{ client.full_name | default: \'a b\' }}">x</a>',
    );
  });
});

describe('unsubscribe tokens', () => {
  test('name their delivery, and nobody without the key can make one', () => {
    expect(readUnsubscribeToken(unsubscribeToken(123456789))).toBe(123456789);
    const token = unsubscribeToken(1);
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A';
      expect(readUnsubscribeToken(token.slice(0, at) + other + token.slice(at + 1))).toBeNull();
    }
    for (const wrong of ['', 'test', token.slice(1), `${token}A`, '../../x', 'я'.repeat(32)])
      expect(readUnsubscribeToken(wrong)).toBeNull();
  });
});

describe('a body made to keep the machine busy', () => {
  const compose = (body: string) =>
    compileLetter(run({ body })).compose({ id: 1, email: 'a@b.cd', fullName: 'Ann' });

  test.each(['<b>', '<div>', '<table><tr><td>', '<ul><li>', '<blockquote>'])(
    'is kept shallow when it nests %s thousands deep, so that it can be previewed and sent',
    (tag) => {
      const body = sanitizeBody(`${tag.repeat(12_000)}the text`);
      expect(body).toContain('the text');
      expect(sanitizeBody(body)).toBe(body);
      expect(() => compose(body)).not.toThrow();
    },
  );

  test.each([
    ['blanks in an output', `{{ "${' '.repeat(199_000)}" }}`],
    ['filters in an output', `{{ client.email ${'| append: client.email '.repeat(8_600)}}}`],
    ['outputs', '{{ client.email }}'.repeat(11_000)],
  ])('is refused at once for more Liquid than anybody writes: %s', (_, body) => {
    const began = performance.now();
    expect(checkTemplate(sanitizeBody(body))).toMatchObject({ problem: 'too_large' });
    // Analysing it took from 15 s to minutes.
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('is composed in a moment when it has as much Liquid as is allowed', () => {
    const body = `<p>{{ client.email | default: "${' '.repeat(19_900)}" }}</p>`;
    expect(checkTemplate(body)).toBeNull();
    const began = performance.now();
    compose(body);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
